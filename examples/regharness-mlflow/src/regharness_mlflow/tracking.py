"""Own the MLflow run that stands for a run's folder. Knows no hook."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from regharness import __version__, open_run
from regharness.board_plain import Board
from regharness.leaderboard import Leaderboard
from regharness.storage import read, write_whole

if TYPE_CHECKING:
    from regharness import Run
    from regharness.storage import Place

FILE = "mlflow.json"
"""In a run's folder: which MLflow run stands for it, and for which spec."""
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""MLflow's own four minutes of retries would hold up a run whose tracker is down."""
MOST = 1000
"""Metrics in one request."""


class TrackedRun:
    """The MLflow run of a folder: the one that it had before, or with another spec or tracker a new one.

    Parameters
    ----------
    folder
        Of the run.
    """

    def __init__(self, folder: Place) -> None:
        for name, value in PATIENCE.items():
            os.environ.setdefault(name, value)
        self._client = MlflowClient()
        self._kept: list[Metric] = []
        run = open_run(folder)
        mark = {"tracking_uri": self._client.tracking_uri, "spec_sha256": _digest(run)}
        held = json.loads(read(folder / FILE) or b"{}")
        if mark.items() <= held.items() and self._goes_on(held["run_id"]):
            self.id: str = held["run_id"]
        else:
            self.id = self._begin(run)
            write_whole(folder / FILE, json.dumps({**mark, "run_id": self.id}).encode() + b"\n")

    def measure(self, values: Mapping[str, float], step: int = 0) -> None:
        """Keep metrics for the next request."""
        now = int(time.time() * 1000)
        self._kept += [Metric(name, float(value), now, step) for name, value in values.items()]

    def send(self) -> None:
        """Send the metrics that were kept."""
        kept, self._kept = self._kept, []
        for start in range(0, len(kept), MOST):
            self._client.log_batch(self.id, metrics=kept[start : start + MOST])

    def end(self, status: str) -> None:
        """Send what was kept and say how the run ended."""
        self.send()
        self._client.set_terminated(self.id, status)

    def add_scores(self, run: Run, files: Sequence[Place]) -> None:
        """Add the means of the leaderboard as metrics, and files as artifacts."""
        if run.last_board is not None:
            self.measure(dict(_means(run.last_board.board)))
            self.send()
        with tempfile.TemporaryDirectory() as folder:
            for file in files:
                # A run can lie behind a URL, and MLflow takes files.
                copy = Path(folder, file.name)
                copy.write_bytes(read(file) or b"")
                self._client.log_artifact(self.id, str(copy))

    def _goes_on(self, run_id: str) -> bool:
        """Whether the tracker still has an MLflow run."""
        try:
            self._client.update_run(run_id, status="RUNNING")
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise
        return True

    def _begin(self, run: Run) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "regharness")
        experiment = self._client.get_experiment_by_name(name)
        at = experiment.experiment_id if experiment is not None else self._client.create_experiment(name)
        run_id: str = self._client.create_run(at, run_name=run.name).info.run_id
        spec = run.spec
        facts = {
            "spec": spec.name,
            "version": spec.version,
            "seeds": spec.seeds,
            "tasks": run.tasks,
            "models": [model.name for model in spec.models],
            "metrics": [metric.label for metric in spec.metrics],
        }
        tags = {"regharness.folder": run.folder, "regharness.version": __version__}
        self._client.log_batch(
            run_id,
            params=[Param(name, _text(value)) for name, value in facts.items()],
            tags=[RunTag(name, str(value)) for name, value in tags.items()],
        )
        return run_id


def _digest(run: Run) -> str:
    """Digest of what is evaluated, not of how it is run."""
    spec = run.spec.dump()
    spec.pop("run", None)
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()


def _means(board: Board) -> Iterator[tuple[str, float]]:
    """Metric of MLflow to score; a score that is not there has none."""
    assert isinstance(board, Leaderboard)
    for row in board.rows:
        spots = {board.rank_by: {"identity": row.identity, "shifted": row.shifted, "worst": row.worst}}
        spots |= {name: {"identity": of.identity, "worst": of.worst} for name, of in row.metrics.items()}
        spots |= {name: {"shifted": value} for name, value in row.summaries.items()}
        for metric, values in spots.items():
            for where, value in values.items():
                if value is not None:
                    # MLflow knows no plus, and no name of a spec has a blank.
                    yield f"{row.task}/{metric}/{row.model}/{where}".replace("+", " "), value.mean


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
