"""Own what lies where in a cube: its labels, its arrays, and which chunk holds which cell. Reads and writes nothing.

A piece is a run of consecutive examples of one cell and variable. A cell of a large test set has several pieces, each
a chunk of its own; small cells lie several to a chunk, side by side along shift and seed, so that they are no million
files. Numbers are raw little-endian bytes with their crc32c behind them: predictions hardly compress, and nothing is
written faster.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from regharness import dims
from regharness.errors import InputError
from regharness.quantiles import level_label
from regharness.scoring import BLOCK

PREDICTIONS = (dims.MEAN, dims.ALEATORIC, dims.EPISTEMIC)
MEASUREMENTS = (dims.TARGET, dims.NOISE_VARIANCE, dims.TRUTH)
PIECE = BLOCK
"""Most examples of a piece: what scoring reads, and a streamed test set is made, at a time."""
SMALL = 65_536
"""Bytes of a cell's variable below which several cells share a chunk."""
PACK = 1_048_576
"""Most bytes of such a chunk."""

Kind = Literal["float32", "float64", "text"]
At = tuple[int, ...]
"""Place of a cell, ``(model, shift, seed)``, or of a test set, ``(shift, seed)``."""


@dataclass(frozen=True)
class Variable:
    """An array that holds something of every example.

    Attributes
    ----------
    names
        Its dimensions: labels of the cell first, then ``example`` and what lies beyond.
    kind
        Of its values.
    """

    names: tuple[str, ...]
    kind: Kind


@dataclass(frozen=True)
class Layout:
    """Labels and sizes of a cube. Labels are only ever added, at the end, so that nothing stored moves.

    Attributes
    ----------
    attributes
        Of the cube: task, data, unit, spec.
    outputs, models, seeds
        Labels.
    shifts
        ``(label, operator, severity)`` each.
    levels
        Of quantiles, in the order in which they came; none without a model that gives any.
    piece
        Examples a chunk.
    block
        Cells a chunk, along shift and along seed.
    levels_a_chunk
        Levels of quantiles a chunk.
    length
        Examples of the longest test set.
    covariates
        Variable to kind, of the covariates that any test set has.
    """

    attributes: Mapping[str, str]
    outputs: tuple[str, ...]
    piece: int
    block: tuple[int, int]
    models: tuple[str, ...] = ()
    shifts: tuple[tuple[str, str, int], ...] = ()
    seeds: tuple[int, ...] = ()
    levels: tuple[float, ...] = ()
    levels_a_chunk: int = 0
    length: int = 0
    covariates: Mapping[str, Kind] = field(default_factory=dict)

    @classmethod
    def begin(
        cls, attributes: Mapping[str, str], outputs: Sequence[str], examples: int, shifts: int, seeds: int
    ) -> Layout:
        """The layout of an empty cube, for test sets of usually so many `examples`, `shifts` and `seeds`."""
        piece = min(max(examples, 1), PIECE)
        size = piece * len(outputs) * 4
        fit = 1 if size >= SMALL else max(PACK // size, 1)
        along_shift = min(fit, max(shifts, 1))
        return cls(dict(attributes), tuple(outputs), piece, (along_shift, min(fit // along_shift, max(seeds, 1))))

    def grown(
        self,
        models: Iterable[str],
        shifts: Iterable[tuple[str, str, int]],
        seeds: Iterable[int],
        levels: Sequence[float] = (),
    ) -> Layout:
        """The same with whatever is new of models, shifts, seeds and levels of quantiles."""
        held = {label for label, _, _ in self.shifts}
        labels = [level_label(level) for level in levels]
        return replace(
            self,
            models=_with(self.models, models),
            shifts=(*self.shifts, *(shift for shift in shifts if shift[0] not in held)),
            seeds=_with(self.seeds, seeds),
            levels=_with(self.levels, labels),
            levels_a_chunk=self.levels_a_chunk or len(labels),
        )

    @property
    def variables(self) -> dict[str, Variable]:
        """Every array that holds something of every example."""
        held: dict[str, Variable] | None = self.__dict__.get("_variables")
        if held is None:
            held = self.__dict__["_variables"] = self._described()
        return held

    def _described(self) -> dict[str, Variable]:
        found = {name: Variable(dims.PREDICTED, "float32") for name in PREDICTIONS}
        if self.levels:
            found[dims.QUANTILES] = Variable(dims.QUANTILED, "float32")
        found.update({name: Variable(dims.MEASURED, "float32") for name in MEASUREMENTS})
        found[dims.EXAMPLE_ID] = Variable(dims.MEASURED[:3], "text")
        found.update({name: Variable(dims.MEASURED[:3], kind) for name, kind in self.covariates.items()})
        return found

    @property
    def packed(self) -> bool:
        """Whether several cells share a chunk."""
        return self.block != (1, 1)

    def shape(self, variable: Variable) -> tuple[int, ...]:
        """Shape of an array."""
        sizes = {
            dims.MODEL: len(self.models),
            dims.SHIFT: len(self.shifts),
            dims.SEED: len(self.seeds),
            dims.EXAMPLE: self.length,
            dims.OUTPUT: len(self.outputs),
            dims.QUANTILE: len(self.levels),
        }
        return tuple(sizes[name] for name in variable.names)

    def chunk_shape(self, variable: Variable) -> tuple[int, ...]:
        """Shape of its chunks."""
        sizes = {
            dims.MODEL: 1,
            dims.SHIFT: self.block[0],
            dims.SEED: self.block[1],
            dims.EXAMPLE: self.piece,
            dims.OUTPUT: len(self.outputs),
            dims.QUANTILE: self.levels_a_chunk,
        }
        return tuple(sizes[name] for name in variable.names)

    def piece_shape(self, variable: Variable) -> tuple[int, ...]:
        """Shape of one piece, ``(example, ...)``."""
        return self.chunk_shape(variable)[variable.names.index(dims.EXAMPLE) :]

    def chunk_of(self, name: str, at: At, piece: tuple[int, int]) -> tuple[str, int]:
        """The file in the cube that holds a piece ``(along example, along quantile)``, and the piece's slot there."""
        shift, seed = at[-2:]
        blocks = [*at[:-2], shift // self.block[0], seed // self.block[1], piece[0]]
        beyond = len(self.variables[name].names) - len(blocks)
        blocks += [0, piece[1]][:beyond]
        return f"{name}/c.{'.'.join(map(str, blocks))}", self.slot(shift, seed)

    def slot(self, shift: int, seed: int) -> int:
        """Which of the pieces in its chunk is that of a place along shift and seed."""
        return shift % self.block[0] * self.block[1] + seed % self.block[1]

    def cell(self, model: str, shift: str, seed: int) -> At:
        """Place of a cell."""
        return self._places["model", model], self._places["shift", shift], self._places["seed", seed]

    def test_set(self, shift: str, seed: int) -> At:
        """Place of a test set."""
        return self._places["shift", shift], self._places["seed", seed]

    @property
    def _places(self) -> dict[tuple[str, str | int], int]:
        # Kept in the instance's dictionary: frozen, and asked for once a cell.
        held: dict[tuple[str, str | int], int] | None = self.__dict__.get("_held")
        if held is None:
            held = {("model", label): i for i, label in enumerate(self.models)}
            held.update({("shift", shift[0]): i for i, shift in enumerate(self.shifts)})
            held.update({("seed", label): i for i, label in enumerate(self.seeds)})
            self.__dict__["_held"] = held
        return held

    def to_json(self) -> str:
        """As text that `from_json` reads."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Layout:
        """Read what `to_json` wrote; `ValueError` when it is none."""
        try:
            value: dict[str, Any] = json.loads(text)
            for name in ("outputs", "block", "models", "seeds", "levels"):
                value[name] = tuple(value[name])
            value["shifts"] = tuple(
                (str(label), str(operator), int(level)) for label, operator, level in value["shifts"]
            )
            return cls(**value)
        except (KeyError, TypeError) as error:
            raise ValueError(f"no layout: {error}") from None

    def refuse_other_outputs(self, outputs: Sequence[str], path: object) -> None:
        """Raise `InputError` when cells of these outputs cannot stand beside those that the cube holds."""
        if self.outputs != tuple(outputs):
            raise InputError(
                f"{path} holds the outputs {', '.join(self.outputs)}, and the spec now gives {', '.join(outputs)}",
                help="choose another folder with -o",
            )


def _with(held: tuple[Any, ...], wanted: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*held, *wanted)))
