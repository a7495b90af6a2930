"""Describe the metrics of shifts, of robustness, and of variants. Imports none."""

from __future__ import annotations

from regharness import Component
from regharness_metrics.offers import metric

HENDRYCKS = "Hendrycks & Dietterich, ICLR (2019)"
GIMPEL = "Hendrycks & Gimpel, ICLR (2017)"
TAORI = "Taori et al., NeurIPS (2020)"
OVADIA = "Ovadia et al., NeurIPS (2019)"
EL_YANIV = "El-Yaniv & Wiener, JMLR 11:1605 (2010)"
KIRCHER = "Kircher et al., Nature Communications 10:3583 (2019)"
HANLEY = "Hanley & McNeil, Radiology 143:29 (1982)"
COCHRAN = "Cochran, J. R. Stat. Soc. Suppl. 4:102 (1937)"


def of_shifts() -> dict[str, Component]:
    """How a metric of a model changes under shift."""
    return {
        "degradation": metric(
            "robustness:Degradation",
            "How much worse a metric is under each shift than on identity.",
            HENDRYCKS,
            parameters="DegradationParameters",
        ),
        "worst_shift": metric(
            "robustness:WorstShift",
            "A metric's value at the shift where it is worst.",
            HENDRYCKS,
            parameters="WorstShiftParameters",
        ),
        "coverage_gap": metric(
            "robustness:CoverageGap",
            "How much farther from its level coverage is under shift than on identity.",
            OVADIA,
            parameters="CoverageGapParameters",
        ),
        "severity_auc": metric(
            "severity:SeverityArea", "Area under a metric over severity.", HENDRYCKS, parameters="WorstShiftParameters"
        ),
        "severity_curve": metric(
            "severity:SeverityCurve",
            "A metric at each severity, as a curve.",
            HENDRYCKS,
            parameters="WorstShiftParameters",
        ),
        "selective_gain": metric(
            "gain:SelectiveGain",
            "Share of the squared error saved by withholding the least certain examples.",
            EL_YANIV,
            parameters="SelectiveGainParameters",
        ),
    }


def of_other_models() -> dict[str, Component]:
    """How a model does under shift beside other models."""
    return {
        "mce": metric(
            "relative:CorruptionError",
            "Errors under shift over those of a reference model.",
            HENDRYCKS,
            parameters="ReferenceParameters",
        ),
        "relative_mce": metric(
            "relative:RelativeCorruptionError",
            "Degradations under shift over those of a reference model.",
            HENDRYCKS,
            parameters="ReferenceParameters",
        ),
        "effective_robustness": metric(
            "relative:EffectiveRobustness",
            "How much better a model is under shift than models alike on identity.",
            TAORI,
            parameters="EffectiveRobustnessParameters",
        ),
    }


def of_detection() -> dict[str, Component]:
    """Whether sigma tells shifted examples from those of identity."""
    return {
        "ood_auroc": metric("ood:ShiftAUROC", "Area under the ROC curve of sigma, shifted against identity.", GIMPEL),
        "ood_aupr": metric("ood:ShiftAUPR", "Average precision of sigma, shifted against identity.", GIMPEL),
        "ood_fpr95": metric(
            "ood:ShiftFPR95", "Share of identity called shifted where sigma finds 95% of the shifted.", GIMPEL
        ),
    }


def of_variants() -> dict[str, Component]:
    """How predicted effects of variants go with the measured ones."""
    return {
        "variant_sign_accuracy": metric(
            "variants:VariantSignAccuracy",
            "Share of significant variants whose predicted effect has the right sign.",
            KIRCHER,
            parameters="VariantParameters",
        ),
        "variant_auroc": metric(
            "variants:VariantAUROC",
            "Area under the ROC curve of predicted effect sizes, significant variants against the rest.",
            HANLEY,
            parameters="VariantParameters",
        ),
        "variant_pearson_r": metric(
            "variants:VariantPearsonR", "Pearson correlation, weighted by the measurement's precision.", COCHRAN
        ),
        "variant_spearman_rho": metric(
            "variants:VariantSpearmanRho", "Spearman correlation, weighted by the measurement's precision.", COCHRAN
        ),
    }
