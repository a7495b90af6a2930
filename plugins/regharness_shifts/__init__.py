"""Shift operators that work on any sequences, real or simulated."""

from regharness import Component, hookimpl


@hookimpl
def regharness_shift_operators() -> dict[str, Component]:
    """Offer the operators."""
    return {
        "gc_quantile": Component(
            "regharness_shifts.selection:GCQuantile",
            parameters="regharness_shifts.parameters:GCQuantileParameters",
            summary="The test examples in one tail of GC content (covariate shift).",
        ),
        "held_out_group": Component(
            "regharness_shifts.selection:HeldOutGroup",
            parameters="regharness_shifts.parameters:HeldOutGroupParameters",
            summary="Examples of a group that training never saw, such as a chromosome (covariate shift).",
        ),
        "reverse_complement": Component(
            "regharness_shifts.corruption:ReverseComplement",
            summary="The other strand of each sequence, with its label kept (input shift).",
        ),
        "sequencing_error": Component(
            "regharness_shifts.corruption:SequencingError",
            summary="Bases misread at random, with labels kept (input shift).",
        ),
    }
