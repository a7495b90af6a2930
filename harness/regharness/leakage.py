"""Report how near a task's test sequences are to its training sequences, and how models score by nearness.

Makes the data again from a run's spec and reads the predictions that the run stored. Fits, predicts and stores
nothing, and needs no model framework.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness import dims
from regharness.catalog import Catalog
from regharness.cube_scoring import score_cube
from regharness.errors import InputError, unknown_name
from regharness.examples import Examples
from regharness.interfaces import Metric, SequenceBatch
from regharness.plan import Task, make_plan
from regharness.run_folder import Run
from regharness.scoring import N_VALID
from regharness.shift_labels import operator_of
from regharness.similarity import LONGEST_WORD, WORD, duplicates, nearest_similarity
from regharness.spec import BenchmarkSpec

EDGES = (0.0, 0.1, 0.3, 0.5, 0.9, 1.0)
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
THRESHOLDS = (0.5, 0.9)
FEWEST = 20
"""Examples of a bin below which a score would say more of chance than of the model."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Leakage:
    """How near one task's test sequences are to its training sequences.

    Attributes
    ----------
    task
        Its name.
    word
        Bases of the words that are compared.
    distribution
        Dims shift x seed x example x quantile x threshold. ``similarity`` (shift, seed, example) in [0, 1]: the
        share of the example's words that the nearest training sequence holds, NaN where a shift has fewer
        examples; ``nearest``, the id of that training sequence, empty where none shares a word; ``duplicate``,
        whether a training sequence is the same base for base on either strand. Their summary (shift, seed):
        ``quantiles``, ``share_above`` a threshold, ``share_duplicate``, ``n_examples``; NaN where the data could
        not be made. ``n_train`` (seed).
    scores
        Dims model x shift x seed x output x bin: the metric, named as the spec names it, over the examples of a
        bin, NaN below `FEWEST`; and ``n_valid``, the examples scored. Coordinates ``low`` and ``high``: a bin
        holds its low edge, and the last one both. None for a spec that was not run.
    same
        Shifts that leave every sequence as it was, and so were left out.
    failures
        ``shift, seed: reason`` of test sets that could not be made.
    """

    task: str
    word: int
    distribution: xr.Dataset
    scores: xr.Dataset | None
    same: tuple[str, ...]
    failures: tuple[str, ...]


def leakage(
    source: Run | BenchmarkSpec,
    catalog: Catalog,
    *,
    task: str | None = None,
    shift: str | None = None,
    metric: str | None = None,
    edges: Sequence[float] = EDGES,
    word: int | None = None,
) -> list[Leakage]:
    """Measure every task's leakage, and score a run's models by it.

    Parameters
    ----------
    source
        A run, or a checked spec, of which the distribution alone can be known.
    catalog
        What is installed.
    task, shift
        Only this one; a shift is ``operator@severity``, or an operator with all its severities. By default
        every shift that changes a sequence or keeps only some of them, and ``identity``.
    metric
        A metric of the spec or any installed; the one that the leaderboard ranks by if left out.
    edges
        Of the bins of similarity, ascending within 0 to 1.
    word
        Bases of a word, 1 to 31 and no more than a sequence has; `regharness.similarity.WORD`, or the length of
        shorter sequences, if left out.

    Returns
    -------
    list of Leakage
        One a task, in the spec's order.

    Raises
    ------
    InputError
        For an unknown name, wrong edges, a run without predictions, and data that are no longer those of the
        run.
    """
    run = source if isinstance(source, Run) else None
    spec = source.spec if isinstance(source, Run) else source
    _check_edges(edges)
    entries = [entry for entry in spec.tasks if task in (None, entry.name)]
    if not entries:
        raise _unknown("task", str(task), [entry.name for entry in spec.tasks], "tasks")
    if run is None and metric is not None:
        raise InputError(
            f"a spec that was not run has no predictions to score with '{metric}'", help="name the run's folder"
        )
    cubes = {entry.name: None if run is None else run.cube(entry.name) for entry in entries}
    scored_by = {} if run is None else _metric(spec, catalog, metric)
    # Without its models a plan makes the same data, and imports no framework.
    plan = make_plan(spec.model_copy(update={"models": [], "tasks": entries}), catalog)
    chosen = _chosen(plan.tasks, shift)
    words = {name: _word(made, word) for name, made in plan.tasks.items()}
    examples = Examples(plan.tasks)
    results = []
    for name, labels in chosen.items():
        cube = cubes[name]
        found, failures = _test_sets(examples, name, labels, spec.seeds, words[name], cube)
        same = [label for label in labels if _is_identity(label, spec.seeds, found)]
        distribution = _distribution(found, [label for label in labels if label not in same], spec.seeds)
        scores = None if cube is None else _scores(cube, distribution, scored_by, edges)
        results.append(Leakage(name, words[name], distribution, scores, tuple(same), tuple(failures)))
    return results


def _check_edges(edges: Sequence[float]) -> None:
    told = ", ".join(f"{edge:g}" for edge in edges)
    example = "such as " + ",".join(f"{edge:g}" for edge in EDGES)
    if len(edges) < 2:
        raise InputError(f"bins need two edges or more, not '{told}'", help=example)
    outside = [edge for edge in edges if not 0 <= edge <= 1]
    if outside:
        raise InputError(f"the edge {outside[0]:g} of the bins {told} is not within 0 to 1", help=example)
    if any(high <= low for low, high in itertools.pairwise(edges)):
        raise InputError(f"the bins {told} do not ascend", help=example)


def _metric(spec: BenchmarkSpec, catalog: Catalog, name: str | None) -> dict[str, Metric]:
    """The metric that scores, under the label that it has in the spec."""
    known = {entry.label: catalog.create("metric", entry.use, entry.with_) for entry in spec.metrics}
    label = spec.rank_by if name is None else name
    made = known[label] if label in known else catalog.create("metric", label)
    if not hasattr(made, "score"):
        fit = [other for other, metric in known.items() if hasattr(metric, "score")]
        raise InputError(
            f"metric '{label}' compares shifts, so it cannot score the examples of a bin",
            help=f"of the run's metrics, these can: {', '.join(fit) or 'none'}",
        )
    return {label: made}


def _chosen(tasks: dict[str, Task], shift: str | None) -> dict[str, list[str]]:
    """Labels of each task's shifts that were asked for."""
    labels = {name: [one.label for one in made.shifts] for name, made in tasks.items()}
    if shift is None:
        return labels
    chosen = {name: [one for one in known if shift in (one, operator_of(one))] for name, known in labels.items()}
    if not any(chosen.values()):
        known = {one for each in labels.values() for one in each}
        raise _unknown("shift", shift, known | {operator_of(one) for one in known}, "shifts")
    return {name: labels for name, labels in chosen.items() if labels}


def _word(task: Task, word: int | None) -> int:
    longest = min(LONGEST_WORD, task.info.length)
    if word is None:
        return min(WORD, longest)
    if not 1 <= word <= longest:
        raise InputError(
            f"task '{task.name}' with sequences of {task.info.length} bases cannot be compared by words of {word}",
            help=f"choose 1 to {longest}",
        )
    return word


def _unknown(kind: str, name: str, known: Any, listed: str) -> InputError:
    message, choices = unknown_name(kind, name, known, listed=listed)
    return InputError(message, help=choices)


@dataclass(frozen=True)
class _TestSet:
    """What is known of each example of a test set, all ``(example,)``, and the number of training sequences."""

    similarity: Floats
    nearest: NDArray[Any]
    duplicate: NDArray[np.bool_]
    n_train: int


def _test_sets(
    examples: Examples, task: str, labels: list[str], seeds: Sequence[int], word: int, cube: xr.Dataset | None
) -> tuple[dict[tuple[str, int], _TestSet], list[str]]:
    """Measure each (shift, seed); one that has the sequences of identity is identity's own object."""
    found: dict[tuple[str, int], _TestSet] = {}
    failures = []
    for seed, label in itertools.product(seeds, labels):
        try:
            batch = examples.test_set(task, seed, label)
        except Exception as error:
            failures.append(f"{label}, seed {seed}: {' '.join(str(error).split())}")
            continue
        if cube is not None:
            _refuse_other_data(task, cube, label, seed, batch)
        dataset = examples.dataset(task, seed)
        identity = found.get((dims.IDENTITY, seed))
        if identity is None or not np.array_equal(batch.sequence, dataset.test.sequence):
            found[label, seed] = _measure(batch, dataset.train, word)
        else:
            found[label, seed] = identity
    return found, failures


def _measure(batch: SequenceBatch, train: SequenceBatch, word: int) -> _TestSet:
    similarity, index = nearest_similarity(batch.sequence, train.sequence, word)
    nearest = np.where(index >= 0, train.ids.astype(object)[index], "")
    return _TestSet(similarity, nearest, duplicates(batch.sequence, train.sequence), len(train))


def _is_identity(label: str, seeds: Sequence[int], found: dict[tuple[str, int], _TestSet]) -> bool:
    pairs = [(found.get((label, seed)), found.get((dims.IDENTITY, seed))) for seed in seeds]
    return label != dims.IDENTITY and all(one is not None and one is other for one, other in pairs)


def _refuse_other_data(task: str, cube: xr.Dataset, label: str, seed: int, batch: SequenceBatch) -> None:
    """Refuse examples other than those that the run's models were tested on."""
    stored = cube.sel({dims.SHIFT: label, dims.SEED: seed})
    n = int(stored[dims.N_EXAMPLES])
    if n == 0:
        return
    part = stored.isel({dims.EXAMPLE: slice(n)})
    target = np.asarray(batch.target, np.float32)
    same = part[dims.EXAMPLE_ID].values.tolist() == batch.ids.tolist()
    if not (same and np.array_equal(part[dims.TARGET].values, target, equal_nan=True)):
        raise InputError(
            f"the data of task '{task}' under {label}, seed {seed}, are no longer those of the run",
            help="a plugin or an input file has changed; run the spec again",
        )


def _distribution(found: dict[tuple[str, int], _TestSet], labels: list[str], seeds: Sequence[int]) -> xr.Dataset:
    """Lay the test sets into arrays, and summarise each."""
    longest = max((len(one.similarity) for one in found.values()), default=0)
    shape = (len(labels), len(seeds))
    similarity = np.full((*shape, longest), np.nan)
    nearest = np.full((*shape, longest), "", dtype=object)
    duplicate = np.zeros((*shape, longest), bool)
    n_examples = np.zeros(shape, np.int64)
    n_train = np.zeros(len(seeds), np.int64)
    quantiles = np.full((*shape, len(QUANTILES)), np.nan)
    above = np.full((*shape, len(THRESHOLDS)), np.nan)
    copied = np.full(shape, np.nan)
    for (i, label), (j, seed) in itertools.product(enumerate(labels), enumerate(seeds)):
        one = found.get((label, seed))
        if one is None:
            continue
        n = len(one.similarity)
        similarity[i, j, :n], nearest[i, j, :n], duplicate[i, j, :n] = one.similarity, one.nearest, one.duplicate
        n_examples[i, j], n_train[j] = n, one.n_train
        quantiles[i, j] = np.quantile(one.similarity, QUANTILES)
        above[i, j] = [np.mean(one.similarity > threshold) for threshold in THRESHOLDS]
        copied[i, j] = one.duplicate.mean()
    cell = (dims.SHIFT, dims.SEED)
    return xr.Dataset(
        {
            "similarity": ((*cell, dims.EXAMPLE), similarity),
            "nearest": ((*cell, dims.EXAMPLE), nearest),
            "duplicate": ((*cell, dims.EXAMPLE), duplicate),
            "quantiles": ((*cell, "quantile"), quantiles),
            "share_above": ((*cell, "threshold"), above),
            "share_duplicate": (cell, copied),
            dims.N_EXAMPLES: (cell, n_examples),
            "n_train": (dims.SEED, n_train),
        },
        {dims.SHIFT: labels, dims.SEED: list(seeds), "quantile": list(QUANTILES), "threshold": list(THRESHOLDS)},
    )


def _scores(
    cube: xr.Dataset, distribution: xr.Dataset, metric: dict[str, Metric], edges: Sequence[float]
) -> xr.Dataset:
    """Score each cell over the examples of each bin."""
    cube = cube.sel({dims.SHIFT: distribution[dims.SHIFT].values})
    # The cube is as long as its longest test set that was computed; neither has labels along its examples.
    labelled = distribution["similarity"].assign_coords({dims.EXAMPLE: np.arange(distribution.sizes[dims.EXAMPLE])})
    similarity = labelled.reindex({dims.EXAMPLE: np.arange(cube.sizes[dims.EXAMPLE])}).variable
    parts = []
    for low, high in itertools.pairwise(edges):
        within = (similarity >= low) & ((similarity < high) | (similarity == edges[-1]) & (high == edges[-1]))
        # An example without a target is left out of every metric.
        part = score_cube(cube.assign({dims.TARGET: cube[dims.TARGET].where(within)}), metric)
        parts.append(part[[*metric, N_VALID]].reset_coords(drop=True))
    labels = [f"{low:g}-{high:g}" for low, high in itertools.pairwise(edges)]
    scores = xr.concat(parts, dim="bin", data_vars="all", coords="minimal", compat="override", join="exact")
    scores = scores.assign_coords(bin=labels, low=("bin", list(edges[:-1])), high=("bin", list(edges[1:])))
    scores = scores.transpose(..., "bin")
    return scores.assign({name: scores[name].where(scores[N_VALID] >= FEWEST) for name in metric})
