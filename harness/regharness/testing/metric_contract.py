"""The contract of a metric, as tests that a plugin's author subclasses. Needs pytest."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regharness.interfaces import Evidence, IdentityMetric, Metric
from regharness.metric_protocols import COVARIATES
from regharness.scoring import lacking, score_cell, takes_levels
from regharness.seeding import rng_for

Arrays = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]


class MetricContract:
    """What every metric of a cell must hold to, a curve or one of a test set beside identity included.

    Subclass it and override `make_metric`. Override `evidence` too where the metric needs examples of a certain kind.
    """

    def make_metric(self) -> Metric | IdentityMetric:
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

    def covariate(self, name: str, n: int) -> NDArray[Any]:
        """A covariate ``(example,)`` that the metric needs: text, one of four labels. Override it for numbers."""
        return rng_for(4, "metric contract", name).choice(["a", "b", "c", "d"], n)

    def evidence(self, n: int = 200) -> Evidence:
        """`n` examples with all that the metric needs.

        Five members around the mean; the noise of every tenth measurement is not known.
        """
        metric, rng = self.make_metric(), rng_for(3, "metric contract")
        needs = frozenset(getattr(metric, "needs", ()))
        target, mean, variance = self.arrays(n)
        parts: dict[str, Any] = {
            "members": mean[:, None] + rng.normal(scale=0.3, size=(n, 5)),
            "member_variance": rng.uniform(0.1, 0.5, (n, 5)),
            "noise_variance": np.where(np.arange(n) % 10 == 9, np.nan, rng.uniform(0.05, 0.1, n)),
        }
        parts = {name: part for name, part in parts.items() if name in needs}
        names = [name.removeprefix(COVARIATES) for name in sorted(needs) if name.startswith(COVARIATES)]
        covariates = {name: self.covariate(name, n) for name in names}
        if getattr(metric, "needs_quantiles", False):
            parts["quantiles"], parts["levels"] = self.quantiles(target)
        return Evidence(target, mean, variance, **parts, covariates=covariates)

    def score(self, evidence: Evidence) -> Any:
        """The metric of these examples, as the harness computes it; beside `evidence` where it compares with that."""
        metric = self.make_metric()
        assert not lacking(metric, evidence.parts, evidence.levels), "the examples have not all that the metric needs"
        return score_cell(evidence, {"metric": metric}, identity=self.evidence(), exact=True)["metric"]

    def test_its_direction_is_known(self) -> None:
        metric = self.make_metric()
        direction = metric.direction
        if direction is None:
            assert getattr(metric, "dimension", ""), "only a curve, whose labels each have their own, has no direction"
        else:
            assert direction in ("lower", "higher") or isinstance(direction, (int, float))

    def test_the_labels_of_a_curve_rise_along_a_named_dimension(self) -> None:
        metric = self.make_metric()
        labels = tuple(getattr(metric, "labels", ()))
        assert bool(labels) == bool(getattr(metric, "dimension", ""))
        assert list(labels) == sorted(set(labels))

    def test_it_gives_one_number_or_one_for_each_label(self) -> None:
        for n in (200, 1):
            score = self.score(self.evidence(n))
            labels = getattr(self.make_metric(), "labels", ())
            assert score.shape == (len(labels),) if labels else isinstance(score, float)

    def test_it_is_defined_on_ordinary_examples(self) -> None:
        assert not np.isnan(self.score(self.evidence())).all()

    def test_the_order_of_examples_does_not_matter(self) -> None:
        evidence = self.evidence()
        order = rng_for(1, "metric contract").permutation(len(evidence))
        np.testing.assert_allclose(self.score(evidence.select(order)), self.score(evidence), rtol=1e-9, atol=1e-12)

    def test_the_arrays_are_left_as_they_were(self) -> None:
        evidence, untouched = self.evidence(), self.evidence()
        self.score(evidence)
        for part in fields(Evidence):
            np.testing.assert_equal(getattr(evidence, part.name), getattr(untouched, part.name))

    def test_quantiles_are_scored_whatever_the_order_of_examples_and_left_as_they_were(self) -> None:
        evidence = self.evidence()
        quantiles, levels = self.quantiles(evidence.target)
        if not takes_levels(self.make_metric(), levels):
            return
        before, order = quantiles.copy(), rng_for(1, "metric contract").permutation(len(evidence))
        evidence = replace(evidence, quantiles=quantiles, levels=levels)
        score = self.score(evidence)
        np.testing.assert_allclose(self.score(evidence.select(order)), score, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(quantiles, before)
