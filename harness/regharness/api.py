"""Own what a Python user calls: run a spec, open a run, make one component."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from regharness import dims
from regharness.board_plain import to_json
from regharness.catalog import Catalog, load_catalog
from regharness.checkup import check_up
from regharness.errors import InputError, unknown_name
from regharness.interfaces import DataGenerator, Metric, ModelAdapter, ShiftMetric, ShiftOperator
from regharness.journal import ScoringJournal, hearing
from regharness.plan import make_plan
from regharness.profiling import Stopwatch
from regharness.run_folder import LEADERBOARD, SCORES, Run, open_run
from regharness.run_lock import held
from regharness.run_options import changed
from regharness.run_scores import Step, score_run
from regharness.runner import claim, execute
from regharness.scored import is_current, note_scored, standing
from regharness.spec import MetricEntry
from regharness.spec_loading import load
from regharness.storage import Place, place, write_whole
from regharness.whole_folders import new_file
from regharness.work import Watch

__all__ = ["data", "finish", "metric", "model", "open_run", "run", "shift"]


def run(
    spec: Path | str,
    folder: Place | str | None = None,
    *,
    only: Iterable[str] = (),
    profile: str | None = None,
    executor: str | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    device: str | None = None,
    fail_fast: bool = False,
    disabled: Iterable[str] = (),
    watch: Watch | None = None,
    step: Step = lambda what, done, total: None,
    stopwatch: Stopwatch | None = None,
) -> Run:
    """Plan a spec, compute what is missing, score it.

    Parameters
    ----------
    spec
        A file, or the name of a spec that travels with the package.
    folder
        The run's folder, a path or a URL such as ``s3://bucket/run``; ``runs/<spec name>`` if left out. An existing
        run is resumed.
    only
        ``KEY=GLOB`` filters on task, model, shift and seed.
    profile
        One of the other sizes that the spec offers, such as small.
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
    step
        Told ``(what, steps done, steps in all)`` of what follows the cells: scores, leaderboard, reports.
    stopwatch
        Counts the stages of this process.

    Returns
    -------
    Run
        Some of its cells may have failed: see `Run.failures`.

    Raises
    ------
    InputError
        When the spec, its data or the folder are wrong; nothing was computed then.
    """
    stopwatch = stopwatch or Stopwatch()
    with stopwatch.stage("planning"):
        catalog = load_catalog(disabled)
        loaded = load(spec, catalog, profile)
        entry = changed(loaded.run, catalog, executor=executor, scheduler=scheduler, workers=workers, device=device)
        loaded = loaded.model_copy(update={"run": entry})
        plan = make_plan(loaded, catalog)
    path = place(folder if folder is not None else f"runs/{loaded.name}")
    claim(path, loaded.name)
    with held(path) as hold:
        # Another run may have come first while this one waited.
        claim(path, loaded.name)
        given: dict[str, Any] = {
            "only": only,
            "fail_fast": fail_fast,
            "watch": watch,
            "stopwatch": stopwatch,
            "check": hold.check,
            "step": step,
        }
        checked = execute(plan, path, catalog, **given)
        hold.check()
        finished = open_run(path)
        now = standing(finished, catalog)
        if is_current(finished, now, _made_of_scores(catalog)) and finished.last_board is not None:
            return finished
        if not checked:
            step("checking what is stored", 0, 1)
            if check_up(finished, marking=True).damages:
                execute(plan, path, catalog, **given)
                finished = open_run(path)
        finish(finished, catalog, step=step, stopwatch=stopwatch)
    return finished


def _made_of_scores(catalog: Catalog) -> list[str]:
    """Files of a run that are made of its scores."""
    reports = [catalog.create("report", name) for name in catalog.names("report")]
    return [SCORES, LEADERBOARD, *(f"report{report.suffix}" for report in reports)]


def finish(
    run: Run,
    catalog: Catalog,
    metrics: Sequence[MetricEntry] | None = None,
    *,
    step: Step = lambda what, done, total: None,
    stopwatch: Stopwatch | None = None,
) -> list[Place]:
    """Score a run, by its spec's metrics or others, write its leaderboard and its reports; give the reports' paths.

    Curves alone make no leaderboard and no report. `step` and `stopwatch` are as of `run`.
    """
    began, stopwatch = time.perf_counter(), stopwatch or Stopwatch()
    with stopwatch.stage("scoring"):
        scores = score_run(run, catalog, metrics, step)
    paths: list[Place] = []
    board: list[Place] = []
    if run.scores.attrs["rank_by"]:
        step("leaderboard", 0, 1)
        with stopwatch.stage("leaderboard"):
            board.append(run.folder / LEADERBOARD)
            write_whole(board[0], to_json(run.leaderboard().board).encode())
        run.__dict__.pop("last_board", None)
        for name in catalog.names("report"):
            step(f"{name} report", 0, 1)
            with stopwatch.stage("reports"):
                report = catalog.create("report", name)
                path = run.folder / f"report{report.suffix}"
                with new_file(path) as file:
                    report.write(run, file)
                paths.append(path)
    note_scored(run, standing(run, catalog, metrics))
    cells = int((scores[dims.STATUS] == dims.DONE).sum())
    with hearing(catalog.plugins.manager, ScoringJournal()) as hook:
        hook.regharness_scoring_finished(
            run=run, files=[*board, *paths], cells=cells, seconds=time.perf_counter() - began
        )
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
