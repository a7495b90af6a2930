"""A mechanistic simulation of MPRA data, the shifts that change its mechanism or its assay, and the oracle."""

from regharness import Component, hookimpl

SOURCE = "After Yang 2026, arXiv 2601.14969"


@hookimpl
def regharness_data_generators() -> dict[str, Component]:
    """Offer ``simulated_mpra``."""
    return {
        "simulated_mpra": Component(
            "regharness_sim.generator:SimulatedMPRA",
            parameters="regharness_sim.parameters:SimulationParameters",
            summary="Sequences, motif occupancy, cell-type programs and barcode counts, with the noiseless truth.",
            citation=SOURCE,
        )
    }


@hookimpl
def regharness_shift_operators() -> dict[str, Component]:
    """Offer the shifts that need the mechanism, and added assay noise."""
    return {
        "gc_content": Component(
            "regharness_sim.shifts:GCContent",
            parameters="regharness_sim.parameters:GCContentParameters",
            summary="New sequences with another mean GC content, labelled by the same mechanism (covariate shift).",
            citation=SOURCE,
        ),
        "motif_effect_rewiring": Component(
            "regharness_sim.shifts:MotifEffectRewiring",
            summary="The same sequences with effects moved from motif to motif (concept shift).",
            citation=SOURCE,
        ),
        "assay_noise": Component(
            "regharness_sim.shifts:AssayNoise",
            summary="Gaussian noise added to the measurement, on any data (noise shift).",
            citation=SOURCE,
        ),
    }


@hookimpl
def regharness_model_adapters() -> dict[str, Component]:
    """Offer ``oracle``."""
    return {
        "oracle": Component(
            "regharness_sim.oracle:Oracle",
            summary="The noiseless truth and the known noise: what no model can beat on average.",
        )
    }
