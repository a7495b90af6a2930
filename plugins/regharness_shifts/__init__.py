"""Shift operators that work on any sequences, real or simulated."""

from regharness import Component, hookimpl

SOURCE = "After Yang 2026, arXiv 2601.14969"
GRADED = "regharness.graded:GradedParameters"
FILL = "regharness_shifts.parameters:FillParameters"


@hookimpl
def regharness_shift_operators() -> dict[str, Component]:
    """Offer the operators."""
    return {**_chosen(), **_measured(), **_read()}


def _chosen() -> dict[str, Component]:
    """Operators that choose examples, and their composition."""
    return {
        "gc_tilt": Component(
            "regharness_shifts.tilt:GCTilt",
            parameters="regharness_shifts.parameters:GCTiltParameters",
            summary="The test examples resampled towards more or less GC content (covariate shift).",
            citation="Shimodaira, Journal of Statistical Planning and Inference 90:227 (2000)",
        ),
        "covariate_tilt": Component(
            "regharness_shifts.tilt:CovariateTilt",
            parameters="regharness_shifts.parameters:CovariateTiltParameters",
            summary="The test examples resampled towards more or less of a covariate of theirs (covariate shift).",
            citation="Shimodaira, Journal of Statistical Planning and Inference 90:227 (2000)",
        ),
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
        "compose": Component(
            "regharness_shifts.composition:Compose",
            parameters="regharness_shifts.parameters:ComposeParameters",
            summary="Several shift operators, one after the other.",
        ),
    }


def _measured() -> dict[str, Component]:
    """Operators that change what was measured."""
    return {
        "assay_noise": Component(
            "regharness_shifts.measurement:AssayNoise",
            parameters=GRADED,
            summary="Gaussian noise added to the measurement (noise shift).",
            citation=SOURCE,
        ),
        "batch_offset": Component(
            "regharness_shifts.measurement:BatchOffset",
            parameters=GRADED,
            summary="A batch that adds a constant to every measurement (noise shift).",
            citation="Leek et al., Nature Reviews Genetics 11:733 (2010)",
        ),
        "batch_gain": Component(
            "regharness_shifts.measurement:BatchGain",
            parameters=GRADED,
            summary="A batch of another dynamic range (noise shift).",
            citation="Leek et al., Nature Reviews Genetics 11:733 (2010)",
        ),
        "gc_amplification": Component(
            "regharness_shifts.measurement:GCAmplification",
            parameters=GRADED,
            summary="Reads lost where GC content is far from one half (systematic noise shift).",
            citation="Benjamini & Speed, Nucleic Acids Research 40:e72 (2012)",
        ),
        "barcode_chimera": Component(
            "regharness_shifts.measurement:BarcodeChimera",
            parameters=GRADED,
            summary="Elements that take half of their reads from another one (noise shift).",
            citation="Omelina et al., BMC Genomics 20:536 (2019)",
        ),
        "barcode_count": Component(
            "regharness_shifts.counting:BarcodeCount",
            parameters=GRADED,
            summary="Fewer barcodes an element, on data with barcodes (noise shift).",
            citation="Inoue et al., Genome Research 27:38 (2017)",
        ),
        "sequencing_depth": Component(
            "regharness_shifts.counting:SequencingDepth",
            parameters=GRADED,
            summary="Fewer reads, on data with counts (noise shift).",
            citation="Tewhey et al., Cell 165:1519 (2016)",
        ),
        "barcode_dispersion": Component(
            "regharness_shifts.counting:BarcodeDispersion",
            parameters=GRADED,
            summary="More variation between an element's barcodes, on data with barcodes (noise shift).",
            citation="Ashuach et al., Genome Biology 20:183 (2019); Rubin, Annals of Statistics 9:130 (1981)",
        ),
    }


def _read() -> dict[str, Component]:
    """Operators that change the input and keep the label."""
    return {
        "reverse_complement": Component(
            "regharness_shifts.corruption:ReverseComplement",
            summary="The other strand of each sequence, with its label kept (input shift).",
        ),
        "sequencing_error": Component(
            "regharness_shifts.corruption:SequencingError",
            parameters=GRADED,
            summary="Bases misread at random, with labels kept (input shift).",
        ),
        "window_offset": Component(
            "regharness_shifts.corruption:WindowOffset",
            parameters=FILL,
            summary="Sequences cut from a window that is off by some bp, with labels kept (input shift).",
        ),
        "adapter_contamination": Component(
            "regharness_shifts.corruption:AdapterContamination",
            parameters="regharness_shifts.parameters:AdapterParameters",
            summary="Sequences that end in sequencing adapter, with labels kept (input shift).",
        ),
        "block_mask": Component(
            "regharness_shifts.corruption:BlockMask",
            parameters=FILL,
            summary="A stretch of each sequence hidden, with labels kept (input shift).",
        ),
    }
