"""Conformal prediction: intervals that hold a stated share of new measurements. Learns no model.

A prediction here is a mean and a variance. An interval of level ``1 - alpha`` is given as the variance whose normal
interval of that level it is: ``sd = half width / z``, z the normal quantile of ``1 - alpha / 2``. So the coverage at
that level is the conformal one, whatever the errors' distribution; at other levels it holds if errors are normal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from regharness import InputError, Prediction, SequenceBatch
from regharness.errors import CellError, unknown_name
from regharness.interfaces import ModelAdapter, UncertaintyMethod
from regharness.sequences import cpg_ratio, gc_content
from regharness_uncertainty.composition import sequence_features
from regharness_uncertainty.posthoc import PostHoc, Values, errors, scaled, total_variance

SCORES, EDGES, FEATURES = "scores", "edges", "features"
MOST_RATIO = 1000.0
"""Largest likelihood ratio of a test example, so that one that nothing resembles does not decide alone."""


class SplitConformal(UncertaintyMethod):
    """Give every prediction an interval of one width, which holds a stated share of new measurements.

    Parameters
    ----------
    alpha
        Share of measurements that may lie outside.
    """

    def __init__(self, alpha: float = 0.1) -> None:
        self.alpha = _share(alpha)

    def wrap(self, make: Callable[[], ModelAdapter]) -> ModelAdapter:
        """Wrap one model made by `make`."""
        return SplitConformalModel(make(), self.alpha)


class NormalisedConformal(SplitConformal):
    """Scale the predicted standard deviations so that intervals hold a stated share of new measurements."""

    def wrap(self, make: Callable[[], ModelAdapter]) -> ModelAdapter:
        """Wrap one model made by `make`."""
        return NormalisedConformalModel(make(), self.alpha)


class MondrianConformal(SplitConformal):
    """Give intervals a width for each group of sequences, so that they hold their share in every group.

    Parameters
    ----------
    alpha
        Share of measurements that may lie outside.
    covariate
        What tells groups: ``gc_content``, ``cpg_ratio``, or a numeric covariate of the data.
    groups
        Number of groups, equally large on the calibration split.
    """

    def __init__(self, alpha: float = 0.1, covariate: str = "gc_content", groups: int = 5) -> None:
        super().__init__(alpha)
        if groups < 2:
            raise InputError(f"groups: {groups} is not two or more")
        self.covariate, self.groups = covariate, groups

    def wrap(self, make: Callable[[], ModelAdapter]) -> ModelAdapter:
        """Wrap one model made by `make`."""
        return MondrianConformalModel(make(), self.alpha, self.covariate, self.groups)


class WeightedConformal(SplitConformal):
    """Give intervals that hold their share under covariate shift, by weighing the calibration examples."""

    def wrap(self, make: Callable[[], ModelAdapter]) -> ModelAdapter:
        """Wrap one model made by `make`."""
        return WeightedConformalModel(make(), self.alpha)


class ConformalModel(PostHoc):
    """A model with intervals from the sizes of its errors on the calibration split.

    Parameters
    ----------
    inner
        The model to wrap.
    alpha
        Share of measurements that may lie outside.
    """

    def __init__(self, inner: ModelAdapter, alpha: float) -> None:
        super().__init__(inner)
        self.alpha = alpha

    def with_half_width(self, prediction: Prediction, half_width: Values) -> Prediction:
        """The mean, with intervals of this half width ``(example, output)`` and no parts: they cannot be told apart."""
        variance = np.square(half_width / norm.ppf(1.0 - self.alpha / 2.0))
        whole = np.broadcast_to(variance, prediction.mean.shape).astype(np.float32)
        return replace(prediction, aleatoric_variance=whole, epistemic_variance=None)


class SplitConformalModel(ConformalModel):
    """Intervals of one width an output: the quantile of absolute errors (Papadopoulos et al. 2002).

    With n calibration examples it is the ``ceil((n + 1)(1 - alpha))``-th smallest, so that a new measurement of the
    same distribution lies inside with a probability of at least ``1 - alpha``.
    """

    file = "split_conformal.safetensors"

    def learn(self, prediction: Prediction, calibration: SequenceBatch) -> dict[str, Values]:
        """The half width of each output."""
        return {SCORES: _quantile(np.abs(errors(prediction, calibration)), self.alpha, "calibration split")}

    def changed(self, prediction: Prediction, batch: SequenceBatch) -> Prediction:
        """The mean, with intervals of that width."""
        return self.with_half_width(prediction, self._learnt[SCORES])


class NormalisedConformalModel(ConformalModel):
    """Predicted standard deviations times the quantile of errors over them (Lei et al. 2018, section 5.2).

    The aleatoric and the epistemic variance keep their proportion.
    """

    file = "normalised_conformal.safetensors"

    def learn(self, prediction: Prediction, calibration: SequenceBatch) -> dict[str, Values]:
        """The factor of each output's standard deviations, before z."""
        variance = total_variance(prediction)
        if variance is None:
            raise CellError("normalised_conformal needs a model with a variance; split_conformal does without")
        if (variance <= 0).any():
            raise CellError(f"{int((variance <= 0).any(axis=1).sum())} calibration examples have a variance of zero")
        return {
            SCORES: _quantile(
                np.abs(errors(prediction, calibration)) / np.sqrt(variance), self.alpha, "calibration split"
            )
        }

    def changed(self, prediction: Prediction, batch: SequenceBatch) -> Prediction:
        """The mean, with scaled variances."""
        return scaled(prediction, np.square(self._learnt[SCORES] / norm.ppf(1.0 - self.alpha / 2.0)))


class MondrianConformalModel(ConformalModel):
    """Intervals of one width a group and output (Vovk et al. 2003, Mondrian confidence machine).

    Groups are equally large parts of the calibration split by a covariate; an example without it is in the middle one.
    """

    file = "mondrian_conformal.safetensors"

    def __init__(self, inner: ModelAdapter, alpha: float, covariate: str, groups: int) -> None:
        super().__init__(inner, alpha)
        self.covariate, self.groups = covariate, groups

    def learn(self, prediction: Prediction, calibration: SequenceBatch) -> dict[str, Values]:
        """Edges of the groups, and the half width of each group and output."""
        values = self._values(calibration)
        edges = np.nanquantile(values, np.arange(1, self.groups) / self.groups)
        group = self._group(values, edges)
        size = np.abs(errors(prediction, calibration))
        widths = [
            _quantile(size[group == g], self.alpha, f"group {g + 1} of {self.groups} by {self.covariate}")
            for g in range(self.groups)
        ]
        return {EDGES: edges, SCORES: np.stack(widths)}

    def changed(self, prediction: Prediction, batch: SequenceBatch) -> Prediction:
        """The mean, with intervals of the group's width."""
        group = self._group(self._values(batch), self._learnt[EDGES])
        return self.with_half_width(prediction, self._learnt[SCORES][group])

    def _group(self, values: Values, edges: Values) -> NDArray[np.int64]:
        return np.where(np.isnan(values), self.groups // 2, np.searchsorted(edges, values, side="right"))

    def _values(self, batch: SequenceBatch) -> Values:
        computed = {"gc_content": gc_content, "cpg_ratio": cpg_ratio}
        if self.covariate in computed:
            return computed[self.covariate](batch.sequence)
        if self.covariate not in batch.numeric_covariates:
            message, choices = unknown_name(
                "covariate", self.covariate, [*computed, *batch.numeric_covariates], listed="there are"
            )
            raise CellError(f"{message} ({choices})")
        return batch.covariates[self.covariate].astype(np.float64)


class WeightedConformalModel(ConformalModel):
    """Intervals under covariate shift (Tibshirani et al. 2019): a quantile of weighted calibration errors.

    An example's weight is the likelihood ratio of test sequences against calibration sequences, estimated from the
    sequences predicted together, a whole test set, by logistic regression on GC content, CpG ratio and the shares of
    pairs of bases. So, unlike any other model's, an answer depends on the sequences it is asked for together with.
    Targets of the test set are never seen. A width that calibration errors do not bound is the largest of them.
    """

    file = "weighted_conformal.safetensors"

    def learn(self, prediction: Prediction, calibration: SequenceBatch) -> dict[str, Values]:
        """Errors and features of the calibration examples."""
        size = np.abs(errors(prediction, calibration))
        _quantile(size, self.alpha, "calibration split")
        return {SCORES: size, FEATURES: sequence_features(calibration.sequence)}

    def changed(self, prediction: Prediction, batch: SequenceBatch) -> Prediction:
        """The mean, with intervals for the sequences of this batch."""
        calibration, test = _likelihood_ratios(self._learnt[FEATURES], sequence_features(batch.sequence))
        size = self._learnt[SCORES]
        half_width = np.empty(prediction.mean.shape)
        for output in range(size.shape[1]):
            order = np.argsort(size[:, output], kind="stable")
            reached = np.cumsum(calibration[order])
            # The test example itself counts as an error without bound.
            needed = (1.0 - self.alpha) * (reached[-1] + test)
            place = np.minimum(np.searchsorted(reached, needed), len(order) - 1)
            half_width[:, output] = size[order[place], output]
        return self.with_half_width(prediction, half_width)


def _likelihood_ratios(calibration: Values, test: Values) -> tuple[Values, Values]:
    """How much likelier each calibration and each test example is among the test examples."""
    both = np.concatenate([calibration, test])
    spread = both.std(axis=0)
    both = (both - both.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    label = np.repeat([0, 1], [len(calibration), len(test)])
    if len(test) < 2:
        return np.ones(len(calibration)), np.ones(len(test))
    log_odds = LogisticRegression(C=1.0, max_iter=1000).fit(both, label).decision_function(both)
    ratio = np.minimum(np.exp(log_odds) * len(calibration) / len(test), MOST_RATIO)
    return ratio[: len(calibration)], ratio[len(calibration) :]


def _quantile(scores: Values, alpha: float, what: str) -> Values:
    """The ``ceil((n + 1)(1 - alpha))``-th smallest score of each output."""
    n = len(scores)
    place = int(np.ceil((n + 1) * (1.0 - alpha) - 1e-9))
    if place > n:
        raise CellError(
            f"an interval of level {1 - alpha:g} needs {int(np.ceil(1 / alpha - 1 - 1e-9)):,} calibration examples or "
            f"more, and the {what} has {n:,}"
        )
    return np.sort(scores, axis=0)[place - 1]


def _share(alpha: float) -> float:
    if not 0.0 < alpha < 1.0:
        raise InputError(f"alpha: {alpha:g} is not between 0 and 1")
    return alpha
