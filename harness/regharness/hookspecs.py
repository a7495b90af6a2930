"""Own the hooks of the project ``regharness`` and their contract. Implements none.

The seven collecting hooks share one contract: each is called once, when the catalog is built, so also for
``regharness --help``; it returns a mapping from the name that a spec uses to a `regharness.Component`, a
``"module:Name"`` text or a callable; it must import no framework, read no file and start nothing. A name
offered twice within a kind is refused, naming both owners.
"""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from regharness.markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import click

    from regharness.component import Component
    from regharness.run_folder import Run
    from regharness.storage import Place

    Offer = Component | str | Callable[..., Any]


@hookspec
def regharness_data_generators() -> Mapping[str, Offer]:
    """Offer data generators for ``data: {use: NAME}``; each makes a `regharness.interfaces.DataGenerator`."""


@hookspec
def regharness_shift_operators() -> Mapping[str, Offer]:
    """Offer shift operators for ``shifts: [{use: NAME}]``; each makes a `regharness.interfaces.ShiftOperator`."""


@hookspec
def regharness_model_adapters() -> Mapping[str, Offer]:
    """Offer models for ``models: [{use: NAME}]``; each makes a `regharness.interfaces.ModelAdapter`."""


@hookspec
def regharness_uncertainty_methods() -> Mapping[str, Offer]:
    """Offer methods for ``uncertainty: {use: NAME}``; each makes a `regharness.interfaces.UncertaintyMethod`."""


@hookspec
def regharness_metrics() -> Mapping[str, Offer]:
    """Offer metrics for ``metrics: [NAME]``; each makes a `regharness.interfaces.Metric` or `ShiftMetric`."""


@hookspec
def regharness_executors() -> Mapping[str, Offer]:
    """Offer executors for ``run: {executor: NAME}``; each makes a `regharness.interfaces.Executor`.

    The factory takes ``workers``, a whole number, and whatever else a spec may say: ``run: {executor: {use: NAME, with:
    {...}}}``. One that connects to a cluster elsewhere takes its address as ``scheduler``.
    """


@hookspec
def regharness_reports() -> Mapping[str, Offer]:
    """Offer reports; each makes a `regharness.interfaces.Report`, written after every run."""


@hookspec
def regharness_commands(cli: click.Group) -> None:
    """Add verbs to the command line with ``cli.add_command``.

    Called each time the program starts, before arguments are read: import no framework. A verb that the
    program already has must not be replaced.
    """


@hookspec
def regharness_run_started(folder: Place, cells: int, done: int, workers: int) -> None:
    """Hear that a run starts in `folder`, a path or what stands for a URL: `cells` in all, `done` of them before.

    Called once in the main process, before anything is fitted. An observer that raises ends the run.
    """


@hookspec
def regharness_cell_started(task: str, model: str, shift: str, seed: int, worker: str) -> None:
    """Hear that `worker` has begun a cell. Called in the main process; not by every executor."""


@hookspec
def regharness_cell_finished(
    task: str,
    model: str,
    shift: str,
    seed: int,
    status: str,
    reason: str,
    seconds: float,
    worker: str,
    examples: int,
    timings: Mapping[str, float],
) -> None:
    """Hear that a cell was computed: `status` is ``"done"`` or ``"failed"``, then with a `reason`.

    `timings` are the seconds of its stages: ``examples``, ``fit``, ``load``, ``predict``, ``store``. Called in the main
    process, after the cell is safely stored.
    """


@hookspec
def regharness_test_set_finished(
    task: str,
    shift: str,
    seed: int,
    status: str,
    reason: str,
    seconds: float,
    worker: str,
    timings: Mapping[str, float],
) -> None:
    """Hear that a test set was made and stored, once for all models: `status` is ``"done"`` or ``"failed"``.

    `timings` are the seconds of its stages: ``examples``, ``shift``, ``store``. Called in the main process.
    """


@hookspec
def regharness_cell_lost(task: str, model: str, shift: str, seed: int, reason: str, worker: str, again: bool) -> None:
    """Hear that a cell ended without a result because its worker did, and whether it is tried `again`.

    Where it is not, `regharness_cell_finished` tells the failure next. Called in the main process.
    """


@hookspec
def regharness_run_finished(folder: Place, failed: int, interrupted: bool) -> None:
    """Hear that a run ended, with `failed` cells, or was `interrupted`. Called once in the main process."""


@hookspec
def regharness_scoring_finished(run: Run, files: Sequence[Place], cells: int, seconds: float) -> None:
    """Hear that `cells` of a `run` were scored, in `seconds` with what is made of the scores.

    `files` are its leaderboard and reports, none where nothing can be ranked; `run.scores` and `run.leaderboard()` are
    those that were just made. Called once in the main process after each scoring: after `regharness_run_finished` where
    a run computed something, and by ``regharness score``.
    """
