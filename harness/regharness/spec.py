"""Own the shape of a spec: what a user may write and what it means. Reads no file, knows no plugin."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from regharness.parameters import Parameters

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=64),
]
"""Letters, digits and ``. _ + -``: names become folders, columns and coordinates."""


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


class Use(Parameters):
    """A component and its parameters."""

    use: str = Field(description="Name of an installed component; `regharness list` shows them.")
    with_: dict[str, Any] = Field(default={}, alias="with", description="Its parameters.")


class ShiftEntry(Use):
    """A shift operator at one or more severities."""

    name: Name | None = Field(default=None, description="Label in results; the operator's name if left out.")
    severity: Annotated[list[int], BeforeValidator(_as_list)] | None = Field(
        default=None, description="Levels to apply; all that the operator has if left out."
    )

    @property
    def label(self) -> str:
        """The name that its shifts carry before ``@severity``."""
        return self.name or self.use


class TaskEntry(Parameters):
    """Data and the shifts to test it under; the unshifted test set is always there."""

    name: Name
    data: Use
    shifts: list[ShiftEntry] = Field(default=[])


class ModelEntry(Use):
    """A model under evaluation."""

    name: Name
    uncertainty: Use | None = Field(default=None, description="An uncertainty method around the model.")
    tasks: list[str] | None = Field(default=None, description="Tasks it takes part in; all if left out.")


def _as_use(value: Any) -> Any:
    return {"use": value} if isinstance(value, str) else value


class MetricEntry(Use):
    """A metric with parameters; a bare name is one without."""

    name: Name | None = Field(default=None, description="Label in results; the metric's name if left out.")

    @property
    def label(self) -> str:
        """The name of its variable in the scores."""
        return self.name or self.use


class LeaderboardEntry(Parameters):
    """How the leaderboard orders models."""

    rank_by: str | None = Field(default=None, description="A metric of the spec: crps if it is there, else the first.")

    columns: list[str] = Field(
        default=[], description="Other metrics of the spec to show, in this order; as many as fit if left out."
    )
    by_shift: list[str] = Field(default=[], description="Metrics of the spec that a run also shows shift by shift.")


class RunEntry(Parameters):
    """Where and how the cells are computed; changes no result."""

    executor: Annotated[Use, BeforeValidator(_as_use)] = Field(
        default=Use(use="local"), description="What runs the cells; a bare name is one without parameters."
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=1024,
        description="How many compute at once; as many as there are processors if left out, with an executor that "
        "starts several on this machine.",
    )
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:N or mps, as the models' frameworks say.")
    retries: int = Field(default=1, ge=0, le=100, description="How often a cell is tried again whose worker died.")
    cell_time_limit: float | None = Field(
        default=None, gt=0, description="Seconds that a cell may take, fit included, before its worker is stopped."
    )


class SpecProfile(Parameters):
    """Another size of the same spec, such as one for a laptop."""

    seeds: list[Annotated[int, Field(ge=0, lt=2**32)]] | None = Field(
        default=None, min_length=1, description="In place of the spec's."
    )
    severities: list[int] | None = Field(
        default=None, min_length=1, description="Of shifts that the spec gives at several severities, only these."
    )
    data: dict[str, dict[str, Any]] = Field(default={}, description="Task to parameters of its data to replace.")
    models: dict[str, dict[str, Any]] = Field(default={}, description="Model to parameters to replace; '*' for all.")
    leave_out: list[str] = Field(default=[], description="KEY=GLOB of tasks, models and shifts to leave out.")


class BenchmarkSpec(Parameters):
    """What to evaluate: tasks x models x seeds, and how to score it."""

    name: Name
    version: int = Field(default=1, ge=1)
    seeds: list[Annotated[int, Field(ge=0, lt=2**32)]] = Field(default=[0], min_length=1, max_length=10_000)
    tasks: list[TaskEntry] = Field(min_length=1)
    models: list[ModelEntry] = Field(min_length=1)
    metrics: list[Annotated[MetricEntry, BeforeValidator(_as_use)]] = Field(min_length=1)
    leaderboard: LeaderboardEntry = LeaderboardEntry()
    run: RunEntry = RunEntry()
    profiles: dict[Name, SpecProfile] = Field(
        default={}, description="Other sizes of this spec by name; `regharness run SPEC --profile NAME` takes one."
    )

    @property
    def rank_by(self) -> str:
        """The metric that the leaderboard ranks by."""
        labels = [metric.label for metric in self.metrics]
        return self.leaderboard.rank_by or ("crps" if "crps" in labels else labels[0])

    def dump(self) -> dict[str, Any]:
        """The resolved spec as plain values, as a spec would write them."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"profiles"})
