"""The contract of a metric, as tests that a plugin's author subclasses. Needs pytest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness.interfaces import Metric
from regharness.seeding import rng_for

Arrays = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]


class MetricContract:
    """What every metric of a cell must hold to. Subclass it and override `make_metric`."""

    def make_metric(self) -> Metric:
        """Make the metric under test."""
        raise AssertionError("override make_metric")

    def arrays(self, n: int = 200) -> Arrays:
        """Target, mean and, where the metric needs it, variance of `n` examples."""
        rng = rng_for(0, "metric contract")
        target = rng.normal(size=n)
        mean = target + rng.normal(scale=0.5, size=n)
        return target, mean, rng.uniform(0.1, 0.5, n) if self.make_metric().needs_variance else None

    def test_its_direction_is_known(self) -> None:
        direction = self.make_metric().direction
        assert direction in ("lower", "higher") or isinstance(direction, (int, float))

    def test_it_gives_one_number(self) -> None:
        assert isinstance(self.make_metric().score(*self.arrays()), float)

    def test_the_order_of_examples_does_not_matter(self) -> None:
        target, mean, variance = self.arrays()
        order = rng_for(1, "metric contract").permutation(len(target))
        shuffled = target[order], mean[order], None if variance is None else variance[order]
        metric = self.make_metric()
        np.testing.assert_allclose(metric.score(*shuffled), metric.score(target, mean, variance), rtol=1e-9)

    def test_the_arrays_are_left_as_they_were(self) -> None:
        arrays, untouched = self.arrays(), self.arrays()
        self.make_metric().score(*arrays)
        for one, two in zip(arrays, untouched, strict=True):
            np.testing.assert_array_equal(np.asarray(one, float), np.asarray(two, float))

    def test_one_example_gives_a_number_or_nan(self) -> None:
        assert isinstance(self.make_metric().score(*self.arrays(1)), float)
