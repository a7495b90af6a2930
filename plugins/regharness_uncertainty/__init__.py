"""Uncertainty methods that wrap any model. Importing it is cheap."""

from regharness import Component, hookimpl


@hookimpl
def regharness_uncertainty_methods() -> dict[str, Component]:
    """Offer ``variance_scaling``."""
    return {
        "variance_scaling": Component(
            "regharness_uncertainty.scaling:VarianceScaling",
            parameters="regharness:Parameters",
            summary="Variances multiplied, per output, so that they match the errors on the calibration split.",
            citation="Laves et al., MIDL, PMLR 121:393 (2020); Levi et al., Sensors 22:5540 (2022)",
        )
    }
