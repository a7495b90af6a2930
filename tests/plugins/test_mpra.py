"""Readers of real data: hand-made tables, and the published data sets where a mirror of them is named."""

import gzip
import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from scipy.sparse.csgraph import connected_components
from splits import everything, other_strand, real_data

import regharness as rh
from regharness import InputError
from regharness.catalog import load_catalog
from regharness.seeding import rng_for
from regharness.testing import DataGeneratorContract
from regharness_mpra import registry, tables
from regharness_mpra.similarity import clusters, homologues, sharing, without_flanks

N = 60


def random_sequences(n, length=50, seed=0):
    rows = rng_for(seed, "sequences").integers(0, 4, (n, length))
    return ["".join("ACGT"[base] for base in row) for row in rows]


@pytest.fixture
def frame():
    rng = rng_for(0, "frame")
    return pd.DataFrame(
        {
            "name": [f"e{i}" for i in range(N)],
            "seq": random_sequences(N),
            "a": rng.normal(size=N),
            "b": rng.normal(size=N),
            "se": rng.uniform(0.1, 0.2, N),
            "rep1": rng.normal(size=N),
            "rep2": rng.normal(size=N),
            "dna": rng.integers(10, 99, N),
            "chrom": [f"chr{1 + i % 5}" for i in range(N)],
            "set": (["train"] * 4 + ["calibration", "test"]) * (N // 6),
        }
    )


@pytest.fixture
def make(tmp_path, frame):
    """Make an mpra_table of the frame, changed and written as a file."""

    def build(change=None, file="table.tsv", **parameters):
        table = frame if change is None else change(frame.copy())
        path = tmp_path / file
        if file.endswith("parquet"):
            table.to_parquet(path)
        else:
            table.to_csv(path, sep="," if ".csv" in file else "\t", index=False)
        given = {"path": file, "sequence": "seq", "targets": ["a"], **parameters}
        given = {key: value for key, value in given.items() if value is not None}
        return load_catalog().create("data", "mpra_table", given, tmp_path)

    return build


@pytest.mark.parametrize("file", ["t.tsv", "t.csv", "t.tsv.gz", "t.csv.gz", "t.txt", "t.parquet"])
def test_a_table_is_read_by_its_name(make, frame, file):
    data = make(file=file, id="name").generate(0)
    found = {i: t for part in everything(data) for i, t in zip(part.ids, part.target[:, 0], strict=True)}
    np.testing.assert_allclose([found[name] for name in frame["name"]], frame["a"], rtol=1e-6)


def test_sequences_are_coded_a_c_g_t_n(make):
    data = make(lambda t: t.assign(seq=["acgtn" + s[5:] for s in t["seq"]])).generate(0)
    assert (data.train.sequence[:, :5] == [0, 1, 2, 3, 4]).all()


def test_sequences_can_come_from_a_fasta_file(make, frame, tmp_path):
    records = [f">{n} a comment\n{s[:20]}\n{s[20:]}\n" for n, s in zip(frame["name"], frame["seq"], strict=True)]
    (tmp_path / "s.fa").write_text("".join(records))
    from_column = make(id="name").generate(0).test
    from_file = make(sequence=None, fasta="s.fa", id="name").generate(0).test
    assert (from_file.sequence == from_column.sequence).all()


def test_ids_and_values_that_look_like_numbers_stay_as_written(make):
    hold_out = {"x": {"column": "chrom", "values": ["07"]}}
    data = make(
        lambda t: t.assign(name=[f"{i:03}" for i in range(N)], chrom=["07" if i % 5 else None for i in range(N)]),
        id="name",
        hold_out=hold_out,
    ).generate(0)
    assert len(data.held_out["x"]) == 48
    assert all(len(name) == 3 for part in everything(data) for name in part.ids)


def test_a_standard_error_is_a_noise_variance_once_squared(make, frame):
    test = make(id="name", standard_error={"a": "se"}).generate(0).test
    expected = frame.set_index("name")["se"][test.ids] ** 2
    np.testing.assert_allclose(test.noise_variance[:, 0], expected, rtol=1e-5)


def test_replicates_give_their_mean_and_its_variance(make, frame):
    test = make(id="name", targets=None, replicates={"r": ["rep1", "rep2"]}).generate(0).test
    rows = frame.set_index("name").loc[test.ids]
    np.testing.assert_allclose(test.target[:, 0], (rows["rep1"] + rows["rep2"]) / 2, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(test.noise_variance[:, 0], (rows["rep1"] - rows["rep2"]) ** 2 / 4, rtol=1e-4, atol=1e-7)


def test_an_output_without_noise_information_has_nan(make):
    test = make(targets=["a", "b"], standard_error={"b": "se"}).generate(0).test
    assert np.isnan(test.noise_variance[:, 0]).all()
    assert np.isfinite(test.noise_variance[:, 1]).all()


def test_outputs_can_be_renamed(make):
    assert make(targets={"K562": "a", "HepG2": "b"}).describe().outputs == ("K562", "HepG2")


def test_counts_and_covariates_are_kept(make, frame):
    test = make(id="name", dna_count={"a": "dna"}, rna_count={"a": "dna"}, covariates=["chrom"]).generate(0).test
    rows = frame.set_index("name").loc[test.ids]
    assert (test.dna_count[:, 0] == rows["dna"]).all()
    assert (test.covariates["chrom"] == rows["chrom"]).all()


def test_shares_are_what_was_asked(make):
    sizes = make(split={"train": 0.5, "calibration": 0.25, "test": 0.25}).describe().sizes
    assert sizes == {"train": 30, "calibration": 15, "test": 15}


def test_a_column_can_say_the_split(make):
    assert make(split={"by": "column", "column": "set"}).describe().sizes == {
        "train": 40,
        "calibration": 10,
        "test": 10,
    }


def test_a_group_is_never_divided(make):
    split = {"by": "group", "column": "chrom", "train": 0.6, "calibration": 0.2, "test": 0.2}
    data = make(covariates=["chrom"], split=split).generate(3)
    homes = [set(part.covariates["chrom"]) for part in everything(data)]
    assert sum(map(len, homes)) == len(set.union(*homes)) == 5


def test_held_out_values_are_in_no_split(make):
    data = make(covariates=["chrom"], hold_out={"far": {"column": "chrom", "values": ["chr2"]}}).generate(0)
    assert set(data.held_out["far"].covariates["chrom"]) == {"chr2"}
    assert all("chr2" not in part.covariates["chrom"] for part in (data.train, data.calibration, data.test))


def test_a_gc_range_can_be_held_out(make):
    data = make(hold_out={"rich": {"gc_quantile": [0.75, 1.0]}}).generate(0)
    assert data.held_out["rich"].covariates["gc_content"].min() >= data.train.covariates["gc_content"].max()


def test_the_reverse_complement_counts_as_the_same_sequence(make):
    def paired(t):
        half = t["seq"][: N // 2].tolist()
        return t.assign(seq=half + [other_strand(s) for s in half])

    data = make(paired, split={"train": 0.5, "calibration": 0.25, "test": 0.25}).generate(0)
    for part in everything(data):
        texts = {"".join("ACGT"[b] for b in row) for row in part.sequence}
        assert all(other_strand(text) in texts for text in texts)


def test_overlapping_sequences_never_straddle_a_split(make):
    whole = random_sequences(N // 4, length=68)
    tiles = [s[i : i + 50] for s in whole for i in (0, 6, 12, 18)]
    data = make(lambda t: t.assign(seq=tiles)).generate(1)
    homes = [{tiles.index("".join("ACGT"[b] for b in row)) // 4 for row in part.sequence} for part in everything(data)]
    assert sum(map(len, homes)) == len(set.union(*homes)) == N // 4


def test_clusters_are_those_of_a_naive_search():
    texts = random_sequences(30, 40) + random_sequences(30, 40, seed=1)
    texts[40] = "ACGT" + texts[3][:36]
    texts[50] = other_strand(texts[40])
    texts[55] = texts[7][:20] + "N" + texts[7][21:]
    codes = np.array([["ACGTN".index(base) for base in text] for text in texts], np.uint8)

    def words_of(text):
        seen = [text[i : i + 20] for i in range(21)]
        return {min(w, other_strand(w)) for w in seen if "N" not in w}

    found = clusters(codes, 20)
    linked = {(i, j) for i in range(60) for j in range(i) if words_of(texts[i]) & words_of(texts[j])}
    assert {(i, j) for i in range(60) for j in range(i) if found[i] == found[j]} == linked | {(50, 3)}
    assert {(40, 3), (50, 40), (55, 7)} <= linked


def shared_words(one, two, k=11):
    """Share of the distinct words of the one with fewer that the other has too; either strand, in plain Python."""
    parts = [{min(t[i : i + k], other_strand(t[i : i + k])) for i in range(len(t) - k + 1)} for t in (one, two)]
    return len(parts[0] & parts[1]) / min(map(len, parts))


@pytest.fixture
def families():
    """Families of ten: a sequence, and nine that have every base in twelve changed, half on the other strand."""
    rng = rng_for(0, "families")
    texts = []
    for founder in random_sequences(6, 120, seed=9):
        for member in range(10):
            text = "".join("ACGT"[rng.integers(4)] if rng.random() < 0.08 else base for base in founder)
            texts.append(other_strand(text) if member % 2 else text)
    return texts


@pytest.mark.parametrize("similarity", [0.1, 0.2, 0.4])
def test_homologous_sequences_never_straddle_a_split(make, families, similarity):
    split = {"by": "homology", "homology": {"similarity": similarity}, "train": 0.4, "calibration": 0.3, "test": 0.3}
    data = make(lambda t: t.assign(seq=families), split=split).generate(0)
    parts = [["".join("ACGT"[code] for code in row) for row in part.sequence] for part in everything(data)]
    most = max(
        shared_words(one, two)
        for index, part in enumerate(parts)
        for other in parts[index + 1 :]
        for one in part
        for two in other
    )
    assert most <= similarity


def test_homologues_are_those_of_a_naive_search(families):
    sequence = tables.encode(families, "x")
    alike = np.array([[shared_words(one, two) > 0.3 for two in families] for one in families])
    expected = connected_components(alike, directed=False)[1]
    found = homologues(sequence, 11, 0.3)
    np.testing.assert_array_equal(found[:, None] == found, expected[:, None] == expected)
    assert 6 < expected.max() + 1 < 60


def test_a_table_that_is_one_family_cannot_be_divided(make, families):
    one = [families[0][:50]] * N
    with pytest.raises(InputError, match="no example is left for calibration and test"):
        make(lambda t: t.assign(seq=one), split={"by": "homology"}).generate(0)


def test_the_target_is_the_mean_of_the_replicates_that_are_not_held_out(make, frame):
    replicates = {"r": ["rep1", "rep2", "a"]}
    data = make(id="name", targets=None, replicates=replicates, hold_out_replicate={"r": "rep2"}).generate(0)
    rows = frame.set_index("name").loc[data.test.ids]
    np.testing.assert_allclose(data.test.target[:, 0], rows[["rep1", "a"]].mean(axis=1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        data.test.noise_variance[:, 0], rows[["rep1", "rep2", "a"]].var(axis=1, ddof=1) / 2, rtol=1e-5
    )


def test_the_replicate_held_out_measures_the_test_set(make, frame):
    replicates = {"r": ["rep1", "rep2"]}
    data = make(id="name", targets=None, replicates=replicates, hold_out_replicate={"r": "rep2"}).generate(0)
    held = data.held_out["replicate"]
    assert held.ids.tolist() == data.test.ids.tolist()
    np.testing.assert_allclose(held.target[:, 0], frame.set_index("name")["rep2"][held.ids], rtol=1e-6)


def test_replicates_are_kept_and_nan_where_an_output_has_fewer(make, frame):
    data = make(id="name", targets=None, replicates={"r": ["rep1", "rep2"], "s": ["b"]})
    found = data.generate(0).test.replicates.target
    assert np.isnan(found[:, 1, 1]).all()
    rows = frame.set_index("name").loc[data.generate(0).test.ids]
    np.testing.assert_allclose(found[:, 0], rows[["rep1", "rep2"]], rtol=1e-6)
    assert "replicates" in data.describe().offers


COUNTED = {"dna_count": {"a": "dna"}, "rna_count": {"a": "dna"}}


def test_a_log_target_with_counts_can_be_counted_again(make):
    assert "counts" in make(**COUNTED).describe().offers
    assert "counts" not in make(**COUNTED, unit="z-score").describe().offers
    assert "counts" not in make(dna_count={"a": "dna"}).describe().offers


def test_a_count_shift_on_a_table_keeps_the_sequences_and_adds_noise(make):
    data = make(**COUNTED, standard_error={"a": "se"}).generate(0)
    shifted = rh.shift("sequencing_depth").apply(data, 3, rng_for(0, "x"))
    assert (shifted.sequence == data.test.sequence).all()
    assert (shifted.noise_variance > data.test.noise_variance).all()


def test_constant_flanks_do_not_make_sequences_similar():
    codes = rng_for(0, "flanks").integers(0, 4, (50, 60)).astype(np.uint8)
    codes[:, :20], codes[:, 45:] = codes[0, :20], codes[0, 45:]
    assert without_flanks(codes).shape == (50, 25)


def test_test_sequences_that_share_a_20_mer_with_training_are_reported_with_numbers(make):
    texts = random_sequences(N)
    texts[5] = texts[0][:25] + texts[5][25:]
    warnings = make(lambda t: t.assign(seq=texts), split={"by": "column", "column": "set"}).describe().warnings
    assert warnings == ("1 of 10 test sequences (10%) share a 20-mer with a training sequence",)


def test_sharing_counts_each_sequence_once():
    codes = rng_for(0, "sharing").integers(0, 4, (10, 40)).astype(np.uint8)
    assert sharing(np.concatenate([codes[:3], 3 - codes[4:5, ::-1]]), codes[:5], 20) == 4


def test_missing_targets_are_dropped_and_counted(make):
    info = make(lambda t: t.assign(a=t["a"].where(t.index != 3))).describe()
    assert "1 of 60 rows have no target and are left out" in info.warnings
    assert sum(info.sizes.values()) == 59


def test_shorter_sequences_are_centred_between_n_when_asked(make):
    data = make(lambda t: t.assign(seq=[s[:46] if i == 0 else s for i, s in enumerate(t["seq"])]), pad=True)
    padded = [row for part in everything(data.generate(0)) for row in part.sequence if (row == 4).any()]
    assert len(padded) == 1
    assert np.flatnonzero(padded[0] == 4).tolist() == [0, 1, 48, 49]


class TestMPRATable(DataGeneratorContract):
    @pytest.fixture(autouse=True)
    def _write(self, tmp_path, frame):
        self.path = tmp_path / "t.tsv"
        frame.to_csv(self.path, sep="\t", index=False)

    def make_data_generator(self):
        return rh.data("mpra_table", path=str(self.path), sequence="seq", targets=["a"], standard_error={"a": "se"})


def at(row, name, value):
    """A change of one cell."""

    def change(table):
        table[name] = table[name].astype(object)
        table.loc[row, name] = value
        return table

    return change


def equal_gc(table):
    pairs = ({"A": "A", "C": "T", "G": "A", "T": "T"}, {"A": "C", "C": "C", "G": "G", "T": "G"})
    return table.assign(seq=["".join(pairs[i % 2][base] for i, base in enumerate(s)) for s in table["seq"]])


@pytest.mark.parametrize(
    ("change", "parameters", "message"),
    [
        (at(4, "seq", "ACGX" + "A" * 46), {}, r"letters other than ACGTN in row 5 \(X\)"),
        (at(4, "seq", "ACGT"), {}, r"4 to 50 bp; row 1 has 50, unlike row 5.*'pad: true'"),
        (at(4, "seq", None), {}, "no sequence in row 5"),
        (at(4, "a", "high"), {}, r"column 'a' holds no number in row 5 \(high\)"),
        (at(4, "a", None), {"on_nan": "refuse"}, "1 of 60 rows have no target, the first is row 5"),
        (at(4, "se", -0.1), {"standard_error": {"a": "se"}}, r"negative standard error in row 5 \(-0.1\)"),
        (at(4, "name", "e0"), {"id": "name"}, r"ids that appear before in row 5 \(e0\)"),
        (
            at(4, "set", "dev"),
            {"split": {"by": "column", "column": "set"}},
            r"column \'set\' names no split in row 5 \(dev\)",
        ),
        (None, {"targets": ["aa"]}, r"no column named 'aa'; did you mean 'a'\?.*columns: a, b"),
        (None, {"sequence": "sequence"}, "no column named 'sequence'"),
        (None, {"covariates": ["chr"]}, "no column named 'chr'; did you mean 'chrom'?"),
        (None, {"standard_error": {"c": "se"}}, "standard_error: no output named 'c'"),
        (
            None,
            {"split": {"train": 1.0, "calibration": 0.0, "test": 0.0}},
            "no example is left for calibration and test",
        ),
        (None, {"split": {"train": 0.5, "calibration": 0.1, "test": 0.1}}, "must add up to 1"),
        (None, {"split": {"by": "group"}}, "'column' goes with by: group"),
        (None, {"hold_out": {"x": {"column": "chrom", "values": ["chr9"]}}}, "no value named 'chr9'"),
        (None, {"hold_out": {"x": {}}}, "give 'column' with 'values', or 'gc_quantile'"),
        (None, {"targets": None}, "give 'targets' or 'replicates'"),
        (None, {"sequence": None}, "give 'sequence', a column, or 'fasta', a file"),
        (lambda t: t.iloc[:0], {}, "has no rows"),
        (None, {"path": "none.tsv"}, r"no file at .*none\.tsv"),
        (None, {"length": 10}, "'length' goes with 'pad: true'"),
        (None, {"length": 10, "pad": True}, r"longer than 10 bp in row 1 \(50\)"),
        (at(4, "name", None), {"id": "name"}, "no id in row 5"),
        (
            at(4, "set", None),
            {"split": {"by": "column", "column": "set"}},
            r"column \'set\' names no split in row 5 \(nan\)",
        ),
        (at(4, "chrom", None), {"hold_out": {"x": {"column": "chrom", "values": ["9"]}}}, "no value named '9'"),
        (lambda t: t.rename(columns={"b": "a"}), {}, "more than one column is named 'a'"),
        (lambda t: t.assign(seq=t["seq"][0]), {}, "at most 60 of 60 examples"),
        (None, {"targets": ["a", "a"]}, "a name is given twice"),
        (None, {"replicates": {"r": []}}, "replicates"),
        (None, {"hold_out": {"test": {"gc_quantile": [0.5, 1.0]}}}, "'test' is the name of a split"),
        (None, {"hold_out": {"x": {"gc_quantile": [1.0, 0.5]}}}, "give a lower and a higher quantile"),
        (equal_gc, {"hold_out": {"x": {"gc_quantile": [0.0, 0.5]}}}, "no example is in the held-out group 'x'"),
        (None, {"split": {"by": "fraction", "homology": {"k": 9}}}, "'homology' goes with by: homology"),
        (None, {"split": {"by": "homology", "homology": {"k": 40}}}, "less than or equal to 32"),
        (None, {"split": {"by": "homology", "column": "chrom"}}, "'column' goes with by: group"),
        (None, {"hold_out_replicate": {"a": "rep1"}}, "'a' needs a target of its other replicates alone"),
        (
            None,
            {"targets": None, "replicates": {"r": ["rep1", "rep2"]}, "hold_out_replicate": {"r": "rep3"}},
            "name one of two or more replicates of 'r'; it has rep1, rep2",
        ),
        (
            None,
            {"targets": None, "replicates": {"r": ["a"], "s": ["rep1", "b"]}, "hold_out_replicate": {"s": "b"}},
            "name one of two or more replicates of 'r'; it has a",
        ),
        (at(2, "dna", -1), {"dna_count": {"a": "dna"}}, r"column 'dna' has a negative count in row 3 \(-1"),
    ],
)
def test_bad_input_is_refused_with_its_place(make, change, parameters, message):
    with pytest.raises(InputError, match=message):
        make(change, **parameters).describe()


def test_many_bad_rows_are_counted_after_the_first_few(make):
    with pytest.raises(InputError, match=r"row 1 \(X\), .*row 5 \(X\) and 55 more"):
        make(lambda t: t.assign(seq="X" * 50)).describe()


def test_a_file_that_is_no_table_is_refused(make, tmp_path):
    (tmp_path / "p.parquet").write_bytes(b"not parquet")
    with pytest.raises(InputError, match="is not a table that can be read"):
        load_catalog().create(
            "data", "mpra_table", {"path": "p.parquet", "sequence": "seq", "targets": ["a"]}, tmp_path
        ).describe()


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(b"a\tseq\n1\tACGT\n")[:-9]], ids=["plain", "cut off"])
def test_a_broken_gz_file_is_refused(make, tmp_path, content):
    (tmp_path / "b.gz").write_bytes(content)
    for parameters in ({"path": "b.gz"}, {"sequence": None, "fasta": "b.gz", "id": "name"}):
        with pytest.raises(InputError, match=r"b\.gz is not a .* that can be read"):
            make(**parameters).describe()


def test_a_bad_letter_of_a_fasta_file_is_refused_with_its_file(make, frame, tmp_path):
    (tmp_path / "s.fa").write_text("".join(f">{name}\nACGX\n" for name in frame["name"]))
    with pytest.raises(InputError, match=r"s\.fa, for .*table\.tsv: letters other than ACGTN in row 1 \(X\)"):
        make(sequence=None, fasta="s.fa", id="name").describe()


def test_a_fasta_file_has_a_largest_size(make, monkeypatch, tmp_path):
    monkeypatch.setattr(tables, "MAX_FASTA", 10)
    (tmp_path / "s.fa").write_text(">e0\nACGTACGT\n")
    with pytest.raises(InputError, match=r"s\.fa has more than 10 characters"):
        make(sequence=None, fasta="s.fa", id="name").describe()


@pytest.mark.parametrize(
    ("text", "message"),
    [("ACGT\n", "a sequence before the first '>'"), (">\nA\n", "without a name"), (">e0\nA\n>e0\nA\n", "e0 twice")],
)
def test_a_bad_fasta_file_is_refused(make, tmp_path, text, message):
    (tmp_path / "s.fa").write_text(text)
    with pytest.raises(InputError, match=message):
        make(sequence=None, fasta="s.fa", id="name").describe()


def test_ids_without_a_record_are_named(make, tmp_path):
    (tmp_path / "s.fa").write_text(">e0\nACGT\n")
    with pytest.raises(InputError, match="has no record named e1, e2, e3, e4, e5 and 54 more"):
        make(sequence=None, fasta="s.fa", id="name").describe()


@pytest.fixture
def published(monkeypatch, tmp_path):
    """A registered data set of one file, in a mirror, and an empty cache."""
    content = b"seq\n"
    one = registry.PublishedData(
        "toy", "", "toy", "a/b", "c", "MIT", "", {"t.txt": ("t.txt", hashlib.sha256(content).hexdigest())}
    )
    (tmp_path / "mirror" / "toy").mkdir(parents=True)
    (tmp_path / "mirror" / "toy" / "t.txt").write_bytes(content)
    monkeypatch.setenv("REGHARNESS_DATA_DIR", str(tmp_path / "mirror"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return one


def test_a_published_file_is_read_from_the_mirror(published, tmp_path):
    assert published.file("t.txt") == tmp_path / "mirror" / "toy" / "t.txt"


def test_a_published_file_with_another_sha256_is_refused(published, tmp_path):
    (tmp_path / "mirror" / "toy" / "t.txt").write_bytes(b"changed")
    with pytest.raises(InputError, match=r"t\.txt has the sha256 [0-9a-f]{64}, not [0-9a-f]{64}"):
        published.file("t.txt")


def test_without_mirror_and_network_the_remedy_is_named(published, monkeypatch):
    monkeypatch.delenv("REGHARNESS_DATA_DIR")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"regharness data fetch toy.*REGHARNESS_DATA_DIR"):
        published.file("t.txt")


def test_every_published_file_has_a_pinned_source():
    for one in registry.DATA_SETS.values():
        assert len(one.commit) == 40
        assert all(len(sha256) == 64 for _, sha256 in one.files.values())


@real_data
@pytest.mark.parametrize("name", sorted(registry.DATA_SETS))
def test_the_mirror_holds_what_was_published(name):
    one = registry.DATA_SETS[name]
    assert all(one.local(file) is not None for file in one.files)


@real_data
def test_data_list_and_path_tell_where_the_data_are(regharness):
    assert all(row["here"] for row in json.loads(regharness("data", "list", "--json").stdout))
    assert "native_data.txt.gz" in regharness("data", "path", "yeast_native").stdout


def test_an_unknown_data_set_is_refused_with_those_there_are(regharness):
    assert "did you mean 'crx_retina'?" in regharness("data", "fetch", "crx_retna", check=2).stderr
