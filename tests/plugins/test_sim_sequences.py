"""What is simulated of sequences: their composition, what is planted, and the ground truth of it."""

from pathlib import Path

import numpy as np
import pytest

import regharness as rh
from regharness import InputError
from regharness.catalog import load_catalog
from regharness.sequences import gc_content
from regharness_motifs.library import load_motifs

ALPHABET = "ACGT"
SMALL = {"train": 2, "calibration": 2}
BARE = {**SMALL, "motif_density": 0.0}


def generator(**parameters):
    return rh.data("simulated_mpra", **parameters)


def transitions(sequence, order):
    """Frequencies of words of `order + 1` bases."""
    words = np.lib.stride_tricks.sliding_window_view(sequence, order + 1, axis=1).reshape(-1, order + 1)
    counts = np.bincount(words @ 4 ** np.arange(order, -1, -1), minlength=4 ** (order + 1)).reshape(-1, 4)
    return counts / counts.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def annotated():
    made = generator(**SMALL, test=1500, decoys=4)
    return made, made.generate(3), made.annotations(3, "test")


def test_bases_of_order_zero_are_independent():
    sequence = generator(**BARE, test=4000, markov_order=0, gc_sd=0.0).generate(0).test.sequence
    np.testing.assert_allclose(transitions(sequence, 1), np.tile([0.265, 0.235, 0.235, 0.265], (4, 1)), atol=0.004)


def test_a_background_of_its_own_gives_its_words(tmp_path):
    # A second-order source in which T follows AC nine times in ten.
    rng = np.random.default_rng(0)
    text = [0, 1]
    for u in rng.random(200_000):
        text.append(3 if text[-2:] == [0, 1] and u < 0.9 else int(u * 4))
    (tmp_path / "genome.fa").write_text(">chr1\n" + "".join(ALPHABET[base] for base in text) + "\n")
    made = load_catalog().create(
        "data",
        "simulated_mpra",
        {**BARE, "test": 3000, "background": "genome.fa", "markov_order": 2, "gc_sd": 0.0, "gc_mean": 0.47},
        tmp_path,
    )
    found = transitions(made.generate(0).test.sequence, 2)
    # Both strands are learned, as a double-stranded library has them: the source's own share stays high.
    assert found[0 * 4 + 1, 3] > 0.55
    assert found[1 * 4 + 0, 3] < 0.35


def test_a_background_too_small_for_its_order_is_refused(tmp_path):
    (tmp_path / "short.fa").write_text(">a\nACGTACGTTGCA\n")
    with pytest.raises(InputError, match=r"too few for 1,024 numbers"):
        load_catalog().create("data", "simulated_mpra", {"background": "short.fa", "markov_order": 4}, tmp_path)


def test_motif_usage_is_even(annotated):
    _, _, table = annotated
    counts = table[table["planted"]].groupby("motif").size()
    assert len(counts) == 28
    expected = counts.sum() / 28
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_every_planted_instance_is_annotated(annotated):
    _, data, table = annotated
    counts = table[table["planted"]].groupby("id").size().reindex(data.test.ids, fill_value=0)
    np.testing.assert_array_equal(counts, data.test.covariates["n_planted"])


def test_planted_instances_do_not_overlap(annotated):
    _, _, table = annotated
    planted = table[table["planted"]].sort_values(["id", "start"])
    following = planted.shift(-1)
    same = planted["id"] == following["id"]
    assert (planted["end"][same] <= following["start"][same]).all()


def test_planted_bases_follow_their_motifs_probabilities(annotated):
    _, data, table = annotated
    library = load_motifs()
    index = {name: i for i, name in enumerate(data.test.ids)}
    complement = np.array([3, 2, 1, 0])
    for name in ("GATA1", "CTCF"):
        if name not in library.names:
            continue
        matrix = library.matrices[library.names.index(name)]
        rows = table[(table["motif"] == name) & table["planted"]]
        instances = np.array([data.test.sequence[index[r.id], r.start : r.end] for r in rows.itertuples()])
        reverse = (rows["strand"] == -1).to_numpy()
        instances[reverse] = complement[instances[reverse][:, ::-1]]
        found = (instances[..., None] == np.arange(4)).mean(axis=0)
        assert np.abs(found - matrix).max() < 5 * 0.5 / np.sqrt(len(instances))


def test_annotated_scores_are_log_odds_of_the_bases(annotated):
    _, data, table = annotated
    library = load_motifs()
    index = {name: i for i, name in enumerate(data.test.ids)}
    from regharness_motifs.scanning import thresholds

    limits = dict(zip(library.ids, thresholds(library), strict=True))
    rows = table[table["acts"] & table["excess"].notna()].sample(50, random_state=0)
    for row in rows.itertuples():
        odds = np.log(library.matrices[library.ids.index(row.motif_id)] / 0.25)
        odds = odds if row.strand == 1 else odds[::-1, ::-1]
        bases = data.test.sequence[index[row.id], row.start : row.end]
        assert row.excess == pytest.approx(odds[np.arange(len(odds)), bases].sum() - limits[row.motif_id], abs=1e-4)


def test_occupancy_in_the_annotation_adds_up_to_the_motif_content(annotated):
    _, data, table = annotated
    columns = [column for column in table if column.startswith("occupancy_")]
    content = table.groupby("id")[columns].sum().mean(axis=1).reindex(data.test.ids, fill_value=0.0)
    np.testing.assert_allclose(content, data.mechanism.motif_content(data.test.sequence), rtol=1e-4)


def test_decoys_are_planted_and_have_no_effect(annotated):
    _, data, table = annotated
    decoys = table[~table["acts"]]
    assert decoys["planted"].any()
    assert set(decoys["motif"]) == {f"decoy_{i}" for i in range(1, 5)}
    assert not data.mechanism.mechanism.program.effect[-4:].any()


def test_orientation_is_biased_motif_by_motif():
    table = generator(**SMALL, test=4000, orientation_bias=1.0).annotations(0)
    share = table[table["planted"]].assign(forward=lambda t: t["strand"] == 1).groupby("motif")["forward"].mean()
    # Uniform between 0 and 1 over the motifs, whose binomial sampling is far narrower.
    assert share.std() == pytest.approx(np.sqrt(1 / 12), rel=0.5)
    assert share.min() < 0.25
    assert share.max() > 0.75


def test_streaming_gives_what_generating_gives():
    made = generator(train=9000, calibration=2, test=2, length=60)
    whole = made.generate(5).train
    parts = list(made.stream(5, "train"))
    assert max(len(part) for part in parts) < 9000
    for name in ("ids", "sequence", "target", "truth", "noise_variance", "rna_count"):
        np.testing.assert_array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(whole, name))


@pytest.mark.parametrize("threads", ["1", "3"])
def test_the_number_of_threads_changes_no_bit(monkeypatch, threads):
    made = generator(train=9000, calibration=2, test=2, length=60)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    expected = made.generate(0).train
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    found = made.generate(0).train
    np.testing.assert_array_equal(found.sequence, expected.sequence)
    np.testing.assert_array_equal(found.target, expected.target)


def test_gc_content_of_the_whole_is_where_its_parameter_puts_it():
    sequence = generator(**BARE, test=4000, markov_order=0, gc_mean=0.6).generate(0).test.sequence
    assert gc_content(sequence).mean() == pytest.approx(0.6, abs=4 * 0.088 / np.sqrt(4000))


def test_two_cell_types_correlate_as_their_parameter_says():
    for wanted in (0.3, 0.61, 0.85):
        r = [
            np.corrcoef(generator(**SMALL, test=3000, cell_type_correlation=wanted).generate(s).test.truth.T)[0, 1]
            for s in range(4)
        ]
        assert np.mean(r) == pytest.approx(wanted, abs=0.05)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"markov_order": 3}, "a markov_order of 2 or more is learned from 'background'"),
        ({"markov_order": 0, "cpg_factor": 0.4}, "'cpg_factor' needs a markov_order of 1"),
        ({"batch_offset_sd": 0.2}, "need 'batches' of 2 or more"),
        ({"replicates": 4, "donors": 3}, "4 replicates cannot come evenly from 3 donors"),
        ({"motif_names": ["GATA"]}, "no motif named 'GATA'; did you mean 'GATA1'"),
        ({"motif_names": ["GATA1"]}, "a simulation needs at least two motifs"),
        ({"motif_names": ["GATA1", "GATA1"]}, "a motif is chosen twice"),
        ({"barcodes": 0}, "barcodes: input should be greater than or equal to 1"),
        ({"length": 5}, "length: input should be greater than or equal to 20"),
        ({"motifs": "empty.meme"}, "holds no motif"),
        ({"motifs": "uneven.meme"}, "do not sum to one"),
        ({"background": "empty.meme"}, "is no FASTA file"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_is_drawn(tmp_path, parameters, message):
    (tmp_path / "empty.meme").write_text("MEME version 5\n\nALPHABET= ACGT\n")
    (tmp_path / "uneven.meme").write_text(
        "MEME version 5\n\nMOTIF X\nletter-probability matrix: alength= 4 w= 1\n0.5 0.5 0.5 0.5\n"
    )
    with pytest.raises(InputError, match=message):
        load_catalog().create("data", "simulated_mpra", parameters, tmp_path)


def test_planting_that_cannot_fit_leaves_what_fits():
    made = generator(**SMALL, test=200, length=21, motif_density=50.0, max_motifs=50)
    table = made.annotations(0)
    assert (table["end"] <= 21).all()
    assert table["planted"].any()


@pytest.mark.parametrize("given", [{}, {"markov_order": 0}, {"motifs": "jaspar"}, {"donors": 3, "batches": 2}])
def test_resolved_parameters_are_taken_back_as_they_are(given):
    catalog = load_catalog()
    once = catalog.check("data", "simulated_mpra", given, Path())
    assert catalog.check("data", "simulated_mpra", once.model_dump(), Path()) == once
