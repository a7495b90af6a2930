"""The contract of a data generator, as tests that a plugin's author subclasses. Needs pytest."""

from __future__ import annotations

import numpy as np

from regharness.interfaces import SPLITS, DataGenerator, SequenceBatch
from regharness.testing.shift_contract import assert_same, same


class DataGeneratorContract:
    """What every data generator must hold to. Subclass it and override `make_data_generator`."""

    def make_data_generator(self) -> DataGenerator:
        """Make the generator under test, small enough to be quick."""
        raise AssertionError("override make_data_generator")

    def splits(self, seed: int) -> list[SequenceBatch]:
        """The splits of a fresh generator."""
        data = self.make_data_generator().generate(seed)
        return [data.train, data.calibration, data.test]

    def test_the_description_fits_what_is_generated(self) -> None:
        generator = self.make_data_generator()
        info, data = generator.describe(), generator.generate(0)
        assert data.test.outputs == info.outputs
        assert data.test.sequence.shape[1] == info.length
        assert set(info.sizes) >= set(SPLITS)
        assert set(data.held_out) == set(info.held_out)
        assert set(info.covariates) <= set(data.test.numeric_covariates)

    def test_offers_are_kept(self) -> None:
        generator = self.make_data_generator()
        info, data = generator.describe(), generator.generate(0)
        assert ("truth" in info.offers) == (data.test.truth is not None)
        assert ("noise_variance" in info.offers) == (data.test.noise_variance is not None)
        assert ("mechanism" in info.offers) == (data.mechanism is not None)
        assert ("held_out" in info.offers) == bool(data.held_out)
        assert ("counts" in info.offers) == (data.assay is not None)
        assert ("replicates" in info.offers) == (data.test.replicates is not None)

    def test_counting_again_changes_measurements_and_nothing_else(self) -> None:
        data = self.make_data_generator().generate(0)
        if data.assay is not None:
            again = data.assay.recount(data.test, np.random.default_rng(0), depth=0.5)
            assert (again.sequence == data.test.sequence).all()
            assert again.ids.tolist() == data.test.ids.tolist()
            assert again.target is not None
            assert np.isfinite(again.target).all()
            assert (again.target != data.test.target).any()

    def test_equal_seeds_give_equal_bits(self) -> None:
        for one, two in zip(self.splits(5), self.splits(5), strict=True):
            assert_same(one, two)

    def test_other_seeds_give_other_examples(self) -> None:
        assert not all(same(one, two) for one, two in zip(self.splits(5), self.splits(6), strict=True))

    def test_no_example_is_in_two_splits(self) -> None:
        ids = [set(split.ids.tolist()) for split in self.splits(0)]
        assert not ids[0] & ids[1]
        assert not ids[0] & ids[2]
        assert not ids[1] & ids[2]

    def test_targets_are_finite_and_noise_is_no_less_than_zero(self) -> None:
        for split in self.splits(0):
            assert split.target is not None
            assert np.isfinite(split.target).all()
            if split.noise_variance is not None:
                assert not (split.noise_variance < 0).any()

    def test_gc_content_is_a_covariate(self) -> None:
        for split in self.splits(0):
            gc = split.covariates["gc_content"]
            known = np.maximum((split.sequence < 4).sum(axis=1), 1)
            np.testing.assert_allclose(gc, np.isin(split.sequence, (1, 2)).sum(axis=1) / known, atol=1e-6)
