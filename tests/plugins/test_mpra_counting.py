"""Counting published elements again: hand-made barcodes, a hand-made table, and the retina's real barcodes."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from splits import real_data

import regharness as rh
from regharness import InputError
from regharness.catalog import load_catalog
from regharness.plan import make_plan
from regharness.seeding import rng_for
from regharness.spec_loading import load
from regharness_mpra.counting import BarcodeCounts, Barcodes, SummedCounts, measure

N = 4000
IDS = np.array([f"e{i}" for i in range(N)])


def barcodes(dna, rna, per_element, **rules):
    """So many barcodes an element, all with these counts."""
    n = N * per_element
    rules = {"least_dna": 0.0, "pseudocount": 0.0, **rules}
    least = np.full((n, 2), rules.pop("least_rna", 0.0))
    counts = np.full((n, 2), float(rna))
    return Barcodes(np.repeat(IDS, per_element), np.full(n, float(dna)), counts, np.ones((n, 2)), least, **rules)


def counted(**changes):
    """Elements whose activity is 0 and whose noise variance is 0.25."""
    ones = np.ones((N, 1), np.float32)
    parts = {"target": 0 * ones, "noise_variance": 0.25 * ones, "dna_count": 1000 * ones, "rna_count": 1000 * ones}
    return rh.SequenceBatch(ids=IDS, sequence=np.zeros((N, 4), np.uint8), outputs=("a",), **{**parts, **changes})


def recounted(assay, batch, **condition):
    new = assay.recount(batch, rng_for(0, "recount"), **condition)
    return (new.target - batch.target)[:, 0], (new.noise_variance - batch.noise_variance)[:, 0], new


@pytest.mark.parametrize("assay", [SummedCounts(), BarcodeCounts({"a": barcodes(100, 100, 4)})])
def test_nothing_changes_where_no_condition_does(assay):
    change, noise, _ = recounted(assay, counted())
    assert (change == 0).all()
    assert (noise == 0).all()


@pytest.mark.parametrize(
    ("assay", "condition"),
    [
        (SummedCounts(), {"depth": 0.2}),
        (BarcodeCounts({"a": barcodes(500, 500, 4)}), {"depth": 0.2}),
        (BarcodeCounts({"a": barcodes(500, 500, 4)}), {"dispersion": 0.02}),
    ],
)
def test_the_noise_variance_grows_by_that_of_the_change(assay, condition):
    change, noise, _ = recounted(assay, counted(), **condition)
    # The mean of 4,000 squares has a relative SD of sqrt(2 / 4000) = 0.022.
    assert (change**2).mean() / noise.mean() == pytest.approx(1.0, abs=0.1)


def test_noise_of_dispersion_is_that_of_a_mean_of_gamma_variables():
    _, noise, _ = recounted(BarcodeCounts({"a": barcodes(100, 100, 4)}), counted(), dispersion=0.02)
    np.testing.assert_allclose(noise, 0.02 / 4 / np.log(2) ** 2, rtol=1e-5)


def test_noise_of_fewer_barcodes_is_that_of_sampling_without_replacement():
    table = barcodes(100, 100, 4)
    table.rna[:] = np.tile([[50.0], [100.0], [100.0], [150.0]], (N, 2))
    change, noise, _ = recounted(BarcodeCounts({"a": table}), counted(), barcodes=2)
    # Variance of (0.5, 1, 1, 1.5) is 1/6; a mean of 2 of 4 has 1/6 (1/2 - 1/4), to first order in the logarithm.
    np.testing.assert_allclose(noise, (1 / 6) / 4 / np.log(2) ** 2, rtol=1e-5)
    assert (change**2).mean() == pytest.approx(noise.mean(), rel=0.15)


def test_a_share_of_the_reads_is_kept():
    *_, new = recounted(SummedCounts(), counted(), depth=0.1)
    kept = np.concatenate([new.dna_count, new.rna_count])
    assert kept.mean() == pytest.approx(100, abs=5 * np.sqrt(90 / (2 * N)))
    assert kept.std() == pytest.approx(np.sqrt(90), rel=0.05)


def test_elements_keep_as_many_barcodes_as_are_asked_for_or_all():
    assay = BarcodeCounts({"a": barcodes(100, 100, 4)})
    counts = [recounted(assay, counted(), barcodes=n)[2].dna_count for n in (1, 3, 9)]
    assert [set(count[:, 0].tolist()) for count in counts] == [{100.0}, {300.0}, {400.0}]


def test_a_barcode_with_little_dna_does_not_count():
    table = barcodes(100, 100, 2, least_dna=50.0)
    table.dna[::2], table.rna[::2] = 49.0, 1e6
    assert set(measure(table, IDS).expression.ravel()) == {1.0}


def test_a_barcode_that_one_replicate_does_not_hear_expresses_nothing():
    table = barcodes(100, 100, 2, least_rna=5.0)
    table.rna[::2, 1] = 4.0
    assert set(measure(table, IDS).expression.ravel()) == {0.5}


def test_an_element_that_loses_all_dna_keeps_its_barcodes():
    *_, new = recounted(BarcodeCounts({"a": barcodes(2, 50, 1, pseudocount=0.01)}), counted(), depth=0.01)
    assert np.isfinite(new.target).all()
    assert (new.dna_count >= 1).all()


def test_replicates_are_measured_again():
    *_, new = recounted(BarcodeCounts({"a": barcodes(500, 500, 4)}), counted(), depth=0.2)
    mean = (2.0 ** new.replicates.target[:, 0].astype(float)).mean(axis=1)
    np.testing.assert_allclose(np.log2(mean), new.target[:, 0], atol=1e-5)


def test_an_element_without_counts_stays_as_it_was():
    lost = np.full((N, 1), 1000, np.float32)
    lost[:10] = np.nan
    change, noise, _ = recounted(SummedCounts(), counted(dna_count=lost), depth=0.1)
    assert (change[:10] == 0).all()
    assert (noise[:10] == 0).all()
    assert (change[10:] != 0).mean() > 0.9


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"depth": 0.0}, "depth 0 is not above 0"),
        ({"depth": float("nan")}, "depth nan is not above 0"),
        ({"dispersion": -1.0}, "dispersion -1 is below zero"),
        ({"barcodes": 0}, "an element needs a barcode, not 0"),
    ],
)
def test_an_impossible_condition_is_refused(condition, message):
    with pytest.raises(InputError, match=message):
        recounted(BarcodeCounts({"a": barcodes(9, 9, 1)}), counted(), **condition)


def test_a_table_of_sums_has_no_barcodes_to_draw():
    with pytest.raises(InputError, match="no counts of single barcodes"):
        recounted(SummedCounts(), counted(), barcodes=2)


@pytest.mark.parametrize("assay", [SummedCounts(), BarcodeCounts({"a": barcodes(9, 9, 1)})])
def test_examples_without_counts_are_refused(assay):
    with pytest.raises(InputError, match="no counts are known of these examples"):
        recounted(assay, counted(dna_count=None), depth=0.5)


@pytest.fixture(scope="module")
def retina():
    return rh.data("crx_retina").generate(0)


@real_data
@pytest.mark.parametrize(
    ("name", "severity"), [("barcode_count", 5), ("sequencing_depth", 3), ("barcode_dispersion", 5)]
)
def test_a_count_shift_measures_the_retina_again(retina, name, severity):
    shifted = rh.shift(name).apply(retina, severity, rng_for(0, name))
    assert (shifted.sequence == retina.test.sequence).all()
    assert np.isfinite(shifted.target).all()
    assert (shifted.target != retina.test.target).mean() > 0.5
    assert np.nanmean(shifted.noise_variance) > np.nanmean(retina.test.noise_variance)


@real_data
def test_one_barcode_of_a_retinal_element_is_one_that_was_counted(retina):
    folder = Path(os.environ["REGHARNESS_DATA_DIR"]) / "crx-retina" / "Rhodopsin"
    raw = pd.concat(pd.read_csv(folder / f"library{i}RawBarcodeCounts.txt", sep="\t") for i in (1, 2))
    counted = set(zip(raw["label"], raw["DNA"].astype(float), strict=True))
    shifted = rh.shift("barcode_count").apply(retina, 5, rng_for(0, "one"))
    assert set(zip(shifted.ids.tolist(), shifted.dna_count[:, 0].tolist(), strict=True)) <= counted


@real_data
def test_the_context_before_another_promoter_has_no_counts_to_change():
    data = rh.data("crx_retina", hold_out_context=True).generate(0)
    with pytest.raises(InputError, match="no counts are known"):
        data.assay.recount(data.held_out["context"], rng_for(0, "x"), depth=0.5)


def test_a_count_shift_on_data_without_counts_is_refused_by_the_plan(tmp_path):
    rng = rng_for(0, "table")
    rows = [f"{''.join('ACGT'[b] for b in row)}\t{row.mean()}" for row in rng.integers(0, 4, (80, 60))]
    (tmp_path / "t.tsv").write_text("seq\ty\n" + "\n".join(rows))
    (tmp_path / "s.yaml").write_text(
        "name: s\nmodels: [{name: m, use: mean}]\nmetrics: [mse]\ntasks:\n  - name: t\n"
        "    data: {use: mpra_table, with: {path: t.tsv, sequence: seq, targets: [y]}}\n"
        "    shifts: [{use: sequencing_depth}, {use: barcode_count}]\n"
    )
    catalog = load_catalog()
    with pytest.raises(InputError, match="'sequencing_depth' needs counts, which 'mpra_table' does not offer"):
        make_plan(load(tmp_path / "s.yaml", catalog), catalog)
