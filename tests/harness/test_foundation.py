"""Facts of the small modules that everything stands on."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regharness import InputError, InputFile, Parameters, SequenceBatch
from regharness.errors import unknown_name
from regharness.parameters import file_digest, from_signature, input_files
from regharness.seeding import rng_for, seed_for


@given(st.integers(0, 2**32 - 1), st.text(), st.lists(st.one_of(st.text(), st.integers(0, 100)), max_size=3))
def test_equal_coordinates_give_equal_streams(root, role, coordinates):
    one, two = (rng_for(root, role, *coordinates).integers(0, 2**60, 4) for _ in range(2))
    assert (one == two).all()


@pytest.mark.parametrize(
    "other", [(1, "data", "a"), (0, "shift", "a"), (0, "data", "b"), (0, "data"), (0, "data", "a", 1)]
)
def test_other_coordinates_give_another_stream(other):
    assert seed_for(*other) != seed_for(0, "data", "a")


def test_a_number_and_its_text_are_different_coordinates():
    assert seed_for(0, "shift", 1) != seed_for(0, "shift", "1")


def test_seeds_fit_a_signed_64_bit_integer():
    assert all(0 <= seed_for(root, "model") < 2**63 for root in range(100))


def test_streams_do_not_touch_the_global_generator():
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    rng_for(0, "x").normal(size=10)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_an_unknown_name_is_answered_with_the_nearest_and_the_choices():
    assert unknown_name("metric", "crsp", ["mse", "crps"]) == (
        "no metric named 'crsp'; did you mean 'crps'?",
        "installed: crps, mse",
    )


def test_of_very_many_choices_only_the_nearest_are_listed():
    message, choices = unknown_name("metric", "name_x", [f"name_{i}" for i in range(100)] + ["other"])
    assert message.startswith("no metric named 'name_x'; did you mean 'name_")
    assert choices.count("name_") == 8
    assert choices.endswith(", and 93 more")


class Nested(Parameters):
    files: list[InputFile]


def test_input_files_are_found_relative_to_the_spec(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    assert Nested.model_validate({"files": ["a.txt"]}, context={"base": tmp_path}).files == [tmp_path / "a.txt"]


def test_the_digest_of_a_file_is_its_sha256(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_digest(tmp_path / "abc") == expected


def test_input_files_are_found_at_any_depth(tmp_path):
    assert dict(input_files({"deep": [{"file": tmp_path / "abc"}], "n": 1})) == {"deep.0.file": tmp_path / "abc"}


def test_a_signature_without_types_cannot_be_checked():
    def factory(size):
        return size

    with pytest.raises(TypeError, match="parameter 'size' needs a name and a type"):
        from_signature(factory)


def test_a_path_in_a_signature_is_an_input_file(tmp_path):
    def factory(path: Path):
        return path

    with pytest.raises(ValueError, match="no file at"):
        from_signature(factory).model_validate({"path": "none"}, context={"base": tmp_path})


def batch(**changes):
    sequence = np.array([[0, 1, 2, 3], [3, 2, 1, 4]], np.uint8)
    values = {
        "ids": np.array(["x", "y"]),
        "sequence": sequence,
        "outputs": ("o",),
        "target": np.ones((2, 1), np.float32),
        "truth": np.ones((2, 1), np.float32),
        "covariates": {"gc_content": np.array([0.5, 0.5])},
    }
    return SequenceBatch(**{**values, **changes})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sequence": np.zeros((2, 4))}, "not uint8"),
        ({"sequence": np.full((2, 4), 5, np.uint8)}, "holds the code 5"),
        ({"ids": np.array(["x"])}, "ids has shape"),
        ({"ids": np.array(["x", "x"])}, "ids repeat"),
        ({"target": np.ones((2, 1))}, "target is float64"),
        ({"target": np.ones((1, 1), np.float32)}, r"not float32 \(2, 1\)"),
        ({"covariates": {"gc": np.ones(3)}}, "covariate 'gc' has shape"),
    ],
)
def test_a_batch_whose_parts_do_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        batch(**change)


def test_selecting_keeps_every_part_in_step():
    second = batch(target=np.array([[1], [2]], np.float32)).select(np.array([1]))
    assert (second.ids.tolist(), second.target.tolist(), second.covariates["gc_content"].tolist()) == (
        ["y"],
        [[2]],
        [0.5],
    )


def test_inputs_hide_everything_that_was_measured():
    hidden = batch().inputs()
    assert (hidden.target, hidden.truth, hidden.noise_variance, hidden.dna_count) == (None, None, None, None)


def test_an_input_error_reads_as_its_problem_and_help():
    assert str(InputError("no such thing", help="look elsewhere")) == "no such thing (look elsewhere)"
