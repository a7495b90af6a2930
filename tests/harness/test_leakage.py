import json

import numpy as np
import pytest
from builders import spec, write
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import regharness as rh
from regharness import InputError, similarity
from regharness.catalog import load_catalog
from regharness.cli import main
from regharness.leakage import leakage
from regharness.plan import make_plan
from regharness.run_scores import score_run
from regharness.runner import execute
from regharness.seeding import rng_for
from regharness.similarity import duplicates, nearest_similarity
from regharness.spec import BenchmarkSpec
from regharness.spec_loading import load

COMPLEMENT = np.array([3, 2, 1, 0, 4], np.uint8)

LEAKY = '''
from dataclasses import replace

from regharness import Dataset, hookimpl
from regharness.interfaces import ShiftOperator
from regharness_toys import Toy


class Leaky(Toy):
    """Toys, the first quarter of whose test set has sequences of the training set, in reverse complement."""

    def generate(self, seed):
        data = super().generate(seed)
        sequence = data.test.sequence.copy()
        copies = len(sequence) // 4
        sequence[:copies] = 3 - data.train.sequence[:copies, ::-1]
        return Dataset(data.train, data.calibration, replace(data.test, sequence=sequence))


class Copied(ShiftOperator):
    """Test on training sequences."""

    severities = (1,)

    def apply(self, dataset, severity, rng):
        return replace(dataset.test, sequence=dataset.train.sequence[: len(dataset.test)])


class Flaky(Copied):
    def apply(self, dataset, severity, rng):
        raise RuntimeError("no sequence today")


@hookimpl
def regharness_data_generators():
    return {"leaky": Leaky}


@hookimpl
def regharness_shift_operators():
    return {"copied": Copied, "flaky": Flaky}
'''


def codes(text: str) -> np.ndarray:
    return np.array([["ACGTN".index(base) for base in row] for row in text.split()], np.uint8)


def word_set(row, k: int) -> set[str]:
    """Distinct words of one sequence by plain text, each the first of its two strands in the alphabet."""
    text = "".join("ACGTN"[code] for code in row)
    found = {text[i : i + k] for i in range(len(text) - k + 1)}
    return {min(word, word[::-1].translate(str.maketrans("ACGT", "TGCA"))) for word in found if "N" not in word}


def shares(row, reference, k: int) -> list[float]:
    words = word_set(row, k)
    return [len(words & word_set(other, k)) / max(len(words), 1) for other in reference]


def sequences(min_rows: int, max_code: int = 4):
    """A few sequences, most of them of few bases, so that words repeat and are shared."""
    shape = st.tuples(st.integers(min_rows, 8), st.integers(6, 24))
    return st.tuples(shape, st.integers(0, max_code)).flatmap(
        lambda drawn: arrays(np.uint8, drawn[0], elements=st.integers(0, drawn[1]))
    )


@settings(max_examples=80, deadline=None)
@given(sequences(1), sequences(0), st.integers(1, 6))
def test_the_similarity_is_the_greatest_share_of_words_by_sets_of_text(query, reference, k):
    expected = [max(shares(row, reference, k), default=0.0) for row in query]
    assert nearest_similarity(query, reference, k).similarity.tolist() == expected


@settings(max_examples=40, deadline=None)
@given(sequences(1), sequences(1), st.integers(1, 6))
def test_the_reference_that_is_named_reaches_the_similarity(query, reference, k):
    found = nearest_similarity(query, reference, k)
    reached = [shares(row, reference, k)[at] if at >= 0 else 0.0 for row, at in zip(query, found.nearest, strict=True)]
    assert found.similarity.tolist() == reached


@settings(max_examples=40, deadline=None)
@given(sequences(1), sequences(1), st.integers(1, 6))
def test_the_similarity_is_that_of_the_reverse_complement(query, reference, k):
    turned = COMPLEMENT[query[:, ::-1]]
    assert np.array_equal(
        nearest_similarity(turned, reference, k).similarity, nearest_similarity(query, reference, k).similarity
    )


@settings(max_examples=40, deadline=None)
@given(sequences(1), sequences(2), st.integers(1, 6))
def test_more_references_never_lower_the_similarity(query, reference, k):
    fewer = nearest_similarity(query, reference[:-1], k).similarity
    assert (nearest_similarity(query, reference, k).similarity >= fewer).all()


@pytest.mark.parametrize("mutated", [0.0, 0.02, 0.1, 0.4])
def test_the_similarity_is_exact_among_thousands_that_share_most_words(mutated):
    # A mutated element: long lists, which the search leaves unread or reads to the end as suits it.
    rng = rng_for(0, "mutants")
    element = rng.integers(0, 4, 60).astype(np.uint8)

    def mutants(n):
        made = np.tile(element, (n, 1))
        hit = rng.random(made.shape) < mutated
        made[hit] = rng.integers(0, 4, np.count_nonzero(hit))
        made[:, 20:35] = rng.integers(0, 4, (n, 15))
        return made

    query, reference = mutants(20), mutants(3000)
    known = [word_set(row, 8) for row in reference]
    expected = [max(len(words & other) for other in known) / len(words) for words in (word_set(r, 8) for r in query)]
    assert nearest_similarity(query, reference, 8).similarity.tolist() == expected


def test_the_similarity_is_the_same_however_few_words_are_in_memory(monkeypatch):
    rng = rng_for(0, "blocks")
    query, reference = (rng.integers(0, 4, (n, 30)).astype(np.uint8) for n in (50, 300))
    whole = nearest_similarity(query, reference, 5).similarity
    monkeypatch.setattr(similarity, "BLOCK_WORDS", 200)
    assert np.array_equal(nearest_similarity(query, reference, 5).similarity, whole)


def test_a_substitution_in_the_middle_of_200_bases_costs_16_of_185_words():
    reference = rng_for(0, "substitution").integers(0, 4, (1, 200)).astype(np.uint8)
    query = reference.copy()
    query[0, 100] = (query[0, 100] + 1) % 4
    assert nearest_similarity(query, reference).similarity.tolist() == [169 / 185]


def test_a_word_counts_once_however_often_it_is_repeated():
    # AAAA, AAAC, AACC, ACCC: the run of A holds one of the four.
    assert nearest_similarity(codes("AAAAAAAACCC"), codes("AAAAAAAAAAA"), 4).similarity.tolist() == [0.25]


def test_a_sequence_of_N_is_similar_to_none():
    found = nearest_similarity(codes("NNNNNNNN"), codes("NNNNNNNN ACGTACGT"), 4)
    assert (found.similarity.tolist(), found.nearest.tolist()) == ([0.0], [-1])


@pytest.mark.parametrize("k", [0, 32])
def test_words_that_cannot_be_packed_are_refused(k):
    with pytest.raises(InputError, match=f"words of {k} bases"):
        nearest_similarity(np.zeros((1, 40), np.uint8), np.zeros((1, 40), np.uint8), k)


def test_queries_shorter_than_a_word_are_refused():
    with pytest.raises(InputError, match="sequences of 5 bases hold no word of 16"):
        nearest_similarity(np.zeros((1, 5), np.uint8), np.zeros((1, 40), np.uint8))


def test_words_of_31_bases_are_told_apart():
    query = rng_for(0, "long").integers(0, 4, (1, 31)).astype(np.uint8)
    other = query.copy()
    other[0, 0] = (other[0, 0] + 1) % 4
    assert nearest_similarity(query, other, 31).similarity.tolist() == [0.0]


def test_duplicates_are_found_on_either_strand_and_without_padding():
    query = codes("AACCGTTA TAACGGTT NAACCGTN AACCGTTC")
    assert duplicates(query, codes("NNAACCGTTANN GGAACCGTGGAA NNNAACCGTNNN")).tolist() == [True, True, True, False]


@pytest.fixture
def leaky(toys, install):
    install("regharness_leaky", LEAKY)


def task(data: str = "toy", shifts=(), name="t", **given) -> dict:
    return {"name": name, "data": {"use": data, "with": given}, "shifts": list(shifts)}


SHIFTS = ({"use": "offset", "severity": [1, 3]}, {"use": "half", "severity": [1]})


def checked(*tasks, **changes) -> BenchmarkSpec:
    """The toy spec with one seed, not run."""
    return BenchmarkSpec.model_validate(spec(seeds=[0], tasks=tasks or [task(shifts=SHIFTS)], **changes))


def run(folder, *tasks, only=(), **changes):
    """The toy spec with one seed, predicted but neither scored nor reported."""
    catalog = load_catalog()
    loaded = load(write(folder, spec(seeds=[0], **({"tasks": tasks} if tasks else {}), **changes)), catalog)
    execute(make_plan(loaded, catalog), folder / "run", catalog, only=only)
    return rh.open_run(folder / "run")


def only(source, **options):
    """The leakage of the one task there is."""
    (found,) = leakage(source, load_catalog(), **options)
    return found


def call(capsys, *words: str, code: int = 0):
    """Run the command line in this process; what it wrote."""
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    said = capsys.readouterr()
    assert stop.value.code == code, said.out + said.err
    return said


def test_each_test_sequence_is_compared_with_the_training_sequences_of_its_seed(toys):
    value = BenchmarkSpec.model_validate(spec(tasks=[task()]))
    found = only(value, word=6).distribution
    data = rh.data("toy").generate(1)
    expected = [max(shares(row, data.train.sequence, 6)) for row in data.test.sequence]
    assert found.similarity.sel(shift="identity", seed=1).values.tolist() == expected


def test_a_shift_that_moves_no_sequence_is_named_and_left_out(toys):
    found = only(checked())
    assert found.same == ("offset@1", "offset@3")
    assert found.distribution["shift"].values.tolist() == ["identity", "half@1"]


def test_a_shift_that_is_asked_for_is_shown_though_it_moves_no_sequence(toys):
    assert only(checked(), shift="offset").distribution["shift"].values.tolist() == ["offset@1", "offset@3"]


def test_copies_of_training_sequences_are_counted(leaky):
    found = only(checked(task("leaky", [{"use": "copied", "severity": [1]}]))).distribution
    assert found.share_duplicate.values.tolist() == [[0.25], [1.0]]


def test_a_copy_names_the_training_sequence_it_is_of(leaky):
    found = only(checked(task("leaky"))).distribution
    assert found.nearest.values[0, 0, :8].tolist() == [f"train{i}" for i in range(8)]


def test_a_bin_from_0_to_1_has_the_score_of_all_examples(toys, tmp_path):
    done = run(tmp_path)
    found = only(done, metric="mse", edges=(0, 1), shift="identity").scores["mse"].isel(bin=0)
    expected = score_run(done, load_catalog())["mse"].sel(task="t", shift=["identity"])
    assert np.array_equal(found.values, expected.transpose(*found.dims).values)


def test_the_errors_of_the_bins_average_to_the_error_of_all_examples(toys, tmp_path):
    done = run(tmp_path, task(test=400))
    found = only(done, metric="mse", edges=(0, 0.1, 0.2, 1), word=6).scores
    average = (found["mse"] * found.n_valid).sum("bin", skipna=False) / 400
    expected = score_run(done, load_catalog())["mse"].sel(task="t").transpose(*average.dims)
    np.testing.assert_allclose(average.values, expected.values, rtol=1e-12)


def test_every_example_lies_in_one_bin(leaky, tmp_path):
    found = only(run(tmp_path, task("leaky", test=100)), word=6, edges=(0, 0.25, 0.5, 1)).scores
    assert (found.n_valid.sum("bin") == 100).all()


def test_a_bin_with_fewer_than_20_examples_has_no_score(leaky, tmp_path):
    # Of 76 examples, 19 are copies, alone at a similarity of 1; of 80, 20.
    done = run(tmp_path, task("leaky", name="few", train=80, test=76), task("leaky", name="enough", train=80, test=80))
    few, enough = leakage(done, load_catalog(), edges=(0.99, 1), metric="mse")
    assert (np.isnan(few.scores["mse"]).all(), np.isfinite(enough.scores["mse"]).all()) == (True, True)


def test_the_metric_of_the_leaderboard_scores_by_default(toys, tmp_path):
    assert set(only(run(tmp_path)).scores.data_vars) == {"crps", "n_valid"}


def test_a_metric_that_the_run_did_not_score_can_be_asked_for(toys, tmp_path):
    assert "rmse" in only(run(tmp_path), metric="rmse").scores


def test_only_cells_that_were_computed_are_scored(toys, tmp_path):
    done = run(tmp_path, only=["shift=half@1", "model=oracle"])
    counts = only(done, edges=(0, 1), metric="mse").scores.n_valid
    # Half of 32 test sequences, for each of two outputs.
    assert counts.where(counts > 0).count().item() == 2
    assert (counts.sel(model="oracle", shift="half@1") == 16).all()


def test_a_model_whose_package_is_missing_is_no_hindrance(toys):
    found = only(checked(models=[{"name": "m", "use": "needs_package"}]))
    assert found.distribution.n_train.values.tolist() == [64]


def test_data_that_have_changed_since_the_run_are_refused(toys, tmp_path):
    done = run(tmp_path)
    write(done.folder, checked(task(test=40)).dump(), "spec.yaml")
    with pytest.raises(InputError, match="task 't' under identity, seed 0, are no longer those of the run"):
        only(rh.open_run(done.folder))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"task": "u"}, "no task named 'u'"),
        ({"shift": "hafl@1"}, "did you mean 'half@1'"),
        ({"metric": "mse"}, "no predictions to score with 'mse'"),
        ({"edges": (0, 0.5, 0.5)}, "do not ascend"),
        ({"edges": (0, 1.5)}, "1.5 of the bins 0, 1.5 is not within 0 to 1"),
        ({"edges": (0, float("nan"))}, "is not within 0 to 1"),
        ({"edges": (0.5,)}, "two edges or more"),
        ({"word": 21}, "sequences of 20 bases cannot be compared by words of 21"),
        ({"word": 0}, "by words of 0"),
    ],
)
def test_a_wrong_question_is_refused_with_what_is_wrong(toys, wrong, said):
    with pytest.raises(InputError, match=said):
        only(checked(), **wrong)


@pytest.mark.parametrize(("metric", "said"), [("crsp", "did you mean 'crps'"), ("degradation", "compares shifts")])
def test_a_metric_that_cannot_score_a_bin_is_refused(toys, tmp_path, metric, said):
    with pytest.raises(InputError, match=said):
        only(run(tmp_path), metric=metric)


def test_a_run_without_predictions_is_refused(toys, tmp_path):
    write(tmp_path, checked().dump(), "spec.yaml")
    with pytest.raises(InputError, match="has no cube of task 't' yet"):
        only(rh.open_run(tmp_path))


def test_the_verb_draws_a_strip_for_each_shift(leaky, tmp_path, capsys):
    drawn = call(capsys, "leakage", write(tmp_path, spec(tasks=[task("leaky", test=100)]))).out
    # A quarter copied, at the right end; the rest, unrelated, at the left: 3 to 1, of 8 eighths.
    assert "█                  ▃" in drawn


def test_the_verb_shows_a_bin_with_too_few_examples_as_a_dash(leaky, tmp_path, capsys):
    done = run(tmp_path, task("leaky", train=80, test=76))
    drawn = call(capsys, "leakage", done.folder, "--bins", "0,.99,1").out.splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in drawn if line.startswith(" ")}
    assert (len(rows), {row[-1] for row in rows.values()}) == (2, {"-"})


def test_the_verb_writes_json_with_null_for_a_missing_score(leaky, tmp_path, capsys):
    done = run(tmp_path, task("leaky", train=80, test=76))
    report = json.loads(call(capsys, "leakage", done.folder, "--bins", "0,.99,1", "--json").out)
    first = report["tasks"][0]["scores"]["rows"][0]
    assert (first["examples"], first["values"][1]) == ([57, 19], None)


def test_the_verb_shows_the_similarity_alone_of_a_spec_that_was_not_run(leaky, tmp_path, capsys):
    file = write(tmp_path, spec(tasks=[task("leaky")]))
    (found,) = json.loads(call(capsys, "leakage", file, "--json").out)["tasks"]
    assert (found["scores"], found["shifts"][0]["share_duplicate"]) == (None, 0.25)


def test_the_verb_writes_to_a_file(leaky, tmp_path, capsys):
    file = write(tmp_path, spec(tasks=[task("leaky")]))
    call(capsys, "leakage", file, "-o", tmp_path / "report.txt")
    assert "similarity to the nearest of 64 training sequences" in (tmp_path / "report.txt").read_text()


def test_a_test_set_that_cannot_be_made_is_told_and_ends_with_1(leaky, tmp_path, capsys):
    file = write(tmp_path, spec(tasks=[task("leaky", [{"use": "flaky", "severity": [1]}])], seeds=[0]))
    said = call(capsys, "leakage", file, code=1)
    assert said.err == "failed: t: flaky@1, seed 0: no sequence today\n"
    assert "identity" in said.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["leakage", "runs/none"], "no run at runs/none"),
        (["leakage", "quikstart"], "did you mean 'quickstart'?"),
        (["leakage", "none.yaml"], "none.yaml"),
        (["leakage", "quickstart", "--bins", "0,x"], "--bins takes numbers with commas, not '0,x'"),
    ],
)
def test_a_mistake_on_the_line_ends_with_2_and_a_remedy(words, said, capsys):
    assert said in call(capsys, *words, code=2).err
