"""Compute one cell: fit or load its model, predict, check the answer, store it. Schedules nothing."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regharness.catalog import Catalog
from regharness.cube import Cube
from regharness.errors import CellError
from regharness.examples import Examples
from regharness.fitting import build_model, fitted_model
from regharness.interfaces import ModelAdapter, Prediction, RunContext, SequenceBatch
from regharness.plan import Cell, Plan
from regharness.quantiles import declared_levels, level_problem
from regharness.records import Record
from regharness.seeding import seed_for

Watch = Callable[[Cell, str, float], None]


class CellWorker:
    """Compute cells one by one, keeping the last fitted model, since cells of one model come in a row.

    Parameters
    ----------
    plan, catalog
        What to compute, and with what.
    cubes
        Task to its open cube, already grown to hold the plan.
    models
        Folder of the fitted models.
    examples
        Shared with whoever prepares the test sets, so that they are made once.
    watch
        Told ``(cell, "fit" or "predict", share done)``.
    """

    def __init__(
        self,
        plan: Plan,
        catalog: Catalog,
        cubes: dict[str, Cube],
        models: Path,
        examples: Examples,
        watch: Watch,
    ) -> None:
        self._plan, self._catalog = plan, catalog
        self._cubes, self._models, self._examples = cubes, models, examples
        self._watch = watch
        self._fit_key = ""
        self._model: ModelAdapter | None = None
        self._unfit: dict[str, Record] = {}

    def __call__(self, cell: Cell) -> Record:
        """Compute a cell; whatever its model does wrong becomes the record of a failed cell."""
        started = time.perf_counter()
        try:
            execution = self._compute(cell)
        except Exception as error:
            return failure(cell, error, time.perf_counter() - started)
        return Record(*cell.name, cell.key, "done", seconds=time.perf_counter() - started, execution=execution)

    def _compute(self, cell: Cell) -> dict[str, str]:
        context = RunContext(
            seed=seed_for(cell.seed, "model"),
            device=self._plan.spec.run.device,
            progress=lambda share: self._watch(cell, "fit", share),
        )
        model = self._fitted(cell, context)
        self._watch(cell, "predict", 0.0)
        batch = self._examples.test_set(cell.task, cell.seed, cell.shift)
        seen = replace(batch, target=None) if "truth" in model.needs else batch.inputs()
        prediction = model.predict(seen, context)
        check(prediction, batch, declared_levels(model))
        self._cubes[cell.task].write_prediction(cell.model, cell.shift, cell.seed, prediction)
        return dict(model.execution())

    def _fitted(self, cell: Cell, context: RunContext) -> ModelAdapter:
        if cell.fit_key in self._unfit:
            raise CellError(self._unfit[cell.fit_key].reason)
        if self._model is None or self._fit_key != cell.fit_key:
            self._model = None
            entry = next(model for model in self._plan.spec.models if model.name == cell.model)
            dataset = self._examples.dataset(cell.task, cell.seed)
            try:
                self._model = fitted_model(
                    build_model(entry, self._catalog), self._models / cell.fit_key, dataset, context
                )
            except Exception as error:
                # The other cells of this model would only fail the same way, each after a fit's time.
                self._unfit[cell.fit_key] = failure(cell, error, 0.0)
                raise
            self._fit_key = cell.fit_key
        return self._model


def failure(cell: Cell, error: Exception, seconds: float) -> Record:
    """The record of a cell that `error` ended."""
    text = " ".join(str(error).split()) or "no message"
    reason = text if isinstance(error, CellError) else f"{type(error).__name__}: {text}"
    detail = "".join(traceback.format_exception(error))
    return Record(*cell.name, cell.key, "failed", reason[:500], detail[-20_000:], seconds)


def check(prediction: Prediction, batch: SequenceBatch, levels: tuple[float, ...] = ()) -> None:
    """Refuse an answer that cannot be stored or scored.

    Parameters
    ----------
    prediction, batch
        The answer, and what was asked.
    levels
        Of the quantiles that the model declared.

    Raises
    ------
    CellError
        No `Prediction`, a wrong shape or dtype, NaN or infinity, a negative variance; quantiles that fall, or that
        are others than declared.
    """
    if not isinstance(prediction, Prediction):
        raise CellError(f"predict gave {type(prediction).__name__}, not a Prediction")
    shape = (len(batch), len(batch.outputs))
    for name in ("mean", "aleatoric_variance", "epistemic_variance"):
        value = getattr(prediction, name)
        if value is None and name != "mean":
            continue
        _check_array(name, value, shape, "(example, output)")
        if name != "mean" and (value < 0).any():
            raise CellError(f"{name} is negative for {_examples(value < 0)}")
    _check_levels(prediction, levels)
    if prediction.quantiles is None:
        return
    _check_array("quantiles", prediction.quantiles, (*shape, len(levels)), "(example, output, quantile)")
    falls = np.diff(prediction.quantiles, axis=2) < 0
    if falls.any():
        raise CellError(f"quantiles fall along their levels for {_examples(falls)}")


def _check_levels(prediction: Prediction, levels: tuple[float, ...]) -> None:
    wrong = level_problem(levels)
    if wrong:
        raise CellError(f"the model declares its quantile_levels wrongly: {wrong}")
    given = tuple(float(level) for level in prediction.quantile_levels)
    if given != levels:
        raise CellError(f"quantile_levels are {_listed(given)}, and the model declares {_listed(levels)}")
    if (prediction.quantiles is None) == bool(levels):
        raise CellError("predict gave quantiles without levels" if not levels else "predict gave no quantiles")


def _check_array(name: str, value: object, shape: tuple[int, ...], axes: str) -> None:
    if not isinstance(value, np.ndarray):
        raise CellError(f"{name} is {type(value).__name__}, not a numpy array")
    if value.shape != shape:
        raise CellError(f"{name} has shape {value.shape}, not {axes} = {shape}")
    if value.dtype != np.float32:
        raise CellError(f"{name} is {value.dtype}, not float32")
    if not np.isfinite(value).all():
        raise CellError(f"{name} is NaN or infinite for {_examples(~np.isfinite(value))}")


def _examples(bad: NDArray[np.bool_]) -> str:
    return f"{int(bad.reshape(len(bad), -1).any(axis=1).sum())} of {len(bad)} examples"


def _listed(levels: tuple[float, ...]) -> str:
    return ", ".join(f"{level:g}" for level in levels) or "none"
