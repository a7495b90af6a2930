"""Walk test sets block by block, so that neither they nor what is predicted of them need fit into memory.

A block is a test set's next `BLOCK` examples. A test set that a generator makes as a whole is cut into views of it; one
that is larger than a block, of a generator that can (`regharness.capabilities.StreamedTest`), is made, shifted and
measured one block at a time, each shifted with a random stream of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regharness.capabilities import StreamedTest
from regharness.errors import InputError
from regharness.interfaces import DataGenerator, Dataset, SequenceBatch, ShiftOperator
from regharness.magnitude import Moved
from regharness.scoring import BLOCK
from regharness.seeding import rng_for


def blocks_of(batch: SequenceBatch, size: int | None = None) -> Iterator[SequenceBatch]:
    """The examples of a batch, `size` or `BLOCK` at a time, as views; one no longer than that is given as it is."""
    size = size or BLOCK
    if len(batch) <= size:
        yield batch
        return
    for start in range(0, len(batch), size):
        yield batch.select(slice(start, start + size))


def streams(generator: DataGenerator) -> bool:
    """Whether a generator makes its test set block by block."""
    return isinstance(generator, StreamedTest) and generator.streams_test


def refuse_whole(generator: DataGenerator, label: str, operator: ShiftOperator) -> None:
    """Refuse a shift that needs the whole test set where that is made block by block.

    Raises
    ------
    InputError
        Naming the shift.
    """
    if streams(generator) and not getattr(operator, "by_block", False):
        raise InputError(
            f"shift '{label}' needs the whole test set at once, and more than {BLOCK:,} examples are made in blocks",
            help=f"ask for at most {BLOCK:,} test examples, or leave the shift out",
        )


@dataclass(frozen=True)
class StreamedTestSet:
    """A shifted test set that is made block by block, anew each time it is walked.

    Parameters
    ----------
    generator, dataset, seed
        Of the data, and what `StreamedTest.begin` gave.
    size
        Examples in all.
    shift
        ``(operator, severity)``; None for identity.
    stream
        Task and label of the shift: the coordinates of its random streams.
    """

    generator: StreamedTest
    dataset: Dataset
    seed: int
    size: int
    shift: tuple[ShiftOperator, int] | None
    stream: tuple[str, str]

    def __len__(self) -> int:
        return self.size

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names along ``output``."""
        return self.dataset.test.outputs

    def blocks(self, size: int | None = None, moved: Moved | None = None) -> Iterator[SequenceBatch]:
        """The blocks in order; `moved` is told how far each was moved. A cube's piece, `size`, is a block."""
        if size not in (None, BLOCK):
            raise ValueError(f"blocks of {BLOCK:,} examples are no pieces of {size:,}")
        for number, part in enumerate(self.generator.test_blocks(self.dataset, self.seed)):
            batch = part.test
            if self.shift is not None:
                operator, severity = self.shift
                batch = operator.apply(part, severity, rng_for(self.seed, "shift", *self.stream, "block", number))
            if len(batch) != len(part.test) or batch.outputs != self.outputs:
                raise ValueError(f"shift '{self.stream[1]}' gave {len(batch)} examples of a block of {len(part.test)}")
            if moved is not None:
                moved.add(part, batch)
            yield batch

    def achieved(self) -> dict[str, NDArray[np.float64]]:
        """How far the shift moved the test set, as `regharness.magnitude.achieved`; walks it once."""
        moved = Moved()
        for _ in self.blocks(moved=moved):
            pass
        return moved.found()
