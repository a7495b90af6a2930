"""Facts of motif libraries and of the sites of motifs; the scanner against its formula, written out plainly."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from Bio import motifs as bio
from Bio.motifs import jaspar, transfac

from regharness import InputError
from regharness.seeding import rng_for
from regharness_motifs.library import MAX_BYTES, PSEUDOCOUNT, MotifSet, load_motifs
from regharness_motifs.scanning import (
    GATE,
    find_sites,
    occupancy_features,
    saturated,
    summed_occupancy,
    thresholds,
)

JASPAR = """\
>M1.1\tTOY
A [ 8 0 0 ]
C [ 0 8 0 ]
G [ 0 0 8 ]
T [ 0 0 0 ]
"""

MEME = """\
MEME version 4

ALPHABET= ACGT

MOTIF M1 TOY
letter-probability matrix: alength= 4 w= 2 nsites= 8 E= 0
 1.0 0.0 0.0 0.0
 0.5 0.5 0.0 0.0

MOTIF M2
letter-probability matrix: alength= 4 w= 1
 0.25 0.25 0.25 0.25
"""


TRANSFAC = """\
VV  TRANSFAC MATRIX TABLE
XX
//
AC  M00001
XX
ID  V$MYOD_01
XX
NA  MyoD
XX
P0      A      C      G      T
01      1      2      2      0      S
02      2      1      2      0      R
XX
//
AC MA0004.1
XX
ID Arnt
XX
PO\tA\tC\tG\tT
01\t4.0\t16.0\t0.0\t0.0
XX
"""


@pytest.fixture
def sequences():
    drawn = rng_for(0, "test").integers(0, 4, (40, 80)).astype(np.uint8)
    drawn[3, 30:36] = 4
    return drawn


def write(tmp_path, text):
    path = tmp_path / "motifs.txt"
    path.write_text(text)
    return path


def test_the_built_in_set_is_real_and_normalised():
    motifs = load_motifs()
    assert len(motifs) == 24
    assert "CTCF" in motifs.names
    assert all(np.allclose(matrix.sum(axis=1), 1.0) for matrix in motifs.matrices)


def test_the_built_in_hnf4a_has_its_consensus():
    motifs = load_motifs()
    matrix = motifs.matrices[motifs.names.index("HNF4A")]
    assert "".join("ACGT"[base] for base in matrix.argmax(axis=1)) == "CAAAGTCCA"


def test_jaspar_counts_get_a_pseudocount_spread_over_the_bases(tmp_path):
    motifs = load_motifs(write(tmp_path, JASPAR))
    share = PSEUDOCOUNT / 4
    np.testing.assert_allclose(motifs.matrices[0][0], np.array([8 + share, share, share, share]) / (8 + PSEUDOCOUNT))


def test_meme_probabilities_are_weighted_by_their_sites(tmp_path):
    motifs = load_motifs(write(tmp_path, MEME))
    assert (motifs.ids, motifs.names) == (("M1", "M2"), ("TOY", "M2"))
    np.testing.assert_allclose(motifs.matrices[0][1], np.array([4.2, 4.2, 0.2, 0.2]) / 8.8)


def test_meme_probabilities_without_sites_are_weighted_by_twenty(tmp_path):
    motifs = load_motifs(write(tmp_path, MEME.replace("nsites= 8 ", "")))
    np.testing.assert_allclose(motifs.matrices[0][1], np.array([10.2, 10.2, 0.2, 0.2]) / 20.8)


def test_jaspar_rows_need_no_letters(tmp_path):
    motifs = load_motifs(write(tmp_path, ">M1\n8 0\n0 8\n0 0\n0 0\n"))
    assert (motifs.names, len(motifs.matrices[0])) == (("M1",), 2)


def test_transfac_accessions_are_ids_and_factors_names(tmp_path):
    motifs = load_motifs(write(tmp_path, TRANSFAC))
    assert (motifs.ids, motifs.names) == (("M00001", "MA0004.1"), ("MyoD", "Arnt"))


def test_transfac_counts_get_the_pseudocount_of_others(tmp_path):
    motifs = load_motifs(write(tmp_path, TRANSFAC))
    np.testing.assert_allclose(motifs.matrices[0][1], np.array([2.2, 1.2, 2.2, 0.2]) / 5.8)


def jaspar_of(counts):
    return jaspar.Motif("M7", "TOY", counts=counts)


def transfac_of(counts):
    motif = transfac.Motif("ACGT", counts=counts)
    motif["AC"], motif["NA"] = "M7", "TOY"
    return motif


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(("format", "make"), [("jaspar", jaspar_of), ("transfac", transfac_of)])
def test_a_library_that_biopython_writes_is_read_back(tmp_path, format, make, newline):
    counts = dict(zip("ACGT", rng_for(0, "test").integers(0, 50, (4, 11)) + 1.0, strict=True))
    motif = make(counts)
    motifs = load_motifs(write(tmp_path, bio.write([motif], format).replace("\n", newline)))
    assert (motifs.ids, motifs.names) == (("M7",), ("TOY",))
    expected = motif.counts.normalize(pseudocounts=PSEUDOCOUNT / 4)
    np.testing.assert_allclose(motifs.matrices[0], np.array([expected[base] for base in "ACGT"]).T)


def test_a_meme_file_means_what_biopython_says(tmp_path):
    motifs = load_motifs(write(tmp_path, MEME))
    background = "Background letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n\n"
    first, _ = bio.parse(io.StringIO(MEME.replace("MOTIF M1", background + "MOTIF M1")), "minimal")
    expected = first.counts.normalize(pseudocounts=PSEUDOCOUNT / 4)
    np.testing.assert_allclose(motifs.matrices[0], np.array([expected[base] for base in "ACGT"]).T)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no motif"),
        ("hello", "JASPAR .* MEME and TRANSFAC .* text are read"),
        (">M1 X\nA [1 2]\nC [1 2]\nG [1 2]\n", "has 3 rows"),
        (">M1 X\nA [1 2]\nC [1 2]\nG [1 2]\nT [1]\n", "not a table of numbers"),
        (">M1 X\nA [1 -2]\nC [1 2]\nG [1 2]\nT [1 2]\n", "negative or not finite"),
        (">M1 X\nA [1 nan]\nC [1 2]\nG [1 2]\nT [1 2]\n", "negative or not finite"),
        (">M1 X\nA [1 0]\nC [1 0]\nG [1 0]\nT [1 0]\n", "a position without counts"),
        (">M1 X\nA []\nC []\nG []\nT []\n", "the motif M1 has 0 positions, not 1 to 60"),
        (">M1 X\n" + "".join(f"{base} [{'1 ' * 61}]\n" for base in "ACGT"), "has 61 positions, not 1 to 60"),
        (">\n\n", "a motif has no identifier"),
        (JASPAR.replace("A [", "T [", 1), "the rows of the motif M1.1 are TCGT, not A C G T"),
        (JASPAR + JASPAR, "the motif M1.1 appears twice"),
        (MEME.replace(" 1.0 0.0 0.0 0.0", " 0.9 0.0 0.0 0.0"), "do not sum to one"),
        (MEME.replace(" 1.0 0.0 0.0 0.0", " -1.0 2.0 0.0 0.0"), "negative or not finite"),
        (
            MEME.replace("1.0 0.0 0.0 0.0", "1.0 0.0 0.0").replace("0.5 0.5 0.0 0.0", "0.5 0.5 0.0"),
            "no number for each",
        ),
        (MEME.replace("letter-probability", "log-odds"), "no letter-probability matrix"),
        (MEME.split("MOTIF")[0], "holds no motif"),
        (TRANSFAC.replace("P0      A      C", "P0      C      A"), "columns of the motif M00001 are not A C G T"),
        (TRANSFAC.replace("01      1", "01      x"), "the matrix of the motif M00001 is not a table of numbers"),
        (TRANSFAC.replace("AC MA0004.1", "CC none").replace("ID Arnt", "CC none"), "a motif has no identifier"),
        (TRANSFAC.replace("PO\t", "XX\t"), "the motif MA0004.1 has no matrix"),
        (TRANSFAC + "//\n" + TRANSFAC, "the motif M00001 appears twice"),
        (TRANSFAC.replace("4.0\t16.0\t0.0", "0\t0\t0"), "the motif MA0004.1 has a position without counts"),
    ],
)
def test_a_bad_library_is_refused_with_its_reason(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        load_motifs(write(tmp_path, text))


def test_a_library_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "motifs.bin").write_bytes(b">M1\xff")
    with pytest.raises(InputError, match=r"cannot read motifs from .*motifs\.bin"):
        load_motifs(tmp_path / "motifs.bin")


def test_a_library_too_large_to_be_one_is_refused(tmp_path):
    (tmp_path / "motifs.txt").write_bytes(b">" * (MAX_BYTES + 1))
    with pytest.raises(InputError, match="larger than 20,000,000 bytes"):
        load_motifs(tmp_path / "motifs.txt")


def test_the_threshold_is_the_mean_score_of_instances_less_one_and_a_half_sd():
    motifs = load_motifs()
    rng = rng_for(0, "instances")
    matrix = motifs.matrices[motifs.names.index("SRF")]
    odds = np.log(matrix / 0.25)
    cumulative = matrix.cumsum(axis=1)[:, None, :-1]
    bases = (rng.random((len(matrix), 200_000))[:, :, None] > cumulative).sum(axis=2)
    scores = np.take_along_axis(odds, bases, axis=1).sum(axis=0)
    expected = scores.mean() - 1.5 * scores.std()
    assert thresholds(motifs)[motifs.names.index("SRF")] == pytest.approx(expected, abs=0.05)


def of_widths(widths, stream="motifs"):
    """Random motifs, about as informative as real ones."""
    rng = rng_for(0, stream)
    ids = tuple(f"M{i}" for i in range(len(widths)))
    return MotifSet(ids, ids, tuple(0.96 * rng.dirichlet([0.3] * 4, width) + 0.01 for width in widths))


def sites_by_formula(sequences, motifs):
    """Every site as (example, position, motif, strand) and its excess."""
    found = {}
    for m, (matrix, limit) in enumerate(zip(motifs.matrices, thresholds(motifs), strict=True)):
        if len(matrix) > sequences.shape[1]:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(sequences, len(matrix), axis=1)
        for strand, odds in ((1, np.log(matrix / 0.25)), (-1, np.log(matrix / 0.25)[::-1, ::-1])):
            padded = np.column_stack([odds, np.full(len(odds), -np.inf)])
            excess = padded[np.arange(len(odds)), windows].sum(axis=2) - limit
            found |= {(i, p, m, strand): excess[i, p] for i, p in zip(*np.nonzero(excess > -GATE), strict=True)}
    return found


def assert_sites_are_those_of_the_formula(sequences, motifs):
    sites = find_sites(sequences, motifs)
    example = np.repeat(np.arange(len(sequences)), np.diff(sites.starts))
    keys = [*zip(example, sites.position, sites.motif, sites.strand, strict=True)]
    found, expected = dict(zip(keys, sites.excess, strict=True)), sites_by_formula(sequences, motifs)
    assert len(keys) == len(found)
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([found[key] for key in expected], [*expected.values()], rtol=0, atol=1e-5)


def test_sites_are_those_that_the_formula_finds(sequences):
    assert_sites_are_those_of_the_formula(sequences, load_motifs())


def test_motifs_of_every_width_have_the_sites_that_the_formula_finds(sequences):
    assert_sites_are_those_of_the_formula(sequences, of_widths(range(1, 61)))


@pytest.mark.parametrize("number", [1, 16, 17, 65])
def test_any_number_of_motifs_has_the_sites_that_the_formula_finds(sequences, number):
    assert_sites_are_those_of_the_formula(
        sequences, of_widths([*range(4, 31)] * 3, f"{number}").chosen([f"M{i}" for i in range(number)])
    )


@pytest.mark.parametrize("length", [1, 3, 9, 10, 13])
def test_motifs_wider_than_the_sequence_have_no_site_in_it(sequences, length):
    assert_sites_are_those_of_the_formula(sequences[:, :length], of_widths([4, 9, 10, 12, 30]))


def test_sites_are_found_between_unknown_bases():
    sequences = rng_for(0, "test").choice(5, (60, 90), p=[0.24, 0.24, 0.24, 0.24, 0.04]).astype(np.uint8)
    assert_sites_are_those_of_the_formula(sequences, of_widths(range(4, 31)))


def test_two_threads_at_once_find_the_sites_of_one(sequences):
    motifs = of_widths(range(4, 31), "threads")
    with ThreadPoolExecutor(2) as pool:
        both = [*pool.map(find_sites, [sequences] * 8, [motifs] * 8)]
    alone = find_sites(sequences, motifs)
    for sites in both:
        assert all((getattr(sites, name) == getattr(alone, name)).all() for name in vars(alone))


def test_occupancy_is_the_logistic_of_the_excess_and_the_log_concentration(sequences):
    motifs = load_motifs()
    sites = find_sites(sequences, motifs)
    log_c = np.linspace(-1, 1, len(motifs))
    expected = np.zeros((len(sequences), len(motifs)))
    for i in range(len(sequences)):
        for s in range(sites.starts[i], sites.starts[i + 1]):
            m = sites.motif[s]
            expected[i, m] += 1 / (1 + np.exp(-(float(sites.excess[s]) + log_c[m])))
    np.testing.assert_allclose(summed_occupancy(sites, len(motifs), log_c), expected)


def test_a_sequence_and_its_reverse_complement_are_bound_alike(sequences):
    motifs = load_motifs()
    complement = np.array([3, 2, 1, 0, 4], np.uint8)
    forward = occupancy_features(sequences, motifs)
    np.testing.assert_allclose(occupancy_features(complement[sequences[:, ::-1]], motifs), forward, rtol=1e-5)


def test_a_sequence_is_bound_the_same_whatever_stands_beside_it(sequences):
    motifs = load_motifs()
    together = occupancy_features(np.tile(sequences, (110, 1)), motifs)
    assert (together.reshape(110, len(sequences), -1) == occupancy_features(sequences, motifs)).all()


def test_an_effect_is_half_of_its_ceiling_at_an_occupancy_of_two_and_a_half():
    assert saturated(np.array([2.5])) == pytest.approx(saturated(np.array([1e12])) / 2)


def test_a_sequence_of_n_is_not_bound():
    assert (occupancy_features(np.full((2, 50), 4, np.uint8), load_motifs()) == 0).all()


def test_a_sequence_shorter_than_every_motif_is_not_bound():
    assert (occupancy_features(np.zeros((2, 4), np.uint8), load_motifs()) == 0).all()
