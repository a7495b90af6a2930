"""Foretell how long cells will take, from how long others took. Computes none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regharness.plan import Cell, Plan
from regharness.records import Record, cell_records
from regharness.run_folder import open_run
from regharness.storage import Place


@dataclass(frozen=True)
class Forecast:
    """How long cells will take.

    Attributes
    ----------
    seconds
        Of computing, on one worker.
    unknown
        Models of which no time is known; they are not in it.
    """

    seconds: float
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class _Rate:
    """Seconds that a model took: to fit, for each training example, and for all else, for each example predicted."""

    fit: float
    predict: float


def forecast(plan: Plan, cells: Sequence[Cell], like: Place) -> Forecast:
    """Foretell the time that `cells` take, from the times of the same models in another run, or an earlier part of it.

    Fitting is taken to grow with the training split, predicting with the test sets; machine, lengths of sequences and
    parameters of models are taken to be alike.

    Parameters
    ----------
    plan
        What the cells are of.
    cells
        Those to be computed.
    like
        Folder of the run whose times are known.
    """
    known = _rates(like, plan)
    unknown = sorted({cell.model for cell in cells} - known.keys())
    seconds = 0.0
    fitted: set[str] = set()
    for cell in cells:
        if cell.model not in known:
            continue
        sizes, rate = plan.tasks[cell.task].info.sizes, known[cell.model]
        seconds += rate.predict * sizes["test"]
        if cell.fit_key not in fitted:
            fitted.add(cell.fit_key)
            seconds += rate.fit * sizes["train"]
    return Forecast(seconds, tuple(unknown))


def _rates(folder: Place, plan: Plan) -> dict[str, _Rate]:
    of_models: dict[str, list[Record]] = {}
    for record in cell_records(folder):
        if record.status == "done":
            of_models.setdefault(record.model, []).append(record)
    if not of_models:
        return {}
    run = open_run(folder)
    train = {task: info["sizes"]["train"] for task, info in run.task_infos.items()}
    if not train and run.name == plan.spec.name:
        # A run that is not through says nothing of its tasks yet.
        train = {name: task.info.sizes["train"] for name, task in plan.tasks.items()}
    rates = {model: _rate(records, train) for model, records in of_models.items()}
    return {model: rate for model, rate in rates.items() if rate is not None}


def _rate(records: Sequence[Record], train: dict[str, int]) -> _Rate | None:
    """The rates of a model; None where it was fitted to nobody knows how many examples."""
    fits = [record for record in records if "fit" in record.timings]
    known = [record for record in fits if record.task in train]
    if fits and not known:
        return None
    fitting = sum(record.timings["fit"] for record in known)
    learnt = sum(train[record.task] for record in known)
    rest = sum(record.seconds - record.timings.get("fit", 0.0) for record in records)
    return _Rate(fitting / learnt if learnt else 0.0, rest / sum(record.examples for record in records))
