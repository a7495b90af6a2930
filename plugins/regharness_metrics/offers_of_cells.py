"""Describe the metrics of distributions, members, known noise, design and groups. Computes nothing."""

from __future__ import annotations

from regharness import Component
from regharness_metrics.offers import metric

BUBECK = "Bubeck, Munos & Stoltz, ALT (2009)"
DAWID = "Dawid, J. R. Stat. Soc. A 147:278 (1984)"
EL_YANIV = "El-Yaniv & Wiener, JMLR 11:1605 (2010)"
FERRO = "Ferro, Q. J. R. Meteorol. Soc. 140:1917 (2014)"
GEIFMAN = "Geifman & El-Yaniv, NeurIPS (2017)"
GNEITING_2007 = "Gneiting & Raftery, J. Am. Stat. Assoc. 102:359 (2007)"
GRIMIT = "Grimit et al., Q. J. R. Meteorol. Soc. 132:2925 (2006)"
ILG = "Ilg et al., ECCV (2018)"
KULESHOV = "Kuleshov, Fenner & Ermon, ICML (2018)"
LEVI = "Levi et al., Sensors 22:5540 (2022)"
MALININ = "Malinin, Prokhorenkova & Ustimenko, ICLR (2021)"
PERNOT = "Pernot, arXiv:2305.11905 (2023)"
SPEARMAN = "Spearman, Am. J. Psychol. 15:72 (1904)"
TRAN = "Tran et al., MLST 1:025006 (2020)"
TRUCHON = "Truchon & Bayly, J. Chem. Inf. Model. 47:488 (2007)"


def of_probabilities() -> dict[str, Component]:
    """Metrics of the probability integral transform, and calibration curves."""
    return {
        "pit_mean": metric("pit:PitMean", "Mean of the probability integral transform.", DAWID),
        "pit_var": metric("pit:PitVariance", "Variance of the probability integral transform.", DAWID),
        "pit_ks": metric("pit:PitKolmogorovSmirnov", "Kolmogorov-Smirnov distance of the PIT to uniform.", DAWID),
        "pit_cvm": metric("pit:PitCramerVonMises", "Cramer-von Mises statistic of the PIT.", DAWID),
        "pit_chi2": metric("pit:PitChiSquare", "Chi-square statistic of the PIT in 10 bins.", DAWID),
        "pit_histogram": metric("pit:PitHistogram", "Share of examples in 10 bins of the PIT, as a curve.", DAWID),
        "calibration_curve": metric(
            "calibration_curves:CalibrationCurve", "Share of targets at most each predicted quantile.", KULESHOV
        ),
        "interval_calibration_curve": metric(
            "calibration_curves:IntervalCalibrationCurve",
            "Coverage of central intervals of 19 levels.",
            KULESHOV,
            pictured=True,
        ),
        "miscalibration_area_interval": metric(
            "calibration_curves:MiscalibrationAreaInterval",
            "Area between the curve of interval coverage and the diagonal.",
            TRAN,
        ),
        "ence_reference": metric(
            "calibrated_reference:ExpectedNormalisedCalibrationErrorReference",
            "ENCE expected of a calibrated model with these sigmas.",
            PERNOT,
        ),
    }


def of_rejection() -> dict[str, Component]:
    """Metrics of what withholding the least certain saves."""
    gains = {
        f"{name}{suffix}": metric(f"rejection:{home}", f"{summary}, {loss} error.", citation, given=(loss,))
        for name, home, summary, citation, suffixes in (
            ("aurg", "AreaUnderRiskGain", "AURC of a random order less AURC", EL_YANIV, ("",)),
            ("prr", "PredictionRejectionRatio", "AURG over that of the order by loss", MALININ, ("", "_abs")),
        )
        for suffix in suffixes
        for loss in ("absolute" if suffix else "squared",)
    }
    return {
        **gains,
        "ause": metric(
            "selective:ExcessAreaUnderRiskCoverage",
            "Area under the sparsification error, absolute error: e_aurc_abs.",
            ILG,
            given=("absolute",),
        ),
        "risk_coverage_curve": metric(
            "rejection:RiskCoverageCurve",
            "Mean squared error of the most certain, by the fraction retained.",
            EL_YANIV,
            pictured=True,
        ),
    }


def of_members() -> dict[str, Component]:
    """Metrics of the members of an ensemble."""
    return {
        "crps_ensemble": metric(
            "ensembles:EnsembleContinuousRankedProbabilityScore", "CRPS of an ensemble's members.", GNEITING_2007
        ),
        "crps_fair": metric(
            "ensembles:FairContinuousRankedProbabilityScore",
            "CRPS of an ensemble's members, fair to few of them.",
            FERRO,
        ),
        "crps_mixture": metric(
            "ensembles:MixtureContinuousRankedProbabilityScore",
            "CRPS of the mixture of an ensemble's Gaussian members.",
            GRIMIT,
        ),
    }


def of_known_noise() -> dict[str, Component]:
    """Metrics that know the variance of the measurement."""
    return {
        "excess_risk": metric("noise:ExcessRisk", "Mean squared error above the noise of the measurement."),
        "deconvolved_r2": metric(
            "noise:DeconvolvedR2", "Share of the noiseless activity's variance explained.", SPEARMAN
        ),
        "deconvolved_pearson_r": metric(
            "noise:DeconvolvedPearsonR", "Correlation of mean and noiseless activity.", SPEARMAN
        ),
        "noise_z_mean_square": metric(
            "noise:NoiseZMeanSquare", "Mean squared error in units of model and measurement variance.", LEVI
        ),
    }


def of_use() -> dict[str, Component]:
    """Metrics of what a model is used for: design, automation, variants of one element."""
    return {
        "regret_at_k": metric(
            "design:RegretAtK",
            "Best target less the best among the k predicted highest.",
            BUBECK,
            parameters="RegretParameters",
        ),
        "enrichment_at_k": metric(
            "design:EnrichmentAtK",
            "Truly most active elements among those predicted highest, over chance.",
            TRUCHON,
            parameters="EnrichmentParameters",
        ),
        "automated_fraction": metric(
            "deployment:AutomatedFraction",
            "Share of examples certain enough for a risk stated on identity.",
            GEIFMAN,
            parameters="AutomationParameters",
        ),
        "automated_risk": metric(
            "deployment:AutomatedRisk",
            "Error of the examples certain enough, over the risk stated on identity.",
            GEIFMAN,
            parameters="AutomationParameters",
        ),
        "within_group": metric(
            "groups:WithinGroup",
            "Mean over groups, such as elements, of another metric inside each.",
            parameters="WithinGroupParameters",
        ),
    }
