"""Conformal prediction under covariate shift: calibration examples weigh as much as they resemble the test set's.

Learns no model of the targets, and never sees a target of the test set.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression

from regharness import Prediction, SequenceBatch
from regharness.interfaces import ModelAdapter
from regharness_uncertainty.composition import sequence_features
from regharness_uncertainty.conformal import SCORES, ConformalModel, SplitConformal
from regharness_uncertainty.posthoc import errors
from regharness_uncertainty.ranks import bound
from regharness_uncertainty.wrapping import Values

FEATURES = "features"
MOST_RATIO = 1000.0
"""Largest likelihood ratio of an example, so that one that nothing resembles does not decide alone."""
RIDGE = 0.01
"""Inverse penalty of the logistic regression. Under tilts of GC content, 1 to 0.01 leave the same coverage on average
and 0.01 the least scattered; from 0.003 on, weights are too even and coverage stays too low."""
SLACK = 1e-12
"""Share of a sum of weights that is rounding."""


class WeightedConformal(SplitConformal):
    """Give intervals that hold their share under covariate shift, by weighing the calibration examples."""

    def wrap(self, make: Callable[[], ModelAdapter]) -> ModelAdapter:
        """Wrap one model made by `make`."""
        return WeightedConformalModel(make(), self.alpha)


class WeightedConformalModel(ConformalModel):
    """Intervals under covariate shift (Tibshirani et al. 2019): a quantile of weighted calibration errors.

    An example's weight is the likelihood ratio of test sequences against calibration sequences, estimated from the
    sequences predicted together, a whole test set, by logistic regression on GC content, CpG ratio and the shares of
    pairs of bases. So, unlike any other model's, an answer depends on the sequences it is asked for together with.
    Targets of the test set are never seen.

    Sequences asked for together must be enough to show how they are distributed: of a few dozen or less, weights stay
    nearly even, and intervals nearly those of split conformal; a sequence alone gets exactly that.

    Where few calibration examples resemble the test set, one of its examples may weigh so much that no calibration
    error bounds its own. The exact interval is then the whole line; given is the largest calibration error, for which
    coverage is not promised.
    """

    file = "weighted_conformal.safetensors"

    def learn(self, prediction: Prediction, calibration: SequenceBatch) -> dict[str, Values]:
        """Errors and features of the calibration examples."""
        size = np.abs(errors(prediction, calibration))
        bound(size, self.alpha, "calibration split")
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
            needed = (1.0 - self.alpha) * (reached[-1] + test) * (1.0 - SLACK)
            place = np.minimum(np.searchsorted(reached, needed), len(order) - 1)
            half_width[:, output] = size[order[place], output]
        return self.with_half_width(prediction, half_width)


def _likelihood_ratios(calibration: Values, test: Values) -> tuple[Values, Values]:
    """How much likelier each calibration and each test example is among the test examples."""
    if len(test) < 2:
        return np.ones(len(calibration)), np.ones(len(test))
    both = np.concatenate([calibration, test])
    spread = both.std(axis=0)
    both = (both - both.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    label = np.repeat([0, 1], [len(calibration), len(test)])
    log_odds = LogisticRegression(C=RIDGE, max_iter=1000).fit(both, label).decision_function(both)
    ratio = np.exp(np.minimum(log_odds + np.log(len(calibration) / len(test)), np.log(MOST_RATIO)))
    return ratio[: len(calibration)], ratio[len(calibration) :]
