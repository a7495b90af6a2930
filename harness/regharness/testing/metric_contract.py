"""The contract of a metric, as tests that a plugin's author subclasses. Needs pytest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regharness.interfaces import Metric
from regharness.scoring import takes_levels
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

    def quantiles(self, target: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[float, ...]]:
        """Quantiles ``(example, quantile)`` around a target, and their levels, for a metric that takes them."""
        middle = target + rng_for(2, "metric contract").normal(scale=0.5, size=len(target))
        return middle[:, None] + np.array([-0.8, -0.3, 0.0, 0.3, 0.8]), (0.05, 0.25, 0.5, 0.75, 0.95)

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

    def test_quantiles_are_scored_whatever_the_order_of_examples_and_left_as_they_were(self) -> None:
        metric, target = self.make_metric(), self.arrays()[0]
        quantiles, levels = self.quantiles(target)
        if not takes_levels(metric, levels):
            return
        before, order = quantiles.copy(), rng_for(1, "metric contract").permutation(len(target))
        score = metric.score_quantiles(target, quantiles, levels)
        assert isinstance(score, float)
        np.testing.assert_allclose(metric.score_quantiles(target[order], quantiles[order], levels), score, rtol=1e-9)
        np.testing.assert_array_equal(quantiles, before)
