"""Own what passes between the rooms: sequences, predictions, and the Protocol of each plugin kind.

Each Protocol can be subclassed, which brings its defaults, or merely matched. Those of metrics are in
`regharness.metric_protocols`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from regharness.jobs import Job, News
from regharness.metric_protocols import Accumulator as Accumulator
from regharness.metric_protocols import Evidence as Evidence
from regharness.metric_protocols import IdentityMetric as IdentityMetric
from regharness.metric_protocols import Metric as Metric
from regharness.metric_protocols import ShiftMetric as ShiftMetric
from regharness.seeding import rng_for

FloatArray = NDArray[np.floating[Any]]

ALPHABET = "ACGTN"
"""Base of each code 0..4. N, and padding, is an all-zero row once one-hot encoded."""

SPLITS = ("train", "calibration", "test")

ShiftType = Literal["covariate", "label", "concept", "noise", "input"]


@dataclass(frozen=True)
class Replicates:
    """What each wet-lab replicate measured, all ``(example, output, replicate)`` float32; NaN where it did not.

    Parameters
    ----------
    target
        In the unit of the target.
    dna_count, rna_count
        Counts summed over barcodes.
    """

    target: NDArray[np.float32]
    dna_count: NDArray[np.float32] | None = None
    rna_count: NDArray[np.float32] | None = None

    def select(self, index: NDArray[Any] | slice) -> Replicates:
        """Take examples by integer or boolean `index`."""
        counts = (None if value is None else value[index] for value in (self.dna_count, self.rna_count))
        return Replicates(self.target[index], *counts)


_UNIQUE: WeakValueDictionary[int, NDArray[Any]] = WeakValueDictionary()
"""Arrays of ids that were found not to repeat: batches that differ in something else have the same one."""


def _known_unique(ids: NDArray[Any]) -> bool:
    return _UNIQUE.get(id(ids)) is ids


@dataclass(frozen=True)
class SequenceBatch:
    """Examples: sequences, what was measured of them, and what is known about the measurement.

    Parameters
    ----------
    ids
        ``(example,)`` unique text labels.
    sequence
        ``(example, position)`` uint8 codes A C G T N = 0..4.
    outputs
        Names along ``output``, such as cell types.
    target
        ``(example, output)`` float32, log2(RNA/DNA) or the unit the task declares. None once hidden
        from a model.
    noise_variance
        ``(example, output)`` float32, variance of the measurement in squared target units.
    truth
        ``(example, output)`` float32, the noiseless target; simulations know it.
    dna_count, rna_count
        ``(example, output)`` float32 counts summed over barcodes and replicates.
    replicates
        What each replicate measured. An operator that changes the target drops them or changes them too.
    covariates
        Name to ``(example,)`` array: ``gc_content``, ``chrom``, ``locus``, ...
    effective_size
        Number of equally weighted examples that the batch is worth, where it was resampled by weight
        (Kish 1965); None where that is its length.

    Raises
    ------
    ValueError
        When shapes or dtypes disagree, or ids repeat.
    """

    ids: NDArray[Any]
    sequence: NDArray[np.uint8]
    outputs: tuple[str, ...]
    target: NDArray[np.float32] | None = None
    noise_variance: NDArray[np.float32] | None = None
    truth: NDArray[np.float32] | None = None
    dna_count: NDArray[np.float32] | None = None
    rna_count: NDArray[np.float32] | None = None
    replicates: Replicates | None = None
    covariates: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    effective_size: float | None = None

    def __post_init__(self) -> None:
        if self.sequence.ndim != 2 or self.sequence.dtype != np.uint8:
            raise ValueError(f"sequence is {self.sequence.dtype} {self.sequence.shape}, not uint8 (example, position)")
        n = len(self.sequence)
        if self.ids.shape != (n,):
            raise ValueError(f"ids has shape {self.ids.shape}, not ({n},)")
        if not _known_unique(self.ids):
            if len(set(self.ids.tolist())) != n:
                raise ValueError("ids repeat")
            _UNIQUE[id(self.ids)] = self.ids
        if n and self.sequence.max() >= len(ALPHABET):
            raise ValueError(f"sequence holds the code {self.sequence.max()}; the largest is N = 4")
        for name in ("target", "noise_variance", "truth", "dna_count", "rna_count"):
            value = getattr(self, name)
            if value is None:
                continue
            if value.shape != (n, len(self.outputs)) or value.dtype != np.float32:
                raise ValueError(f"{name} is {value.dtype} {value.shape}, not float32 {(n, len(self.outputs))}")
        if self.replicates is not None and self.replicates.target.shape[:2] != (n, len(self.outputs)):
            raise ValueError(f"replicates have the shape {self.replicates.target.shape} for {(n, len(self.outputs))}")
        for name, value in self.covariates.items():
            if value.shape != (n,):
                raise ValueError(f"covariate '{name}' has shape {value.shape}, not ({n},)")

    def __len__(self) -> int:
        return len(self.sequence)

    def select(self, index: NDArray[Any] | slice, ids: NDArray[Any] | None = None) -> SequenceBatch:
        """Take examples by integer or boolean `index` along ``example``, in its order; `ids` renames them.

        A slice gives views.
        """
        parts: dict[str, Any] = {
            name: None if (value := getattr(self, name)) is None else value[index]
            for name in ("ids", "sequence", "target", "noise_variance", "truth", "dna_count", "rna_count")
        }
        covariates = {name: value[index] for name, value in self.covariates.items()}
        replicates = None if self.replicates is None else self.replicates.select(index)
        if ids is not None:
            parts["ids"] = ids
        elif isinstance(index, slice) or np.asarray(index).dtype.kind == "b":
            # Some of what does not repeat does not either.
            _UNIQUE[id(parts["ids"])] = parts["ids"]
        return replace(self, **parts, replicates=replicates, covariates=covariates, effective_size=None)

    @property
    def numeric_covariates(self) -> tuple[str, ...]:
        """Names of the covariates that are numbers."""
        return tuple(name for name, value in self.covariates.items() if value.dtype.kind in "iuf")

    def inputs(self) -> SequenceBatch:
        """What a model may see when it predicts: no target, truth, noise, counts or replicates."""
        hidden = ("target", "noise_variance", "truth", "dna_count", "rna_count", "replicates")
        nothing: dict[str, Any] = dict.fromkeys(hidden)
        return replace(self, **nothing)


@dataclass(frozen=True)
class Prediction:
    """A model's answer, ``(example, output)`` float32 unless said; what a model does not give is None, never zero.

    Parameters
    ----------
    mean
        Predicted target, in its unit.
    aleatoric_variance
        Variance expected from the measurement and the biology, squared target units, zero or above.
    epistemic_variance
        Variance from not knowing the model well, squared target units, zero or above.
    quantiles
        ``(example, output, quantile)`` float32, in the unit of the target and not falling along ``quantile``:
        what the measurement stays below with the probability of each level. A model that gives them gives
        variances too where it can, for the scores that need one.
    quantile_levels
        Levels along ``quantile``, from low to high, between 0 and 1; empty without quantiles.
    """

    mean: NDArray[np.float32]
    aleatoric_variance: NDArray[np.float32] | None = None
    epistemic_variance: NDArray[np.float32] | None = None
    quantiles: NDArray[np.float32] | None = None
    quantile_levels: tuple[float, ...] = ()


@dataclass(frozen=True)
class DataInfo:
    """What a data generator can say before anything is fitted.

    Parameters
    ----------
    outputs, unit, length
        Names along ``output``, the unit of the target, and the number of positions.
    sizes
        Split to number of examples, at the first seed.
    offers
        What shifts and models can ask for: ``"mechanism"``, ``"truth"``, ``"noise_variance"``,
        ``"counts"``, ``"barcodes"``, ``"replicates"``, ``"held_out"``.
    held_out
        Names of the groups kept out of training.
    covariates
        Names of the numeric covariates of every example.
    warnings
        What a user should know before trusting a score, with numbers.
    """

    outputs: tuple[str, ...]
    unit: str
    length: int
    sizes: Mapping[str, int]
    offers: frozenset[str] = frozenset()
    held_out: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """The splits of one task and seed.

    Parameters
    ----------
    train, calibration, test
        Disjoint examples of one distribution; ``test`` is the ``identity`` test set.
    held_out
        Group name to examples kept out of all three splits, or to the test examples as they were measured
        otherwise, in another cell type for instance: measurements that training never sees.
    mechanism
        What produced the labels, for the shift operators of the same plugin that change it; None for real data.
        Where it has ``activity(sequence) -> (example, output)``, the noiseless target of any sequences, a run
        records how each shifted truth correlates with it.
    assay
        How the elements were counted, where counts are known.
    """

    train: SequenceBatch
    calibration: SequenceBatch
    test: SequenceBatch
    held_out: Mapping[str, SequenceBatch] = field(default_factory=dict)
    mechanism: Any = None
    assay: CountAssay | None = None


class CountAssay(Protocol):
    """How elements were counted, so that they can be counted otherwise. Data that have one offer ``counts``."""

    def recount(
        self,
        batch: SequenceBatch,
        rng: np.random.Generator,
        *,
        barcodes: int | None = None,
        depth: float = 1.0,
        dispersion: float | None = None,
    ) -> SequenceBatch:
        """Measure the elements of `batch` again, under other conditions; its sequences and truth stay.

        Parameters
        ----------
        batch
            Elements of this data set.
        rng
            Draws the counts.
        barcodes
            Barcodes an element, at most those that it has. Needs ``barcodes`` among what the data offer.
        depth
            Share of the reads that are kept, above 0 to 1.
        dispersion
            Dispersion of RNA counts between an element's barcodes: squared coefficient of variation of their
            expression. Needs ``barcodes`` among what the data offer.
        """
        ...


class DataGenerator(Protocol):
    """Make the examples of a task."""

    def describe(self) -> DataInfo:
        """Say what `generate` will give. Reads and checks input; raises `InputError` for what is wrong with it."""
        ...

    def generate(self, seed: int) -> Dataset:
        """Make the splits of one seed; equal seeds give equal bits."""
        ...


class ShiftOperator(Protocol):
    """Change the test distribution at a stated severity, and nothing else.

    Attributes
    ----------
    severities
        Levels it has, from mild to strong: ``(1, 2, 3, 4, 5)``, or ``(1,)``. A run narrows it to those that
        its spec asks for before it calls `check`.
    levels, level_meaning
        Strength at each severity, and what such a number is, with its unit; empty where strength is no number.
        `regharness.graded.GradedShift` brings the use of them.
    shift_type
        What changes: covariate p(x), label p(y), concept p(y given x), noise, or input (x corrupted, label kept).
    label_preserving
        Whether every example of the result is one of the test set with the same target.
    needs
        What it asks of the data, of `DataInfo.offers`.
    by_block
        Whether a test set can be shifted block by block, each block with a random stream of its own, because what
        becomes of an example hangs on no other.
    """

    severities: tuple[int, ...] = (1, 2, 3, 4, 5)
    levels: tuple[float, ...] = ()
    level_meaning: str = ""
    shift_type: ShiftType = "covariate"
    label_preserving: bool = False
    needs: frozenset[str] = frozenset()
    by_block: bool = False

    def check(self, info: DataInfo) -> None:
        """Raise `InputError` when this data cannot be shifted so; called before anything is computed."""

    def apply(self, dataset: Dataset, severity: int, rng: np.random.Generator) -> SequenceBatch:
        """Make the shifted test set from ``dataset.test`` (or a held-out group); never changes `dataset`."""
        ...

    def shift_dataset(self, dataset: Dataset, severity: int, rng: np.random.Generator) -> Dataset:
        """Shift the test set and whatever behind it moves with it, so that another operator can go on from there."""
        return replace(dataset, test=self.apply(dataset, severity, rng))


@dataclass(frozen=True)
class RunContext:
    """What the harness tells a model when it fits or predicts.

    Parameters
    ----------
    seed
        The replicate's seed for this model; use `rng`, or hand it to a framework's own local generator.
    device
        ``"auto"`` for the best that the model's framework can use, or ``"cpu"``, ``"cuda:0"``, ``"mps"``.
    progress
        Called with the share of fitting that is done, 0 to 1.
    """

    seed: int = 0
    device: str = "auto"
    progress: Callable[[float], None] = lambda share: None

    def rng(self, role: str) -> np.random.Generator:
        """A random stream of this model and seed, for one purpose."""
        return rng_for(self.seed, role)


@runtime_checkable
class ModelAdapter(Protocol):
    """Any model, in any framework.

    Attributes
    ----------
    trainable
        False for a model that comes fitted: the harness then never calls `fit`, `save` or `load`.
    needs
        What it asks of the data, of `DataInfo.offers`. Only a model that needs ``"truth"`` sees truth and
        noise variance when it predicts.
    quantile_levels
        Levels of the quantiles that its predictions have, known before it is fitted; empty if they have none.
    """

    trainable: bool = True
    needs: frozenset[str] = frozenset()
    quantile_levels: tuple[float, ...] = ()

    def fit(self, train: SequenceBatch, calibration: SequenceBatch, context: RunContext) -> None:
        """Learn from `train`; `calibration` is for early stopping and recalibration. Changes neither."""

    def predict(self, batch: SequenceBatch, context: RunContext) -> Prediction:
        """Predict every example in order. The answer for one must not depend on the others in the batch."""
        ...

    def save(self, folder: Path) -> None:
        """Write what was learnt into `folder`, which exists and is empty; safetensors or the like, no pickles."""

    def load(self, folder: Path) -> None:
        """Read what `save` wrote; predictions afterwards are bit-identical."""

    def execution(self) -> Mapping[str, str]:
        """What really ran, for provenance: device, provider, framework version."""
        return {}


class UncertaintyMethod(Protocol):
    """Give any model an uncertainty, or a better one."""

    def wrap(self, make: Callable[[], ModelAdapter]) -> ModelAdapter:
        """Make a model that adds uncertainty to models made by `make`; each call of `make` gives a fresh one."""
        ...


class Executor(Protocol):
    """Run independent jobs somewhere.

    Attributes
    ----------
    enforces_limit
        Whether it can stop a job that runs past `Work.limit`.
    """

    enforces_limit: bool = False

    def run(self, jobs: Iterable[Job], work: Work) -> Iterator[News]:
        """Call ``work(job)`` once for each job, in any order and process, and yield the results as they come.

        It may also yield `regharness.jobs.Began` when a worker begins a job, and must yield `regharness.jobs.Lost` for
        a job whose worker ended without a result. Jobs may be read ahead of what runs. Closing the iterator stops what
        is running. What `work` itself raises, save `MemoryError`, is raised.
        """
        ...


class Work(Protocol):
    """What an executor calls: picklable, small, and ready in any process in which regharness is installed.

    Attributes
    ----------
    limit
        Seconds that a job may take; None without a limit.
    """

    @property
    def limit(self) -> float | None:
        """Seconds that a job may take; None without a limit."""
        ...

    def __call__(self, job: Any) -> Any:
        """Do a job; the result is picklable and small."""
        ...


class Report(Protocol):
    """Show a finished run."""

    suffix: str = ""

    def write(self, run: Any, path: Path) -> None:
        """Write the `regharness.Run` `run` to one file at `path`."""
        ...
