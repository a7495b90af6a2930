"""Read a model card that a person wrote as YAML. Knows no run."""

from __future__ import annotations

from pathlib import Path

import pydantic

from regharness.errors import InputError
from regharness.faults import describe
from regharness.submission.manifest import Card
from regharness.yaml_source import read


def read_card(path: Path) -> Card:
    """A model card.

    Raises
    ------
    InputError
        With every fault, each at its place in the file.
    """
    document = read(path)
    try:
        return Card.model_validate(document.value)
    except pydantic.ValidationError as error:
        raise InputError(
            [
                document.mark(place, key="unknown key" in message).problem(message, help)
                for place, message, help in describe(error, Card)
            ]
        ) from None
