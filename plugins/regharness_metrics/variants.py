"""Measure predicted effects of variants: their sign, which of them matter, and how they go with the measured ones.

Notation: y the measured effect of a variant, mu the predicted one, s^2 the variance of the measurement
(`noise_variance`), p the p-value of the measured effect (covariate ``p_value``). Over all variants of a cell; the
metric ``within_group`` by the covariate ``element`` gives the same element by element. All exact, in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from regharness.errors import InputError
from regharness.interfaces import Evidence, Metric

P_VALUE = "p_value"
Values = NDArray[np.float64]


def _significant(evidence: Evidence, threshold: float) -> tuple[Evidence, NDArray[np.bool_]]:
    """The variants whose p-value is known, and which of them are significant."""
    given = evidence.covariates[P_VALUE]
    if given.dtype.kind not in "biuf":
        raise InputError(f"the covariate '{P_VALUE}' is text", help="give p-values as numbers")
    known = ~np.isnan(given.astype(np.float64))
    return evidence.select(known), given[known] < threshold


class VariantSignAccuracy(Metric):
    """Share of the significant variants whose predicted effect has the sign of the measured one.

    Significant are those with p below the threshold; a predicted effect of 0 counts half, a measured one of 0 not at
    all. Direction: higher, .5 by chance. Needs: mean, the covariate ``p_value``; a variant without is left out. No
    significant variant: NaN. Kircher et al., Nature Communications 10:3583 (2019).

    Parameters
    ----------
    p_value
        The threshold.
    """

    direction = "higher"
    needs = ("covariates.p_value",)

    def __init__(self, p_value: float = 1e-5) -> None:
        self._p_value = p_value

    def score_evidence(self, evidence: Evidence) -> float:
        known, significant = _significant(evidence, self._p_value)
        assert known.mean is not None
        counted = significant & (known.target != 0)
        if not counted.any():
            return float("nan")
        return float(np.mean(1 + np.sign(known.target[counted]) * np.sign(known.mean[counted])) / 2)


class VariantAUROC(Metric):
    """Chance that of a significant variant and another the significant one has the larger predicted effect.

    The area under the ROC curve of ``|mu|``, variants with p below the threshold against the rest; ties count half.
    Direction: higher, .5 by chance. Needs: mean, the covariate ``p_value``; a variant without is left out. All
    variants of one kind: NaN. Exact, from average ranks. Hanley & McNeil, Radiology 143:29 (1982).

    Parameters
    ----------
    p_value
        The threshold.
    """

    direction = "higher"
    needs = ("covariates.p_value",)

    def __init__(self, p_value: float = 1e-5) -> None:
        self._p_value = p_value

    def score_evidence(self, evidence: Evidence) -> float:
        known, significant = _significant(evidence, self._p_value)
        assert known.mean is not None
        found, rest = int(significant.sum()), int((~significant).sum())
        if not found or not rest:
            return float("nan")
        # A rank less that among the significant alone counts the others below.
        return float((rankdata(np.abs(known.mean))[significant].mean() - (found + 1) / 2) / rest)


def _weighed(evidence: Evidence) -> tuple[Values, Values, Values]:
    """Target, mean and weight ``1 / s^2`` of the variants whose measurement variance is known and above zero."""
    assert evidence.mean is not None
    assert evidence.noise_variance is not None
    known = evidence.noise_variance > 0
    weight = 1 / evidence.noise_variance[known]
    return evidence.target[known], evidence.mean[known], weight / max(weight.sum(), np.finfo(float).tiny)


def _weighted_correlation(left: Values, right: Values, weight: Values) -> float:
    """Pearson correlation with weights that sum to one; NaN when a side is constant."""
    if left.size < 2 or np.ptp(left) == 0 or np.ptp(right) == 0:
        return float("nan")
    left, right = left - left.mean(), right - right.mean()
    left, right = left - weight @ left, right - weight @ right
    scale = np.sqrt((weight @ left**2) * (weight @ right**2))
    return float(np.clip(np.divide(weight @ (left * right), scale), -1, 1))


class VariantPearsonR(Metric):
    """Pearson correlation of measured and predicted effects, each variant weighted by ``1 / s^2``.

    So a variant counts by how well its effect was measured; the correlation is not corrected upwards for noise.
    Direction: higher, within [-1, 1]. Needs: mean, noise_variance; a variant without, or with a zero, is left out. A
    constant side, or fewer than two variants: NaN. Cochran, J. R. Stat. Soc. Suppl. 4:102 (1937) (the weights).
    """

    direction = "higher"
    needs = ("noise_variance",)

    @np.errstate(all="ignore")
    def score_evidence(self, evidence: Evidence) -> float:
        return _weighted_correlation(*_weighed(evidence))


class VariantSpearmanRho(Metric):
    """Spearman correlation of measured and predicted effects, each variant weighted by ``1 / s^2``.

    The weighted Pearson correlation of average ranks, which themselves are not weighted. Direction: higher, within
    [-1, 1]. Needs: mean, noise_variance; a variant without, or with a zero, is left out. A constant side, or fewer than
    two variants: NaN. Cochran, J. R. Stat. Soc. Suppl. 4:102 (1937) (the weights).
    """

    direction = "higher"
    needs = ("noise_variance",)

    @np.errstate(all="ignore")
    def score_evidence(self, evidence: Evidence) -> float:
        target, mean, weight = _weighed(evidence)
        return _weighted_correlation(rankdata(target), rankdata(mean), weight)
