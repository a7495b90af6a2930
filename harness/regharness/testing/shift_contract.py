"""The contract of a shift operator, as tests that a plugin's author subclasses. Needs pytest."""

from __future__ import annotations

from typing import Any

import numpy as np

from regharness.interfaces import ALPHABET, Dataset, SequenceBatch, ShiftOperator
from regharness.seeding import rng_for
from regharness.testing.builders import make_dataset


class ShiftOperatorContract:
    """What every shift operator must hold to. Subclass it and override `make_shift`.

    Examples
    --------
    >>> class TestMyShift(ShiftOperatorContract):
    ...     def make_shift(self):
    ...         return MyShift()
    """

    def make_shift(self) -> ShiftOperator:
        """Make the operator under test."""
        raise AssertionError("override make_shift")

    def make_data(self) -> Dataset:
        """Make a small data set that offers what the operator needs."""
        return make_dataset()

    def test_it_states_its_levels_type_and_needs(self) -> None:
        operator = self.make_shift()
        assert operator.severities == tuple(sorted(set(operator.severities)))
        assert operator.severities[0] >= 1
        assert operator.shift_type in ("covariate", "label", "concept", "noise", "input")
        assert isinstance(operator.needs, frozenset)
        if operator.levels:
            assert operator.severities == tuple(range(1, len(operator.levels) + 1)), "one level a severity"
            assert operator.level_meaning, "say what a level is, with its unit"

    def test_severity_0_is_the_test_set_where_there_are_levels(self) -> None:
        operator, data = self.make_shift(), self.make_data()
        if operator.levels:
            assert_same(operator.apply(data, 0, rng_for(3, "contract")), data.test)

    def test_labels_are_kept_where_the_operator_says_so(self) -> None:
        operator, data = self.make_shift(), self.make_data()
        place = {name: row for row, name in enumerate(data.test.ids.tolist())}
        for severity in operator.severities if operator.label_preserving else ():
            shifted = operator.apply(data, severity, rng_for(3, "contract"))
            # An example that is there more than once has ~2, ~3, ... after its id.
            rows = np.array([place[name.split("~")[0]] for name in shifted.ids.tolist()])
            for part in ("target", "truth", "noise_variance"):
                before, after = getattr(data.test, part), getattr(shifted, part)
                assert _equal(None if before is None else before[rows], after), f"{part} changed"

    def test_equal_streams_give_equal_bits(self) -> None:
        operator, data = self.make_shift(), self.make_data()
        for severity in operator.severities:
            one, two = (operator.apply(data, severity, rng_for(3, "contract")) for _ in range(2))
            assert_same(one, two)

    def test_the_data_are_left_as_they_were(self) -> None:
        data, untouched = self.make_data(), self.make_data()
        operator = self.make_shift()
        for severity in operator.severities:
            operator.apply(data, severity, rng_for(3, "contract"))
        for split in ("train", "calibration", "test"):
            assert_same(getattr(data, split), getattr(untouched, split))

    def test_the_result_has_targets_outputs_and_length_of_the_test_set(self) -> None:
        operator, data = self.make_shift(), self.make_data()
        for severity in operator.severities:
            shifted = operator.apply(data, severity, rng_for(3, "contract"))
            assert isinstance(shifted, SequenceBatch)
            assert len(shifted) > 0
            assert shifted.outputs == data.test.outputs
            assert shifted.sequence.shape[1] == data.test.sequence.shape[1]
            assert shifted.target is not None
            assert np.isfinite(shifted.target).all()

    def test_sequences_keep_to_the_alphabet(self) -> None:
        operator, data = self.make_shift(), self.make_data()
        for severity in operator.severities:
            shifted = operator.apply(data, severity, rng_for(3, "contract"))
            assert shifted.sequence.max() < len(ALPHABET)

    def test_something_changes(self) -> None:
        operator, data = self.make_shift(), self.make_data()
        shifted = operator.apply(data, operator.severities[-1], rng_for(3, "contract"))
        assert not same(shifted, data.test)


def same(one: SequenceBatch, two: SequenceBatch) -> bool:
    """Whether two batches hold the same bits."""
    names = ("ids", "sequence", "target", "noise_variance", "truth", "dna_count", "rna_count")
    parts = [(getattr(one, name), getattr(two, name)) for name in names]
    parts += [(one.covariates.get(name), two.covariates.get(name)) for name in {*one.covariates, *two.covariates}]
    return all(_equal(a, b) for a, b in parts)


def assert_same(one: SequenceBatch, two: SequenceBatch) -> None:
    """Assert that two batches hold the same bits."""
    assert same(one, two)


def _equal(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    return bool(np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f"))
