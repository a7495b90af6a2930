"""Compute one cell: fit or load its model, predict, check the answer, store it. Schedules nothing."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from regharness.catalog import Catalog
from regharness.cube import Cube
from regharness.errors import CellError
from regharness.examples import Examples
from regharness.fitting import build_model, fitted_model
from regharness.interfaces import ModelAdapter, Prediction, RunContext, SequenceBatch
from regharness.plan import Cell, Plan
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
        check(prediction, batch)
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


def check(prediction: Prediction, batch: SequenceBatch) -> None:
    """Refuse an answer that cannot be stored or scored.

    Raises
    ------
    CellError
        No `Prediction`, a wrong shape or dtype, NaN or infinity, a negative variance.
    """
    if not isinstance(prediction, Prediction):
        raise CellError(f"predict gave {type(prediction).__name__}, not a Prediction")
    shape = (len(batch), len(batch.outputs))
    for name in ("mean", "aleatoric_variance", "epistemic_variance"):
        value = getattr(prediction, name)
        if value is None and name != "mean":
            continue
        if not isinstance(value, np.ndarray):
            raise CellError(f"{name} is {type(value).__name__}, not a numpy array")
        if value.shape != shape:
            raise CellError(f"{name} has shape {value.shape}, not (example, output) = {shape}")
        if value.dtype != np.float32:
            raise CellError(f"{name} is {value.dtype}, not float32")
        bad = ~np.isfinite(value)
        if bad.any():
            raise CellError(f"{name} is NaN or infinite for {int(bad.any(axis=1).sum())} of {len(batch)} examples")
        if name != "mean" and (value < 0).any():
            raise CellError(f"{name} is negative for {int((value < 0).any(axis=1).sum())} of {len(batch)} examples")
