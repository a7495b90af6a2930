"""Score cubes of predictions, one cell at a time, and how their scores change under shift. Stores nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from regharness.catalog import load_catalog
from regharness.cell_examples import Cell
from regharness.cube_cells import Cells
from regharness.dims import EXAMPLE, IDENTITY, OUTPUT, SHIFT, STATUS
from regharness.errors import InputError, unknown_name
from regharness.metric_protocols import AT_ONCE, Evidence
from regharness.scoring import COUNTS, AnyMetric, BlockScoring, Scores, resolve, score_cell

if TYPE_CHECKING:
    from regharness.metric_protocols import ShiftMetric

TOGETHER = 8
"""Outputs that are scored in one pass over a large cell: the state of each may take 30 MB."""


def evaluate_cube(
    dataset: xr.Dataset, metrics: str | Iterable[str] = "default", *, common: str | None = None
) -> xr.Dataset:
    """Score a cube of predictions, reducing ``example`` and keeping every other dimension.

    Parameters
    ----------
    dataset
        As `score_cube` takes it.
    metrics
        ``"default"``, or names. Of the default ones, those that need what the dataset has not are left out.
    common
        A dimension, such as ``"model"``, whose cells are scored on the examples that all of them have, so that they can
        be compared; if left out, each cell drops its own missing examples.

    Returns
    -------
    xarray.Dataset
        As `score_cube` gives it, each metric also with ``long_name``.

    Raises
    ------
    InputError
        As of `evaluate` and `score_cube`.
    """
    cells = Cells(dataset)
    chosen = resolve(metrics, cells.parts, cells.levels, identity=cells.has_identity)
    scores = score_cube(Cells(dataset, wanted(chosen), common), chosen)
    catalog = load_catalog()
    for name in chosen:
        scores[name].attrs["long_name"] = catalog.component("metric", name).summary
    return scores


def score_cube(
    dataset: xr.Dataset | Cells, metrics: Mapping[str, AnyMetric], *, step: Callable[[], None] = lambda: None
) -> xr.Dataset:
    """Score a cube with metric objects; a few small cells, or some blocks of a large one, are in memory.

    Parameters
    ----------
    dataset
        ``mean`` with ``example`` among its dimensions; ``target`` with some of them; optionally ``variance``,
        or ``aleatoric_variance`` and ``epistemic_variance``. A variance that is NaN all over a cell is one
        that its model does not give. Optionally ``quantiles``, with a dimension ``quantile`` more than ``mean``,
        whose labels are their levels; those of a level that is NaN all over a cell are
        not given either. Optionally ``members`` and ``member_variance``, with a dimension ``member`` more, from which
        a mean and a variance that are not there are computed. Optionally ``noise_variance``, and covariates as
        ``covariate_NAME``. With ``n_examples``, later rows of a cell are padding and do not count.
        With ``status``, a cell that is not done is NaN, and none of its examples is valid or dropped.
        Cells of more than 100,000 examples are read chunk by chunk along ``example``, with dask or without. Or its
        cells, read for all that is `wanted`.
    metrics
        Name in the result to metric.
    step
        Called after each cell.

    Returns
    -------
    xarray.Dataset
        One float64 variable a metric, with its ``direction``, and int64 ``n_valid`` and ``n_dropped``. A curve has its
        own dimension last. A metric that must look at all examples at once is NaN in cells that are too large for that;
        the attribute ``notes`` then says so.

    Raises
    ------
    InputError
        When a variable or dimension is missing, the variance is given twice, a variance is negative, levels
        of quantiles repeat or are not between 0 and 1, a metric compares with ``identity`` and there is none, or it
        is called as a coordinate, or gives a curve along a dimension, that is there already.
    """
    cells = dataset if isinstance(dataset, Cells) else Cells(dataset, wanted(metrics))
    compared = [name for name, metric in metrics.items() if hasattr(metric, "score_against")]
    if compared and not cells.has_identity:
        raise InputError(
            f"metric '{compared[0]}' compares with the unshifted test set, and there is none",
            help=f"give predictions for it too, as '{IDENTITY}' along '{SHIFT}'",
        )
    _refuse_clashes(cells, metrics)
    shape = tuple(cells.sizes.values())
    labels = _labels(metrics)
    curves = {name: (getattr(metric, "dimension", "") or None) for name, metric in metrics.items()}
    results: dict[str, NDArray[Any]] = {
        name: np.full((*shape, len(labels[curve])) if curve else shape, np.nan) for name, curve in curves.items()
    }
    results.update({name: np.zeros(shape, np.int64) for name in COUNTS})
    refused: dict[str, int] = {}
    for cell in cells:
        before = cells.identity(cell) if compared and cells.is_done(cells.identity(cell)) else None
        scored = _of_large(cell, metrics, before, refused) if cell.large else _of_small(cell, metrics, before)
        for j, scores in enumerate(scored):
            place = tuple({**cell.at, OUTPUT: j}[name] for name in cells.sizes)
            for name, score in scores.items():
                results[name][place] = score
        step()
    return _scores(cells.dataset, tuple(cells.sizes), results, metrics, labels).assign_attrs(_noted(refused))


def _of_small(cell: Cell, metrics: Mapping[str, AnyMetric], before: Cell | None) -> Iterator[Scores]:
    """The scores of each output of a cell that is loaded whole."""
    for j, evidence in enumerate(cell.load()):
        yield score_cell(evidence, metrics, identity=_whole(before, j))


def _of_large(
    cell: Cell, metrics: Mapping[str, AnyMetric], before: Cell | None, refused: dict[str, int]
) -> Iterator[Scores]:
    """The scores of each output of a cell that is read block by block, each block once for several outputs."""
    for first in range(0, cell.cells.outputs, TOGETHER):
        outputs = range(first, min(first + TOGETHER, cell.cells.outputs))
        scoring = {j: BlockScoring(metrics) for j in outputs}
        for block in cell.blocks():
            for j, one in scoring.items():
                one.add(block[j])
        for j in outputs:
            one = scoring.pop(j)
            yield one.scores(partial(_whole, before, j))
            refused.update({name: max(cell.size, refused.get(name, 0)) for name in one.refused})


def _whole(cell: Cell | None, output: int) -> Evidence | None:
    """All complete examples of an output at once, in float64; None without a cell."""
    if cell is None:
        return None
    blocks = [block[output].complete().kept() for block in cell.blocks()] if cell.large else [cell.load()[output]]
    return Evidence.joined(blocks).complete().in_double()


def _noted(refused: Mapping[str, int]) -> dict[str, list[str]]:
    """The attribute ``notes``, where there is anything to note."""
    notes = [
        f"no score of '{name}' in the largest cells, which have up to {size:,} examples: it looks at all of them at "
        f"once, and no more than {AT_ONCE // 1_000_000} MB are read for that"
        for name, size in refused.items()
    ]
    return {"notes": notes} if notes else {}


def wanted(metrics: Mapping[str, AnyMetric]) -> frozenset[str]:
    """What metrics need beside predictions and targets, as `Metric.needs` writes it."""
    return frozenset(name for metric in metrics.values() for name in getattr(metric, "needs", ()))


def compare_shifts(scores: xr.Dataset, metrics: Mapping[str, ShiftMetric], rank_by: str) -> xr.Dataset:
    """Add to scores how they change under shift.

    Parameters
    ----------
    scores
        Variables with a ``shift`` dimension and the attribute ``direction``, as `score_cube` gives them. Its
        variable or coordinate ``status``, if any, is handed on as a coordinate, so that a comparison can tell
        a failed cell from one that was never asked for (`regharness.dims.ABSENT`).
    metrics
        Name in the result to shift metric.
    rank_by
        The metric that is compared where a shift metric names none.

    Returns
    -------
    xarray.Dataset
        `scores` and one variable a shift metric, with ``direction`` (the one that the comparison sets on its
        result, else the shift metric's own) and ``of``, the compared metric.

    Raises
    ------
    InputError
        When the compared metric is not among the scores.
    """
    added = {}
    for name, metric in metrics.items():
        of = metric.of or rank_by
        comparable = [str(v) for v in scores.data_vars if "direction" in scores[v].attrs]
        if of not in comparable:
            if not comparable:
                raise InputError(f"'{name}' compares scores of another metric, and none was scored", help="add one")
            message, choices = unknown_name("metric", of, comparable, listed="scored")
            raise InputError(f"{name} compares scores of '{of}', but there is {message}", help=choices)
        compared = scores[of].drop_attrs()
        if STATUS in scores.variables:
            compared = compared.assign_coords({STATUS: scores[STATUS]})
        result = metric.compare(compared, scores[of].attrs["direction"]).reset_coords(drop=True)
        added[name] = result.assign_attrs({"direction": metric.direction, **result.attrs, "of": of})
    return scores.assign(added)


def _refuse_clashes(cells: Cells, metrics: Mapping[str, AnyMetric]) -> None:
    kept = {name for name, value in cells.dataset.coords.items() if EXAMPLE not in value.dims}
    for name in (*metrics, *COUNTS):
        if name in kept or name in cells.sizes:
            raise InputError(
                f"the dataset has the dimension or coordinate '{name}', which is what a score is called",
                help="rename it",
            )
        dimension = getattr(metrics.get(name), "dimension", "")
        if dimension in cells.sizes:
            raise InputError(
                f"metric '{name}' gives a curve along '{dimension}', and so do the cells of the dataset lie",
                help="rename that dimension, or leave the metric out",
            )


def _labels(metrics: Mapping[str, AnyMetric]) -> dict[str, tuple[float, ...]]:
    """Dimension of curves to the labels along it."""
    found: dict[str, tuple[float, ...]] = {}
    for name, metric in metrics.items():
        dimension = getattr(metric, "dimension", "")
        if dimension and found.setdefault(dimension, tuple(metric.labels)) != tuple(metric.labels):
            raise InputError(
                f"metric '{name}' has other labels along '{dimension}' than a metric before it",
                help="score them one after the other",
            )
    return found


def _scores(
    dataset: xr.Dataset,
    kept: tuple[str, ...],
    results: Mapping[str, NDArray[Any]],
    metrics: Mapping[str, AnyMetric],
    labels: Mapping[str, tuple[float, ...]],
) -> xr.Dataset:
    coords = {name: value for name, value in dataset.coords.items() if set(value.dims) <= set(kept)}
    curves = {name: getattr(metrics.get(name), "dimension", "") for name in results}
    scores = xr.Dataset(
        {name: ((*kept, curves[name]) if curves[name] else kept, values) for name, values in results.items()},
        {**coords, **{dimension: list(found) for dimension, found in labels.items()}},
    )
    for name, metric in metrics.items():
        if metric.direction is not None:
            scores[name].attrs["direction"] = metric.direction
    for name, long_name in COUNTS.items():
        scores[name].attrs["long_name"] = long_name
    return scores
