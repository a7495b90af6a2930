"""Facts of JASPAR's library: against its own database, through the cache, and in a simulation."""

import sqlite3
import sys
from pathlib import Path

import numpy as np
import pyjaspar
import pytest

import regharness as rh
from regharness import InputError
from regharness.catalog import load_catalog
from regharness_motifs.jaspar import read_jaspar
from regharness_motifs.library import PSEUDOCOUNT, load_motifs

DATABASE = Path(pyjaspar.__file__).parent / "data" / f"{pyjaspar.JASPAR_LATEST_RELEASE}.sqlite"
NEWEST = """
SELECT m.BASE_ID || '.' || MAX(CAST(m.VERSION AS INTEGER)), m.NAME, m.ID FROM MATRIX m
JOIN MATRIX_ANNOTATION a ON a.ID = m.ID AND a.TAG = 'tax_group' AND a.VAL = 'vertebrates'
WHERE m.COLLECTION = 'CORE' GROUP BY m.BASE_ID
"""


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """An empty cache folder in place of the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def first(cache):
    """What the first call parses."""
    return read_jaspar()


@pytest.fixture
def stored(cache, first):
    (path,) = (cache / "regharness" / "motifs").iterdir()
    return path


def asked_of(release):
    return asked(NEWEST, database=DATABASE.with_name(f"{release}.sqlite"))


def asked(words, *values, database=DATABASE):
    database = sqlite3.connect(database)
    try:
        return database.execute(words, values).fetchall()
    finally:
        database.close()


def assert_same(one, other):
    assert [motif[:2] for motif in one] == [motif[:2] for motif in other]
    assert all(np.array_equal(a, b) for (_, _, a), (_, _, b) in zip(one, other, strict=True))


def test_the_newest_version_of_every_vertebrate_matrix_of_core_is_read(first):
    assert {motif for motif, _, _ in first} == {motif for motif, _, _ in asked(NEWEST)}


def test_counts_are_those_of_the_database(first):
    for (motif, _, counts), (expected, _, key) in list(zip(first, sorted(asked(NEWEST)), strict=True))[::100]:
        values = asked("SELECT val FROM MATRIX_DATA WHERE ID = ? ORDER BY col, row", key)
        assert motif == expected
        np.testing.assert_array_equal(counts, np.reshape(values, (-1, 4)))


def test_counts_get_the_pseudocount_of_other_libraries(first):
    _, _, counts = first[7]
    expected = (counts + PSEUDOCOUNT / 4) / (counts.sum(axis=1, keepdims=True) + PSEUDOCOUNT)
    np.testing.assert_allclose(load_motifs("jaspar").matrices[7], expected)


def test_built_in_motifs_are_those_of_jaspar():
    built_in, jaspar = load_motifs(), load_motifs("jaspar")
    for one, other in zip(built_in.matrices, jaspar.chosen(built_in.ids).matrices, strict=True):
        np.testing.assert_allclose(one, other)


def test_a_second_call_does_not_parse(monkeypatch, first):
    monkeypatch.delattr(pyjaspar, "jaspardb")
    assert_same(read_jaspar(), first)


def test_the_cache_holds_no_pickled_object(stored):
    with np.load(stored, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays)


def test_the_cache_is_named_for_the_release(stored):
    assert stored.name == f"{pyjaspar.JASPAR_LATEST_RELEASE}-vertebrates.npz"


def test_a_damaged_cache_is_parsed_again(first, stored):
    whole = stored.read_bytes()
    stored.write_bytes(whole[:1000] + b"?" + whole[1001:])
    assert_same(read_jaspar(), first)
    assert stored.stat().st_size == len(whole)


def test_a_cache_that_cannot_be_written_is_refused(monkeypatch, tmp_path, first):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("regharness_motifs.jaspar._parse", lambda release: first)
    with pytest.raises(InputError, match=r"cannot store the motif library jaspar in .*name another cache folder"):
        read_jaspar()


def test_without_pyjaspar_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyjaspar", None)
    with pytest.raises(InputError, match=r'needs pyjaspar \(pip install "regharness\[jaspar\]"\)'):
        read_jaspar()


def test_a_release_can_be_named():
    motifs = load_motifs("JASPAR2018")
    assert len(motifs) == len(asked_of("JASPAR2018"))


def test_the_resolved_parameters_name_the_release():
    parameters = load_catalog().check("data", "simulated_mpra", {"motifs": "jaspar"}, Path())
    assert parameters.motifs == pyjaspar.JASPAR_LATEST_RELEASE


def test_a_release_that_is_not_there_is_refused_with_those_there_are():
    with pytest.raises(InputError, match=r"no release named 'JASPAR2023'.*JASPAR2024"):
        rh.data("simulated_mpra", motifs="JASPAR2023")


def test_a_simulation_plants_motifs_of_jaspar():
    generator = rh.data(
        "simulated_mpra", train=40, calibration=2, test=2, motifs="jaspar", motif_names=["MA0139.2", "GATA1"]
    )
    planted = generator.annotations(0, "train").query("planted")
    assert set(planted.motif) == {"CTCF", "GATA1"}


def test_a_simulation_takes_all_of_jaspar():
    generator = rh.data("simulated_mpra", train=40, calibration=2, test=2, motifs="jaspar")
    assert np.isfinite(generator.generate(0).train.target).all()


def test_a_simulation_refuses_sequences_too_short_for_the_widest_motif():
    with pytest.raises(InputError, match="the motif CTCF has 33 positions and a sequence only 30"):
        rh.data("simulated_mpra", motifs="jaspar", length=30)
