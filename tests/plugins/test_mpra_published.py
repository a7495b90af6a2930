"""Published data sets, where a mirror of them is named."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from splits import everything, long_words, real_data, trained_on

import regharness as rh
from regharness import InputError
from regharness.testing import DataGeneratorContract


@pytest.fixture(scope="module")
def crx():
    return rh.data("crx_retina", hold_out_chromosomes=["chr1"])


@real_data
class TestCrxRetina(DataGeneratorContract):
    def make_data_generator(self):
        return rh.data("crx_retina", hold_out_chromosomes=["chr1"])


@real_data
class TestYeastNative(DataGeneratorContract):
    def make_data_generator(self):
        return rh.data("yeast_native", limit=2000)


@real_data
def test_a_context_cannot_be_given_twice():
    with pytest.raises(InputError, match="a name is given twice"):
        rh.data("crx_retina", contexts=["Rho", "Rho"])


@real_data
def test_an_unknown_chromosome_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="no chromosome named 'chr_1'; did you mean 'chr1'"):
        rh.data("crx_retina", hold_out_chromosomes=["chr_1"]).describe()


@real_data
def test_near_duplicates_of_a_held_out_gc_range_are_in_no_split():
    data = rh.data("crx_retina", hold_out_gc=(0.8, 1.0)).generate(0)
    held = long_words(data.held_out["gc_quantile"])
    assert all(not held & long_words(part) for part in trained_on(data))


@real_data
def test_no_published_sequence_straddles_a_split_on_either_strand(crx):
    data = crx.generate(2)
    seen = [long_words(part) for part in everything(data)]
    assert sum(map(len, seen)) == len(set.union(*seen))


@real_data
def test_a_wild_type_and_its_mutants_stay_together(crx):
    homes = [set(part.covariates["locus"]) for part in everything(crx.generate(0))]
    assert sum(map(len, homes)) == len(set.union(*homes))


@real_data
def test_held_out_chromosomes_are_in_no_split(crx):
    data = crx.generate(0)
    assert set(data.held_out["chromosome"].covariates["chrom"]) == {"chr1"}
    assert all("chr1" not in part.covariates["chrom"] for part in trained_on(data))


@real_data
def test_crx_activity_is_what_was_published(crx):
    data = crx.generate(0)
    found = {i: t for part in everything(data) for i, t in zip(part.ids, part.target[:, 0], strict=True)}
    assert found["chr1-104768570-104768734_UPCQ_WT"] == pytest.approx(1.8510476943667071)


@real_data
def test_crx_noise_follows_from_the_published_sd_and_replicates(crx):
    data = crx.generate(0)
    batch = data.held_out["chromosome"]
    row = batch.ids.tolist().index("chr1-104768570-104768734_UPCQ_WT")
    # SD 0.2974 of expression 3.6066 in 3 replicates, and the pseudocount 0.001.
    expected = (0.2974117612264309 / np.sqrt(3) / (np.log(2) * 3.607620776671437)) ** 2
    assert batch.noise_variance[row, 0] == pytest.approx(expected, rel=1e-5)


@real_data
def test_two_contexts_are_two_outputs_of_the_same_sequences():
    info = rh.data("crx_retina", contexts=["Rho", "Polylinker"]).describe()
    assert info.outputs == ("Rho", "Polylinker")
    assert sum(info.sizes.values()) > 9000


@real_data
def test_tiles_of_a_native_promoter_stay_together():
    data = rh.data("yeast_native", limit=8000).generate(0)
    words = [
        {row[i : i + 32].tobytes() for row in part.sequence[:, 20:] for i in range(row.size - 51)}
        for part in (data.train, data.test)
    ]
    assert not words[0] & words[1]


@real_data
def test_the_yeast_subsets_are_those_of_the_paper():
    sizes = {name: rh.data("yeast_native", subset=name)._examples.batch for name in ("native", "random")}
    assert sizes["native"].covariates["is_native"].all()
    assert not sizes["random"].covariates["is_native"].any()
    assert len(sizes["native"]) > 7 * len(sizes["random"])


def table(file):
    return pd.read_csv(Path(os.environ["REGHARNESS_DATA_DIR"]) / file, sep="\t")


def same_elements(one, two):
    return one.ids.tolist() == two.ids.tolist() and (one.sequence == two.sequence).all()


def of_one(source, **parameters):
    return rh.data(source, **parameters).generate(0)


@real_data
class TestEscCisTrans(DataGeneratorContract):
    def make_data_generator(self):
        return rh.data("esc_cis_trans")


@real_data
class TestSatmut(DataGeneratorContract):
    def make_data_generator(self):
        small = ["HBB", "HBG1", "F9", "LDLR", "LDLR.2", "HNF4A", "TERT-GBM", "GP1BA", "IRF4", "MYCrs11986220"]
        return rh.data("satmut", elements=small, hold_out_elements=["F9"], calibration=0.2, test=0.4)


@real_data
def test_replicates_follow_from_the_counts_of_barcodes_as_published():
    batch = of_one("crx_retina").test
    mean = (2.0 ** batch.replicates.target[:, 0].astype(float) - 0.001).mean(axis=1)
    np.testing.assert_allclose(np.log2(mean + 0.001), batch.target[:, 0], atol=1e-5)


@real_data
def test_the_group_context_is_the_test_set_before_the_other_promoter():
    data = of_one("crx_retina", hold_out_context=True)
    other = data.held_out["context"]
    published = table("crx-retina/polyActivityJoinedAnnotated.txt").groupby("label")["expression_log2"].mean()
    assert set(other.ids) <= set(data.test.ids)
    np.testing.assert_allclose(other.target[:, 0], published[other.ids], rtol=1e-6)


@real_data
def test_the_group_replicate_is_the_test_set_in_the_one_left_out():
    data = of_one("crx_retina", hold_out_replicate="RNA3")
    assert same_elements(data.held_out["replicate"], data.test)
    # The authors' rules, as if no other replicate had been sequenced.
    counts = table("crx-retina/Rhodopsin/library1RawBarcodeCounts.txt")
    rna = counts["RNA3"].where(counts["RNA3"] >= 5, 0)
    counts = counts.assign(rna=rna / rna.sum())[counts["DNA"] >= 10]
    ratio = counts["rna"] / (counts["DNA"] / counts["DNA"].sum())
    expression = ratio.groupby(counts["label"]).mean()
    expected = np.log2(expression / expression["BASAL"] + 0.001)
    found = pd.Series(data.held_out["replicate"].target[:, 0], data.test.ids)
    # Controls are in both libraries.
    other = table("crx-retina/Rhodopsin/library2RawBarcodeCounts.txt")
    found = found[found.index.isin(expected.index) & ~found.index.isin(other["label"])]
    assert len(found) > 500
    np.testing.assert_allclose(found, expected[found.index], rtol=1e-4, atol=1e-4)


@real_data
def test_without_a_replicate_the_target_is_the_mean_of_the_others():
    data = of_one("crx_retina", hold_out_replicate="RNA3")
    assert data.test.replicates.target.shape[2] == 2
    mean = (2.0 ** data.test.replicates.target[:, 0].astype(float) - 0.001).mean(axis=1)
    np.testing.assert_allclose(data.test.target[:, 0], np.log2(mean + 0.001), atol=1e-5)


@real_data
def test_held_out_variants_are_relatives_of_the_test_set_and_in_no_split():
    data = of_one("crx_retina", hold_out_variants=["MUT-shape"])
    group = data.held_out["variant_class"]
    assert set(group.covariates["variant_class"]) == {"MUT-shape"}
    assert not any("MUT-shape" in part.covariates["variant_class"] for part in trained_on(data))
    assert not set(group.covariates["locus"]) & {*data.train.covariates["locus"], *data.calibration.covariates["locus"]}


@real_data
def test_an_unknown_variant_is_refused_with_those_there_are():
    with pytest.raises(InputError, match=r"no variant named 'MUT'.*MUT-allCrxSites, MUT-shape, WT"):
        rh.data("crx_retina", hold_out_variants=["MUT"]).describe()


@real_data
def test_random_promoters_are_the_group_native_vs_random():
    data = of_one("yeast_native", hold_out_random=True, limit=2000)
    assert not data.held_out["native_vs_random"].covariates["is_native"].any()
    assert all(part.covariates["is_native"].all() for part in trained_on(data))


@real_data
def test_yeast_replicates_are_on_the_scale_of_the_combined_level():
    data = of_one("yeast_native")
    whole = np.concatenate([part.replicates.target[:, 0] for part in trained_on(data)])
    target = np.concatenate([part.target[:, 0] for part in trained_on(data)])
    moments = [np.nanmean(whole, axis=0), np.nanstd(whole, axis=0)]
    np.testing.assert_allclose(moments, [[target.mean()] * 2, [target.std()] * 2], rtol=0.02)


@real_data
def test_a_yeast_replicate_left_out_is_no_part_of_the_target():
    data = of_one("yeast_native", hold_out_replicate="EL.rep2", limit=2000)
    assert same_elements(data.held_out["replicate"], data.test)
    np.testing.assert_array_equal(data.test.target[:, 0], data.test.replicates.target[:, 0, 0])
    np.testing.assert_array_equal(data.held_out["replicate"].target[:, 0], data.test.replicates.target[:, 0, 1])


@pytest.fixture(scope="module")
def esc():
    return rh.data("esc_cis_trans").generate(0)


@pytest.fixture(scope="module")
def tss():
    both = [table(f"esc-cis-trans/{name}_TSS_vals.both_tiles.txt") for name in ("human", "mouse")]
    return pd.concat(both).dropna(subset=["element"]).drop_duplicates("element").set_index("element_id")


@real_data
@pytest.mark.parametrize(
    ("group", "cells"), [("cell_type", "mESC"), ("species", "HUES64"), ("species_and_cell_type", "mESC")]
)
def test_each_group_of_esc_is_measured_where_it_says(esc, tss, group, cells):
    batch = esc.held_out[group]
    np.testing.assert_allclose(batch.target[:, 0], np.log10(tss[cells][batch.ids]), rtol=1e-4, atol=1e-6)


@real_data
def test_the_other_cell_type_measures_the_test_set(esc):
    assert same_elements(esc.held_out["cell_type"], esc.test)


@real_data
def test_the_other_species_is_in_no_split_and_neither_are_its_near_duplicates(esc):
    assert set(esc.held_out["species"].covariates["species"]) == {"mouse"}
    assert all(set(part.covariates["species"]) == {"human"} for part in trained_on(esc))
    held = long_words(esc.held_out["species"])
    assert not any(held & long_words(part) for part in trained_on(esc))


@real_data
def test_both_tiles_of_a_start_site_stay_together(esc):
    homes = [set(part.covariates["tss"]) for part in trained_on(esc)]
    assert sum(map(len, homes)) == len(set.union(*homes))


@real_data
def test_a_chromosome_of_the_training_species_can_be_held_out():
    data = of_one("esc_cis_trans", species="mouse", hold_out=[], hold_out_chromosomes=["chrX"])
    assert set(data.held_out["chromosome"].covariates["chrom"]) == {"chrX"}
    with pytest.raises(InputError, match="no chromosome named 'chr22'"):
        of_one("esc_cis_trans", species="mouse", hold_out_chromosomes=["chr22"])


@pytest.fixture(scope="module")
def hbb():
    data = rh.data("satmut", elements=["HBB", "F9", "HBG1"], least_barcodes=0).generate(0)
    (batch,) = (part for part in everything(data) if "HBB" in part.covariates["element"])
    return batch, table("satmut/GRCh38_ALL.tsv").query("Element == 'HBB'")


@real_data
def test_a_variant_differs_from_its_element_in_its_own_base(hbb):
    batch, rows = hbb
    single = batch.covariates["alt"] != "-"
    # 187 of 303 bp, with 58 N on the left.
    place = batch.covariates["position"][single] - rows["Position"].min() + 58
    reference = np.array([np.bincount(column).argmax() for column in batch.sequence[single].T])
    differs = batch.sequence[single] != reference
    assert (differs.sum(axis=1) == 1).all()
    assert (np.argmax(differs, axis=1) == place).all()
    assert ["ACGT"[code] for code in batch.sequence[single][differs]] == batch.covariates["alt"][single].tolist()


@real_data
def test_a_deletion_shortens_the_element_by_one(hbb):
    batch, _ = hbb
    known = (batch.sequence < 4).sum(axis=1)
    assert set(known[batch.covariates["alt"] == "-"]) == {186}
    assert set(known[batch.covariates["alt"] != "-"]) == {187}


@real_data
def test_offset_is_the_place_of_a_variant_in_its_sequence(hbb):
    batch, _ = hbb
    alt, offset = batch.covariates["alt"], batch.covariates["offset"]
    single = alt != "-"
    there = batch.sequence[np.arange(len(batch)), offset]
    assert ["ACGT"[code] for code in there[single]] == alt[single].tolist()
    # Put back before that place, a deleted base makes the sequence that substitutions are made in.
    at, ref = offset[~single][0], "ACGT".index(batch.covariates["ref"][~single][0])
    whole = np.insert(batch.sequence[~single][0], at, ref)[:-1]
    reference = np.array([np.bincount(column).argmax() for column in batch.sequence[single].T])
    np.testing.assert_array_equal(whole[whole < 4], reference[reference < 4])


@real_data
def test_standard_errors_give_the_published_p_values_back(hbb):
    batch, _ = hbb
    effect, se = np.abs(batch.target[:, 0].astype(float)), np.sqrt(batch.noise_variance[:, 0].astype(float))
    p = batch.covariates["p_value"]
    # Effects are rounded to .01, p-values to .00001.
    lowest, highest = (2 * norm.sf(np.maximum(effect + half, 0) / se) for half in (0.005, -0.005))
    within = (lowest - 1e-5 <= p) & (p <= highest + 1e-5)
    assert within.mean() > 0.95
    assert (2 * norm.sf(effect / se))[p == 0].max() < 2e-5


@real_data
def test_effects_and_counts_of_variants_are_the_published_ones(hbb):
    batch, rows = hbb
    rows = rows.set_index(["Position", "Alt"]).loc[
        zip(batch.covariates["position"], batch.covariates["alt"], strict=True)
    ]
    found = np.concatenate([batch.target, batch.dna_count, batch.rna_count], axis=1)
    np.testing.assert_allclose(found, rows[["Value", "DNA", "RNA"]], rtol=1e-6)


@real_data
def test_experiments_on_one_element_stay_together():
    data = of_one("satmut", elements=["LDLR", "LDLR.2", "HBB", "F9", "HBG1"], calibration=0.2, test=0.3)
    homes = [set(part.covariates["element"]) for part in trained_on(data)]
    assert any({"LDLR", "LDLR.2"} <= home for home in homes)
    assert sum(map(len, homes)) == 5


@real_data
def test_a_base_that_no_variant_covers_is_unknown():
    data = of_one("satmut", elements=["TCF7L2", "HBB", "F9"])
    (batch,) = (part for part in everything(data) if "TCF7L2" in part.covariates["element"])
    inside = batch.sequence[batch.covariates["alt"] != "-"]
    assert set((inside == 4).sum(axis=1)) == {1}


@real_data
def test_an_unknown_element_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="no element named 'LDRL'; did you mean 'LDLR'"):
        rh.data("satmut", elements=["LDRL"]).describe()
