"""Conformal prediction: intervals that hold a stated share of new measurements. Learns no model.

An interval of level ``1 - alpha`` is given twice: as the quantiles of levels ``alpha / 2`` and ``1 - alpha / 2`` that
are its ends, and as the variance whose normal interval of that level is as wide, ``sd = half width / z``, z the normal
quantile of ``1 - alpha / 2``. So the coverage at that level is the conformal one, whatever the errors' distribution; at
other levels it holds if errors are normal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from regharness import InputError, Prediction, SequenceBatch
from regharness.errors import CellError, unknown_name
from regharness.interfaces import ModelAdapter, UncertaintyMethod
from regharness.sequences import cpg_ratio, gc_content
from regharness_uncertainty.posthoc import PostHoc, errors, scaled, total_variance
from regharness_uncertainty.ranks import bound, share
from regharness_uncertainty.wrapping import Values

SCORES, EDGES = "scores", "edges"


class SplitConformal(UncertaintyMethod):
    """Give every prediction an interval of one width, which holds a stated share of new measurements.

    Parameters
    ----------
    alpha
        Share of measurements that may lie outside.
    """

    def __init__(self, alpha: float = 0.1) -> None:
        self.alpha = share(alpha)

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
        self.quantile_levels = (alpha / 2.0, 1.0 - alpha / 2.0)
        self.z = float(norm.ppf(1.0 - alpha / 2.0))

    def with_half_width(self, prediction: Prediction, half_width: Values) -> Prediction:
        """The mean, with intervals of this half width ``(example, output)`` and no parts: they cannot be told apart."""
        return self.with_interval(prediction, prediction.mean - half_width, prediction.mean + half_width)

    def with_interval(self, prediction: Prediction, lower: Values, upper: Values) -> Prediction:
        """The mean, with intervals between these ends ``(example, output)``, and the variance that is as wide."""
        variance = np.square((upper - lower) / (2.0 * self.z)).astype(np.float32)
        one = replace(prediction, aleatoric_variance=variance, epistemic_variance=None)
        return self.with_quantiles(one, lower, upper)

    def with_quantiles(self, prediction: Prediction, lower: Values, upper: Values) -> Prediction:
        """A prediction with these ends of the interval as its quantiles, in place of its own."""
        quantiles = np.stack([lower, upper], axis=2).astype(np.float32)
        return replace(prediction, quantiles=quantiles, quantile_levels=self.quantile_levels)


class SplitConformalModel(ConformalModel):
    """Intervals of one width an output: the quantile of absolute errors (Papadopoulos et al. 2002).

    With n calibration examples it is the ``ceil((n + 1)(1 - alpha))``-th smallest, so that a new measurement of the
    same distribution lies inside with a probability of at least ``1 - alpha``.
    """

    file = "split_conformal.safetensors"

    def learn(self, prediction: Prediction, calibration: SequenceBatch) -> dict[str, Values]:
        """The half width of each output."""
        return {SCORES: bound(np.abs(errors(prediction, calibration)), self.alpha, "calibration split")}

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
        scores = np.abs(errors(prediction, calibration)) / np.sqrt(variance)
        return {SCORES: bound(scores, self.alpha, "calibration split")}

    def changed(self, prediction: Prediction, batch: SequenceBatch) -> Prediction:
        """The mean, with scaled variances, and the intervals that they stand for."""
        one = scaled(prediction, np.square(self._learnt[SCORES] / self.z))
        variance = total_variance(prediction)
        assert variance is not None
        half_width = self._learnt[SCORES] * np.sqrt(variance)
        return self.with_quantiles(one, prediction.mean - half_width, prediction.mean + half_width)


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
            bound(size[group == g], self.alpha, f"group {g + 1} of {self.groups} by {self.covariate}")
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
