"""Compute one job in whatever process: fit or load a cell's model, predict, check the answer, deliver it.

Schedules nothing and writes nothing into a cube.
"""

from __future__ import annotations

import os
import platform
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from regharness.catalog import Catalog, load_catalog
from regharness.deliveries import FOLDER, Delivery, ticket
from regharness.errors import CellError, StorageError
from regharness.examples import Examples, WholeTestSet
from regharness.fitting import MODELS, build_model, fit_and_store, load_stored
from regharness.inputs_digest import InputsDigest
from regharness.interfaces import ModelAdapter, RunContext, SequenceBatch
from regharness.keys import digest_of
from regharness.layout import Kind, Layout
from regharness.magnitude import Moved, achieved
from regharness.pieces import put_prediction, put_test_set
from regharness.plan import Cell, Task, TestSet, make_task
from regharness.prediction_checks import check
from regharness.provenance import environment, peak_memory_mb
from regharness.quantiles import declared_levels
from regharness.records import Record, TestSetRecord
from regharness.seeding import seed_for
from regharness.spec import BenchmarkSpec
from regharness.staleness import Facts
from regharness.storage import Place, read, write_whole

Watch = Callable[[Cell, str, float], None]
Result = Record | TestSetRecord


@dataclass(frozen=True)
class Order:
    """All that a worker needs to know to do any job of a run.

    Attributes
    ----------
    spec
        The resolved spec.
    folder
        Of the run.
    disabled
        Plugins that are switched off.
    layouts
        Task to where things lie in its cube.
    run
        Tells one run from the next in the same folder.
    """

    spec: BenchmarkSpec
    folder: Place
    disabled: frozenset[str]
    layouts: Mapping[str, Layout]
    run: str


class RunWork:
    """What a run gives its executor: called with a job, in this process or a copy of it in another.

    Parameters
    ----------
    order
        What to compute with.
    watch
        Told ``(cell, "fit" or "predict", share done)``, in this process alone.
    tasks
        As the plan has made them; other processes make their own.
    """

    def __init__(self, order: Order, watch: Watch | None = None, tasks: Mapping[str, Task] | None = None) -> None:
        self.order = order
        self.limit = order.spec.run.cell_time_limit
        self._watch, self._tasks = watch, tasks

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_watch": None, "_tasks": None}

    def __call__(self, job: Any) -> Result:
        """Do a job. Whatever its model does wrong becomes the record of a failed cell."""
        with _LOCK:
            bench = _bench(self.order, self._tasks)
            return bench.test_set(job) if isinstance(job, TestSet) else bench.cell(job, self._watch)


_LOCK = threading.Lock()
"""One job a process at a time, whatever threads an executor calls from: models are not made to be shared."""
_BENCHES: dict[str, Bench] = {}


def _bench(order: Order, tasks: Mapping[str, Task] | None) -> Bench:
    """The workbench of this process for a run; that of an earlier run is put away."""
    if order.run not in _BENCHES:
        put_away()
        _BENCHES[order.run] = Bench(order, tasks)
    return _BENCHES[order.run]


def put_away() -> None:
    """Forget the models and examples of the last run, and let numerical libraries use their threads again."""
    while _BENCHES:
        _BENCHES.popitem()[1].close()


class Bench:
    """A process at work on a run: the examples, the model and the stopwatch that one job leaves to the next."""

    def __init__(self, order: Order, tasks: Mapping[str, Task] | None) -> None:
        self._order = order
        self._catalog: Catalog = load_catalog(order.disabled)
        self._examples = Examples(tasks or _Tasks(order.spec, self._catalog), streaming=True)
        self._incoming = order.folder / FOLDER
        self._models = {model.name: model for model in order.spec.models}
        self._fit_key = ""
        self._model: ModelAdapter | None = None
        self._limits: list[Any] = []
        self._environment = self._keep_environment()
        self._worker = f"{platform.node()}:{os.getpid()}"
        self._timings: dict[str, float] = {}
        self._still()

    def close(self) -> None:
        """Give numerical libraries their threads back."""
        for limit in reversed(self._limits):
            limit.restore_original_limits()

    def test_set(self, job: TestSet) -> TestSetRecord:
        """Make a test set and deliver it."""
        started, self._timings = time.perf_counter(), {}
        try:
            return self._deliver_test_set(job, started)
        except (MemoryError, StorageError):
            raise
        except Exception as error:
            reason, detail = _told(error)
            return TestSetRecord(*job.name, job.key, "failed", reason, detail, time.perf_counter() - started)

    def cell(self, job: Cell, watch: Watch | None) -> Record:
        """Predict a cell and deliver the prediction."""
        started, self._timings = time.perf_counter(), {}
        record = Record(*job.name, job.key, "done", worker=self._worker)
        try:
            return self._cell(job, record, started, watch or (lambda cell, stage, share: None))
        except (MemoryError, StorageError):
            raise
        except Exception as error:
            return replace(failure(job, error, time.perf_counter() - started), worker=self._worker)

    def _cell(self, job: Cell, record: Record, started: float, watch: Watch) -> Record:
        context = RunContext(
            seed=seed_for(job.seed, "model"),
            device=self._order.spec.run.device,
            progress=lambda share: watch(job, "fit", share),
        )
        model = self._fitted(job, context)
        watch(job, "predict", 0.0)
        with self._stage("examples"):
            test_set = self._examples.walked(job.task, job.seed, job.shift)
        delivery = Delivery(self._incoming, ticket(job.key, job.name))
        layout, levels = self._order.layouts[job.task], declared_levels(model)
        for number, block in enumerate(self._timed(test_set.blocks(layout.piece))):
            seen = replace(block, target=None) if "truth" in model.needs else block.inputs()
            with self._stage("predict"):
                prediction = model.predict(seen, context)
            with self._stage("store"):
                check(prediction, seen, levels)
                put_prediction(delivery, layout, prediction, number)
        seconds = time.perf_counter() - started
        record = replace(
            record,
            seconds=round(seconds, 6),
            execution=dict(model.execution()),
            timings=self._rounded(),
            pieces=delivery.pieces,
            examples=len(test_set),
            peak_mb=peak_memory_mb(),
            environment=self._environment,
            finished=round(time.time(), 3),
        )
        delivery.finish({"kind": "cell", **vars(record)})
        return record

    def _fitted(self, cell: Cell, context: RunContext) -> ModelAdapter:
        if self._model is not None and self._fit_key == cell.fit_key:
            return self._model
        self._model = None
        entry = self._models[cell.model]
        folder = self._order.folder / MODELS / cell.fit_key
        broken = self._incoming / f"{cell.fit_key}.{self._order.run}.failed"
        reason = read(broken)
        if reason is not None:
            # The other cells of this model would only fail the same way, each after a fit's time.
            raise CellError(reason.decode())
        try:
            with self._stage("load"):
                model = build_model(entry, self._catalog)
                ready = not model.trainable or load_stored(model, folder)
            if not ready:
                dataset = self._dataset(cell.task, cell.seed)
                with self._stage("fit"):
                    fit_and_store(model, folder, dataset, context)
        except (MemoryError, StorageError):
            raise
        except Exception as error:
            write_whole(broken, failure(cell, error, 0.0).reason.encode())
            raise
        # Whatever numerical library the model brought along computes on one thread too.
        self._still()
        self._model, self._fit_key = model, cell.fit_key
        return model

    def _deliver_test_set(self, job: TestSet, started: float) -> TestSetRecord:
        delivery, piece = Delivery(self._incoming, ticket(job.key, job.name)), self._order.layouts[job.task].piece
        with self._stage("examples"):
            test_set = self._examples.walked(job.task, job.seed, job.shift)
        moved = Moved()
        blocks = test_set.blocks(piece) if isinstance(test_set, WholeTestSet) else test_set.blocks(piece, moved)
        kinds: dict[str, Kind] = {}
        inputs = InputsDigest()
        for number, block in enumerate(self._timed(blocks)):
            with self._stage("store"):
                kinds |= put_test_set(delivery, block, number, piece)
                inputs.add(block)
        if isinstance(test_set, WholeTestSet):
            found = achieved(test_set.dataset, test_set.batch)
        else:
            found = moved.found()
        record = TestSetRecord(
            *job.name,
            job.key,
            "done",
            seconds=round(time.perf_counter() - started, 6),
            timings=self._rounded(),
            examples=len(test_set),
            magnitudes={name: _plain(values) for name, values in found.items()},
            covariates=kinds,
            pieces=delivery.pieces,
            worker=self._worker,
            inputs_sha256=inputs.hexdigest(),
        )
        delivery.finish({"kind": "test_set", **asdict(record)})
        return record

    def _keep_environment(self) -> str:
        facts = environment(self._catalog.plugins)
        digest = digest_of(facts)
        Facts(self._order.folder).keep({digest: facts})
        return digest

    def _dataset(self, task: str, seed: int) -> Any:
        with self._stage("examples"):
            return self._examples.dataset(task, seed)

    def _timed(self, blocks: Iterator[SequenceBatch]) -> Iterator[SequenceBatch]:
        """The blocks of a test set, whose making is a stage."""
        while True:
            with self._stage("examples"):
                block = next(blocks, None)
            if block is None:
                return
            yield block

    def _rounded(self) -> dict[str, float]:
        return {stage: round(spent, 6) for stage, spent in self._timings.items()}

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._timings[name] = self._timings.get(name, 0.0) + time.perf_counter() - started

    def _still(self) -> None:
        self._limits.append(threadpool_limits(1))


class _Tasks(dict[str, Task]):
    """Name to task, each made when it is first asked for."""

    def __init__(self, spec: BenchmarkSpec, catalog: Catalog) -> None:
        self._entries = {entry.name: entry for entry in spec.tasks}
        self._catalog = catalog

    def __missing__(self, name: str) -> Task:
        self[name] = make_task(self._entries[name], self._catalog)
        return self[name]


def failure(cell: Any, error: Exception, seconds: float) -> Record:
    """The record of a cell that `error` ended."""
    reason, detail = _told(error)
    return Record(cell.task, cell.model, cell.shift, cell.seed, cell.key, "failed", reason, detail, seconds)


def _told(error: Exception) -> tuple[str, str]:
    """Reason and detail of a failure."""
    text = " ".join(str(error).split()) or "no message"
    reason = text if isinstance(error, CellError) else f"{type(error).__name__}: {text}"
    return reason[:500], "".join(traceback.format_exception(error))[-20_000:]


def _plain(values: NDArray[np.float64]) -> Any:
    """Numbers for JSON, which has no NaN."""
    if values.ndim == 0:
        return None if np.isnan(values) else float(values)
    return [None if np.isnan(value) else float(value) for value in values]
