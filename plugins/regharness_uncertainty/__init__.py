"""Uncertainty methods that wrap any model. Importing it is cheap."""

from regharness import Component, hookimpl


@hookimpl
def regharness_uncertainty_methods() -> dict[str, Component]:
    """Offer the methods."""
    return {**_networks(), **_recalibrated(), **_conformal()}


def _networks() -> dict[str, Component]:
    """Methods that train several models, or ask more of a network than its predictions."""
    return {
        "deep_ensemble": Component(
            "regharness_uncertainty.ensemble:DeepEnsemble",
            summary="Several models that differ in their seeds: their mean, and how much they disagree.",
            citation="Lakshminarayanan et al., NeurIPS 2017",
        ),
        "ensemble_distillation": Component(
            "regharness_uncertainty.distillation:EnsembleDistillation",
            parameters="regharness_uncertainty.parameters:DistillationParameters",
            summary="One model that has learnt what an ensemble of its kind says, variances included.",
            citation="Malinin et al., ICLR 2020; Zhou et al., bioRxiv 2024.11.13.623485 (2024)",
        ),
        "mc_dropout": Component(
            "regharness_uncertainty.dropout:MCDropout",
            parameters="regharness_uncertainty.parameters:DropoutParameters",
            summary="A network asked several times with dropout left on: its mean, and how much its answers differ.",
            citation="Gal & Ghahramani, ICML 2016",
        ),
        "last_layer_laplace": Component(
            "regharness_uncertainty.laplace:LastLayerLaplace",
            parameters="regharness:Parameters",
            summary="A trained network with the epistemic variance of its last layer, in closed form.",
            citation="Kristiadi et al., ICML 2020; Daxberger et al., NeurIPS 2021",
        ),
    }


def _recalibrated() -> dict[str, Component]:
    """Methods that learn a distribution from errors on the calibration split."""
    return {
        "variance_scaling": Component(
            "regharness_uncertainty.scaling:VarianceScaling",
            parameters="regharness:Parameters",
            summary="Variances multiplied, per output, so that they match the errors on the calibration split.",
            citation="Laves et al., MIDL, PMLR 121:393 (2020); Levi et al., Sensors 22:5540 (2022)",
        ),
        "residual_variance": Component(
            "regharness_uncertainty.residuals:ResidualVariance",
            summary="A variance for models without any, from the sizes of errors on the calibration split.",
            citation="Harvey, Econometrica 44:461 (1976)",
        ),
        "quantile_recalibration": Component(
            "regharness_uncertainty.recalibration:QuantileRecalibration",
            parameters="regharness_uncertainty.parameters:RecalibrationParameters",
            summary="Quantiles and moments as errors on the calibration split show them, for models with a variance.",
            citation="Kuleshov et al., ICML 2018",
        ),
    }


def _conformal() -> dict[str, Component]:
    """Methods that give intervals."""
    return {
        "split_conformal": Component(
            "regharness_uncertainty.conformal:SplitConformal",
            summary="Intervals of one width that hold a stated share of new measurements.",
            citation="Papadopoulos et al., ECML 2002; Lei et al., JASA 113:1094 (2018)",
        ),
        "normalised_conformal": Component(
            "regharness_uncertainty.conformal:NormalisedConformal",
            summary="Predicted standard deviations, scaled so that intervals hold a stated share.",
            citation="Lei et al., JASA 113:1094 (2018)",
        ),
        "mondrian_conformal": Component(
            "regharness_uncertainty.conformal:MondrianConformal",
            summary="Intervals that hold a stated share in every group, such as of GC content.",
            citation="Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World (2005)",
        ),
        "weighted_conformal": Component(
            "regharness_uncertainty.weighted:WeightedConformal",
            summary="Intervals that hold a stated share under covariate shift, by weighing the calibration split.",
            citation="Tibshirani et al., NeurIPS 2019",
        ),
        "conformalised_quantiles": Component(
            "regharness_uncertainty.conformal_quantiles:ConformalisedQuantiles",
            parameters="regharness_uncertainty.parameters:ConformalisedQuantilesParameters",
            summary="A model's own quantiles, moved so that they hold a stated share of new measurements.",
            citation="Romano et al., NeurIPS 2019",
        ),
    }
