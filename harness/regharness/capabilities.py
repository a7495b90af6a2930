"""Own what a model, or a generator, can offer beyond what it owes. Each is a Protocol; none is owed.

Whoever wants one asks with ``isinstance``; a model or a generator offers it by having its members.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from regharness.interfaces import Dataset, Prediction, RunContext, SequenceBatch


@runtime_checkable
class Samples(Protocol):
    """A model with parts that are random when they are asked to be, such as dropout."""

    def samples(self, batch: SequenceBatch, context: RunContext, number: int) -> Iterator[Prediction]:
        """Predict every example `number` times, each time with other random parts.

        The random numbers come from ``context.rng("samples")``, or a generator seeded by it, and are the same for
        every example of a sample, so that an example's answer does not depend on the others. A model without
        random parts raises `CellError`.
        """
        ...


@runtime_checkable
class LastLayer(Protocol):
    """A network whose mean is linear in what its last hidden layer gives."""

    def last_layer(self, batch: SequenceBatch, context: RunContext) -> NDArray[np.float64]:
        """What the mean is linear in, ``(example, feature)`` float64, without the constant of the intercept."""
        ...


@dataclass(frozen=True)
class Exported:
    """How an exported file comes back as a model: ``{use: ..., with: ...}`` of a spec.

    Parameters
    ----------
    use
        Name of a model adapter.
    with_
        Its parameters. Files lie beside the exported one, and are named by where they are or relative to it.
    parts
        What of a `Prediction` the file predicts as the model does; one at least.
    """

    use: str
    with_: dict[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] = ("mean",)


@runtime_checkable
class Exportable(Protocol):
    """A fitted model that can be written as a file of a format that others read.

    Attributes
    ----------
    export_formats
        Names of formats, such as ``onnx`` and ``safetensors``; a model around one that offers none has none.
    """

    export_formats: tuple[str, ...]

    def export(self, path: Path, format: str, outputs: tuple[str, ...]) -> Exported:
        """Write the model to `path`, in target units, and whatever belongs to it beside it.

        Raises
        ------
        CellError
            When this model cannot be written so, saying why.
        """
        ...


@runtime_checkable
class StreamedTest(Protocol):
    """A generator that can make its test set block by block, so that one larger than memory can be made.

    Attributes
    ----------
    streams_test
        Whether the test set that it was asked for is so large that it is made so.
    """

    streams_test: bool

    def begin(self, seed: int) -> Dataset:
        """What `generate` gives, with the first block of the test set in place of all of it."""
        ...

    def test_blocks(self, dataset: Dataset, seed: int) -> Iterator[Dataset]:
        """`dataset`, from `begin`, with each block of the test set in turn, and what a shift of it needs.

        Ids are unique in the whole test set, which is the same whatever a run does with it.
        """
        ...
