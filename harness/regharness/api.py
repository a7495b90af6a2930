"""Own what a Python user calls: run a spec, open a run, make one component."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from regharness.board_plain import to_json
from regharness.catalog import Catalog, load_catalog
from regharness.errors import InputError, unknown_name
from regharness.interfaces import DataGenerator, Metric, ModelAdapter, ShiftMetric, ShiftOperator
from regharness.plan import make_plan
from regharness.run_folder import LEADERBOARD, Run, open_run
from regharness.run_options import changed
from regharness.run_scores import score_run
from regharness.runner import execute
from regharness.spec import MetricEntry
from regharness.spec_loading import load
from regharness.work import Watch

__all__ = ["data", "finish", "metric", "model", "open_run", "run", "shift"]


def run(
    spec: Path | str,
    folder: Path | str | None = None,
    *,
    only: Iterable[str] = (),
    executor: str | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    device: str | None = None,
    fail_fast: bool = False,
    disabled: Iterable[str] = (),
    watch: Watch = lambda cell, stage, share: None,
) -> Run:
    """Plan a spec, compute what is missing, score it.

    Parameters
    ----------
    spec
        A file, or the name of a spec that travels with the package.
    folder
        The run's folder; ``runs/<spec name>`` if left out. An existing run is resumed.
    only
        ``KEY=GLOB`` filters on task, model, shift and seed.
    executor, workers, device
        In place of the spec's.
    scheduler
        Address of a scheduler, such as ``tcp://HOST:8786``, for an executor that connects to one.
    fail_fast
        Stop at the first failed cell.
    disabled
        Plugins to leave out.
    watch
        Told ``(cell, "fit" or "predict", share done)``.

    Returns
    -------
    Run
        Some of its cells may have failed: see `Run.failures`.

    Raises
    ------
    InputError
        When the spec, its data or the folder are wrong; nothing was computed then.
    """
    catalog = load_catalog(disabled)
    loaded = load(spec, catalog)
    entry = changed(loaded.run, catalog, executor=executor, scheduler=scheduler, workers=workers, device=device)
    loaded = loaded.model_copy(update={"run": entry})
    plan = make_plan(loaded, catalog)
    path = Path(folder) if folder is not None else Path("runs") / loaded.name
    execute(plan, path, catalog, only=only, fail_fast=fail_fast, watch=watch)
    finished = open_run(path)
    finish(finished, catalog)
    return finished


def finish(run: Run, catalog: Catalog, metrics: Sequence[MetricEntry] | None = None) -> list[Path]:
    """Score a run, by its spec's metrics or others, write its leaderboard and its reports; give the reports' paths.

    Curves alone make no leaderboard and no report.
    """
    score_run(run, catalog, metrics)
    if not run.scores.attrs["rank_by"]:
        return []
    (run.folder / LEADERBOARD).write_text(to_json(run.leaderboard().board), encoding="utf-8")
    paths = []
    for name in catalog.names("report"):
        report = catalog.create("report", name)
        path = run.folder / f"report{report.suffix}"
        report.write(run, path)
        paths.append(path)
    return paths


def data(name: str, **parameters: Any) -> DataGenerator:
    """Make a data generator by the name that specs use."""
    generator: DataGenerator = load_catalog().create("data", name, parameters)
    return generator


def model(name: str, **parameters: Any) -> ModelAdapter:
    """Make an unfitted model by the name that specs use."""
    adapter: ModelAdapter = load_catalog().create("model", name, parameters)
    return adapter


def metric(name: str, **parameters: Any) -> Metric | ShiftMetric:
    """Make a metric by the name that specs use."""
    made: Metric | ShiftMetric = load_catalog().create("metric", name, parameters)
    return made


def shift(name: str, severity: int | None = None, **parameters: Any) -> ShiftOperator:
    """Make a shift operator by the name that specs use; with a `severity`, one that has that level alone.

    Severity 0 is identity.
    """
    operator: ShiftOperator = load_catalog().create("shift", name, parameters)
    if severity is not None:
        if severity not in (0, *operator.severities):
            message, choices = unknown_name("severity", str(severity), map(str, operator.severities), listed="it has")
            raise InputError(f"shift operator '{name}': {message}", help=choices)
        operator.severities = (severity,)
    return operator
