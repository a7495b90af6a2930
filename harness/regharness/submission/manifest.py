"""Own what a submission says of itself: its model card and its manifest. Reads no file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from regharness.parameters import Parameters
from regharness.quantiles import level_problem
from regharness.spec import Name
from regharness.submission.names import link_problem, slug_problem, text_problem

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

Exposure = Literal["seen", "unseen", "unknown"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _checked(problem: Callable[[str], str | None]) -> AfterValidator:
    def check(text: str) -> str:
        found = problem(text)
        if found is not None:
            raise ValueError(found)
        return text

    return AfterValidator(check)


Slug = Annotated[str, _checked(slug_problem)]
"""Lower-case letters, digits and ``. _ -``: it becomes a file's name."""
Text = Annotated[str, Field(min_length=1, max_length=200), _checked(text_problem)]
ShiftLabel = Annotated[str, Field(max_length=200, pattern=r"^[^@]+(@(0|[1-9][0-9]{0,8}))?$"), _checked(text_problem)]
"""An operator and, after ``@``, its severity."""
Seed = Annotated[int, Field(ge=0, lt=2**32)]
LongText = Annotated[str, Field(max_length=4000), _checked(lambda text: text_problem(text, lines=True))]
Display = Annotated[str, Field(min_length=1, max_length=64), _checked(lambda text: text_problem(text, latin=True))]
"""Latin letters alone: others can look like them."""
Link = Annotated[str, Field(max_length=500), _checked(link_problem)]


class TrainingData(Parameters):
    """Data that a model learnt from."""

    dataset: Text
    version: Text | None = None
    assembly: Text | None = Field(default=None, description="Genome assembly, such as hg38.")
    chromosomes: list[Text] = Field(default=[], max_length=100)
    cell_types: list[Text] = Field(default=[], max_length=1000)


class Selection(Parameters):
    """How the submitted configuration was chosen."""

    split: Text = Field(description="The data that it was chosen on, such as calibration.")
    configurations_tried: int = Field(ge=1, le=10**15)


class UncertaintyKind(Parameters):
    """What stands behind the predicted uncertainty."""

    kind: Text = Field(description="Such as gaussian head, deep ensemble, split conformal; none if there is none.")
    calibrated_on: Text | None = None


class Card(Parameters):
    """Who made a model, from what, and what it may have seen."""

    slug: Slug = Field(description="Its name in files and addresses.")
    display: Display = Field(description="Its name on the leaderboard.")
    version: Text = "1"
    authors: list[Text] = Field(default=[], max_length=200)
    team: Text | None = None
    contact: Text | None = None
    licence: Text | None = Field(default=None, description="Of the predictions and the model, such as MIT.")
    links: list[Link] = Field(default=[], max_length=20, description="Paper, code, weights; https:// alone.")
    parameters: int | None = Field(default=None, ge=0, le=10**15, description="How many the model has.")
    weights_sha256: Sha256 | None = None
    adapted_from: Text | None = None
    ensemble_size: int = Field(default=1, ge=1, le=100_000)
    training_data: list[TrainingData] = Field(default=[], max_length=200)
    overlap: LongText = Field(default="", description="What the training data share with the benchmark's test sets.")
    exposure: dict[Text, dict[Text, Exposure]] = Field(
        default={},
        max_length=1000,
        description="Task to shift to seen, unseen or unknown; a shift '*' stands for all that are not named.",
    )
    external_data: bool | None = Field(default=None, description="Whether it learnt from data beyond the benchmark's.")
    used_test_inputs: bool | None = Field(default=None, description="Whether test sequences were used without targets.")
    selection: Selection | None = None
    replicates: Text | None = Field(default=None, description="What differs from seed to seed.")
    uncertainty: UncertaintyKind | None = None
    compute: Text | None = None
    notes: LongText = ""
    supersedes: Sha256 | None = Field(default=None, description="sha256 of the submission file that this one replaces.")

    def seen(self, task: str, shift: str) -> Exposure:
        """Whether the model has seen the test set of a shift, as its makers say."""
        told = self.exposure.get(task, {})
        return told.get(shift, told.get("*", "unknown"))


Kind = Literal["float32", "float64", "text"]


class SliceInfo(Parameters):
    """The shapes and labels of a model's predictions, or of the targets, of a task."""

    task: Name
    unit: Text
    model: Slug | None = Field(default=None, description="Whose predictions; none of targets.")
    outputs: list[Text] = Field(min_length=1, max_length=1000)
    shifts: list[ShiftLabel] = Field(min_length=1, max_length=10_000)
    seeds: list[Seed] = Field(min_length=1, max_length=10_000)
    examples: list[list[Annotated[int, Field(ge=1, le=10**9)]]] = Field(description="Of each shift and seed.")
    levels: list[float] = Field(default=[], max_length=1000, description="Levels of the quantiles.")
    variables: dict[Name, Kind] = Field(description="What there is of every example.")

    @model_validator(mode="after")
    def _fitting(self) -> SliceInfo:
        if [len(row) for row in self.examples] != [len(self.seeds)] * len(self.shifts):
            raise ValueError("examples are one number a shift and seed")
        for what, labels in (("outputs", self.outputs), ("shifts", self.shifts), ("seeds", self.seeds)):
            if len(set(labels)) != len(labels):
                raise ValueError(f"{what} repeat")
        wrong = level_problem(self.levels)
        if wrong:
            raise ValueError(wrong)
        return self

    @property
    def rows(self) -> int:
        """Examples of the largest test set."""
        return max(max(row) for row in self.examples)


class BenchmarkRef(Parameters):
    """Which benchmark a file answers to."""

    name: Name
    version: int = Field(ge=1)
    inputs_sha256: Sha256


class FileEntry(Parameters):
    """A file of the archive."""

    path: Annotated[str, Field(max_length=200)]
    size: int = Field(ge=0)
    sha256: Sha256


class Provenance(Parameters):
    """How the predictions came about: what it takes to make them again.

    Attributes are as the run's own record has them; a table of predictions from elsewhere has few.
    """

    made_by: Literal["run", "table"]
    regharness: Text
    spec_sha256: Sha256 | None = Field(default=None, description="Of the resolved entries of the model and its tasks.")
    cells_sha256: Sha256 | None = Field(default=None, description="Of the keys of all cells.")
    python: Text | None = None
    platform: Text | None = None
    libraries: dict[Text, Text] = Field(default={}, max_length=100)
    execution: dict[Text, Text] = Field(default={}, max_length=100, description="Device and versions that ran it.")
    started: Text | None = None
    cell_seconds: float | None = Field(default=None, ge=0)


class Manifest(Parameters):
    """What an archive holds: a model's predictions, or the targets of a benchmark."""

    schema_version: Literal[1] = 1
    kind: Literal["submission", "targets"]
    benchmark: BenchmarkRef
    card: Card | None = Field(default=None, description="Of a submission.")
    cubes: list[SliceInfo] = Field(min_length=1, max_length=1000)
    provenance: Provenance | None = None
    created: Text | None = Field(default=None, description="Of targets: when they came to be, in UTC.")
    claims: dict[str, Any] | None = Field(default=None, description="Scores, as the submitter computed them.")
    files: list[FileEntry] = Field(max_length=20_000)
    tree_sha256: Sha256 = Field(description="Of the rest of this file in canonical JSON, digests of files included.")

    @model_validator(mode="after")
    def _whole(self) -> Manifest:
        if (self.kind == "submission") != (self.card is not None):
            raise ValueError("a submission has a card, and targets have none")
        return self


def canonical(value: Any) -> bytes:
    """A value of JSON in its one form: keys sorted, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def tree_digest(manifest: Mapping[str, Any]) -> str:
    """The `tree_sha256` that belongs to a manifest, as plain values."""
    rest = {name: part for name, part in manifest.items() if name != "tree_sha256"}
    return hashlib.sha256(canonical(rest)).hexdigest()


def manifest_schema() -> dict[str, Any]:
    """JSON Schema of ``manifest.json``."""
    return {"$schema": _DIALECT, **Manifest.model_json_schema(), "title": "regharness submission"}


def card_schema() -> dict[str, Any]:
    """JSON Schema of a model card, for editors."""
    return {"$schema": _DIALECT, **Card.model_json_schema(), "title": "regharness model card"}
