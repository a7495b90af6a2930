"""Own what a submission says of itself: its model card and its manifest. Reads no file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from regharness.parameters import Parameters
from regharness.submission.names import link_problem, slug_problem, text_problem

SCHEMA_VERSION = 1

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
    configurations_tried: int = Field(ge=1)


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
    exposure: dict[str, dict[str, Exposure]] = Field(
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
