"""Offer metrics of error, association, calibration, selective prediction and robustness. Computes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regharness import Component, hookimpl
from regharness_metrics.offers import metric as _metric
from regharness_metrics.offers_of_cells import of_known_noise, of_members, of_probabilities, of_rejection, of_use
from regharness_metrics.offers_of_shifts import of_detection, of_other_models, of_shifts, of_variants

if TYPE_CHECKING:
    import click

LEVELS = range(5, 100, 5)
SCORED_LEVELS = (50, 80, 90, 95)
RETAINED = (50, 70, 80, 90, 95)

LIN = "Lin, Biometrics 45:255 (1989)"
NIX = "Nix & Weigend, ICNN 1:55 (1994)"
GNEITING = "Gneiting et al., Monthly Weather Review 133:1098 (2005)"
KOENKER = "Koenker & Bassett, Econometrica 46:33 (1978)"
BRACHER = "Bracher et al., PLoS Comput. Biol. 17:e1008618 (2021)"
WINKLER = "Winkler, J. Am. Stat. Assoc. 67:187 (1972)"
KULESHOV = "Kuleshov, Fenner & Ermon, ICML (2018)"
LEVI = "Levi et al., Sensors 22:5540 (2022)"
FORTIN = "Fortin et al., J. Hydrometeorology 15:1708 (2014)"
EL_YANIV = "El-Yaniv & Wiener, JMLR 11:1605 (2010)"
GEIFMAN = "Geifman & El-Yaniv, NeurIPS (2017)"
GEIFMAN_2019 = "Geifman, Uziel & El-Yaniv, ICLR (2019)"
TRAUB = "Traub et al., NeurIPS (2024)"


@hookimpl
def regharness_metrics() -> dict[str, Component]:
    """Every metric by the name that a spec uses."""
    return {
        **_of_the_mean(),
        **_of_the_distribution(),
        **_of_intervals(),
        **_of_the_ranking(),
        **of_shifts(),
        **of_probabilities(),
        **of_rejection(),
        **of_members(),
        **of_known_noise(),
        **of_use(),
        **of_other_models(),
        **of_detection(),
        **of_variants(),
    }


def _of_the_mean() -> dict[str, Component]:
    return {
        "mse": _metric("point:MeanSquaredError", "Mean squared error.", default=True),
        "affine_mse": _metric("point:AffineMeanSquaredError", "Mean squared error after the best line through it."),
        "rmse": _metric("point:RootMeanSquaredError", "Root mean squared error."),
        "mae": _metric("point:MeanAbsoluteError", "Mean absolute error."),
        "medae": _metric("point:MedianAbsoluteError", "Median absolute error."),
        "max_abs_error": _metric("point:MaximumAbsoluteError", "Largest absolute error."),
        "bias": _metric("point:Bias", "Mean of prediction minus target."),
        "r2": _metric("association:R2", "Share of the target's variance explained.", default=True),
        "pearson_r": _metric("association:PearsonR", "Pearson correlation of target and mean.", default=True),
        "spearman_rho": _metric(
            "association:SpearmanRho", "Spearman rank correlation of target and mean.", default=True
        ),
        "ccc": _metric("association:ConcordanceCorrelation", "Concordance correlation of target and mean.", LIN),
    }


def _of_the_distribution() -> dict[str, Component]:
    return {
        "nll": _metric("gaussian:NegativeLogLikelihood", "Gaussian negative log likelihood.", NIX, default=True),
        "crps": _metric(
            "gaussian:ContinuousRankedProbabilityScore",
            "Gaussian continuous ranked probability score.",
            GNEITING,
            default=True,
        ),
        "z_mean": _metric("gaussian:ZMean", "Mean standardised error."),
        "z_mean_square": _metric("gaussian:ZMeanSquare", "Mean squared standardised error.", LEVI, default=True),
        "z_var": _metric("gaussian:ZVariance", "Variance of the standardised error.", LEVI),
        "sharpness": _metric("gaussian:Sharpness", "Root mean predicted variance.", LEVI),
        "dispersion": _metric("gaussian:Dispersion", "Coefficient of variation of sigma.", LEVI),
        "spread_skill": _metric("gaussian:SpreadSkill", "Sharpness over RMSE.", FORTIN),
        "ence": _metric(
            "calibration:ExpectedNormalisedCalibrationError",
            "Relative gap of predicted and observed error in 10 bins of sigma.",
            LEVI,
        ),
        "miscalibration_area": _metric(
            "calibration:MiscalibrationArea", "Area between calibration curve and diagonal.", KULESHOV
        ),
        "calibration_error_kuleshov": _metric(
            "calibration:KuleshovCalibrationError",
            "Squared gaps of the calibration curve, summed over 19 levels.",
            KULESHOV,
        ),
    }


def _of_intervals() -> dict[str, Component]:
    coverage = {
        f"coverage_{percent}": _metric(
            "intervals:Coverage",
            f"Share of targets inside the central {percent}% interval.",
            given=(percent,),
            default=percent in (50, 90, 95),
        )
        for percent in LEVELS
    }
    width = {
        f"mean_width_{percent}": _metric(
            "intervals:MeanWidth",
            f"Mean width of the central {percent}% interval.",
            given=(percent,),
            default=percent == 90,
        )
        for percent in LEVELS
    }
    score = {
        f"interval_score_{percent}": _metric(
            "intervals:IntervalScore",
            f"Width and misses of the central {percent}% interval in one score.",
            WINKLER,
            given=(percent,),
        )
        for percent in SCORED_LEVELS
    }
    return {**coverage, **width, **score, **_of_quantiles()}


def _of_quantiles() -> dict[str, Component]:
    return {
        "pinball": _metric("quantiles:PinballLoss", "Pinball loss, mean over a model's own quantiles.", KOENKER),
        "wis": _metric(
            "quantiles:WeightedIntervalScore", "Weighted interval score of a model's own quantiles.", BRACHER
        ),
    }


def _of_the_ranking() -> dict[str, Component]:
    areas = {
        f"{name}{suffix}": _metric(
            f"selective:{home}",
            f"{summary}, {loss} error.",
            citation,
            given=(loss,),
            default=not suffix and name in ("aurc", "e_aurc"),
        )
        for name, home, summary, citation in (
            ("aurc", "AreaUnderRiskCoverage", "Area under the risk-coverage curve", GEIFMAN),
            ("e_aurc", "ExcessAreaUnderRiskCoverage", "AURC above that of the order by loss", GEIFMAN_2019),
            ("augrc", "AreaUnderGeneralisedRisk", "Area under the generalised risk-coverage curve", TRAUB),
        )
        for suffix, loss in (("", "squared"), ("_abs", "absolute"))
    }
    risks = {
        f"selective_risk_{percent}": _metric(
            "selective:SelectiveRisk",
            f"Mean squared error of the {percent}% most certain examples.",
            EL_YANIV,
            given=(percent,),
        )
        for percent in RETAINED
    }
    return {
        **areas,
        **risks,
        "aurc_oracle": _metric(
            "selective:OracleAreaUnderRiskCoverage", "AURC of the order by loss, squared error.", GEIFMAN_2019
        ),
        "spearman_error_sigma": _metric(
            "association:SpearmanErrorSigma", "Spearman rank correlation of absolute error and sigma."
        ),
    }


@hookimpl
def regharness_commands(cli: click.Group) -> None:
    """Add ``regharness robustness``."""
    from regharness_metrics.commands import robustness

    cli.add_command(robustness)
