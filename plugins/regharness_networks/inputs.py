"""Read off what a network takes: which input is the sequence, its axes and its length. Knows no framework."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from regharness.errors import CellError, unknown_name
from regharness_networks.parameters import Layout, NetworkParameters


@dataclass(frozen=True)
class InputTensor:
    """An input of a network: its name, its shape with None for any size, and its type as numpy has it.

    The shape is None where the framework does not tell it before the network is called.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class SequenceAxes:
    """How sequences are laid out for a network.

    Attributes
    ----------
    layout
        As of `Layout`, or ``NL`` for numbers of bases.
    length
        Positions; None for any.
    examples
        Examples at a time, where only so many will do.
    """

    layout: str
    length: int | None
    examples: int | None = None


def sequence_input(inputs: Sequence[InputTensor], p: NetworkParameters) -> tuple[InputTensor, list[InputTensor]]:
    """The sequence input, and the others, all of which the description must speak of.

    Raises
    ------
    CellError
        Where the description names inputs that are not there, or leaves open what one is given.
    """
    wanted = p.sequence_input
    names = [one.name for one in inputs]
    for name in [*p.inputs, *([wanted] if wanted else [])]:
        if name not in names:
            message, choices = unknown_name("input", name, names, listed="the network takes")
            raise CellError(f"{message} ({choices})")
    free = [one for one in inputs if one.name not in p.inputs]
    sequence = [one for one in free if one.name == wanted] if wanted else free
    if len(sequence) != 1 or len(free) > 1:
        raise CellError(
            f"the network takes {', '.join(names)}; 'sequence_input' names that of the sequence, and 'inputs' says "
            "what the others are given"
        )
    return sequence[0], [one for one in inputs if one.name in p.inputs]


def sequence_axes(tensor: InputTensor, p: NetworkParameters, usual: str) -> SequenceAxes:
    """Axes of the sequence input, by description, file and framework, in that order.

    Parameters
    ----------
    tensor, p
        The sequence input, and the description.
    usual
        Layout that the framework usually has; decides where description and shape leave it open.

    Raises
    ------
    CellError
        Where the description contradicts the file, or no layout fits it.
    """
    if p.tokens is not None:
        found = _of_tokens(tensor, p)
    elif tensor.dtype.kind != "f":
        raise CellError(
            f"the network takes {tensor.dtype} as '{tensor.name}', not the numbers of encoded bases; if these are "
            "numbers of bases, 'tokens' says which"
        )
    elif tensor.shape is None:
        return SequenceAxes(p.layout or usual, p.length)
    else:
        layout = _layout(tensor, p, usual)
        found = SequenceAxes(layout, tensor.shape[layout.index("L")], tensor.shape[0])
    if p.length and found.length and p.length != found.length:
        raise CellError(f"the network takes {_told(tensor)}, and 'length' says {p.length}")
    return found if found.length else SequenceAxes(found.layout, p.length, found.examples)


def _of_tokens(tensor: InputTensor, p: NetworkParameters) -> SequenceAxes:
    if tensor.shape is None:
        return SequenceAxes("NL", p.length)
    if len(tensor.shape) != 2:
        raise CellError(f"the network takes {_told(tensor)}, and 'tokens' goes with two axes for example, position")
    return SequenceAxes("NL", tensor.shape[1], tensor.shape[0])


def _layout(tensor: InputTensor, p: NetworkParameters, usual: str) -> str:
    shape = tensor.shape
    assert shape is not None
    if p.layout is not None:
        if len(shape) != len(p.layout):
            raise CellError(f"the network takes {_told(tensor)}, and layout {p.layout} has {len(p.layout)} axes")
        if not _fits(p.layout, shape):
            raise CellError(
                f"the network takes {_told(tensor)}, and layout {p.layout} puts bases on axis {p.layout.index('C')}"
            )
        return p.layout
    fitting = [layout for layout in get_args(Layout) if _fits(layout, shape)]
    if not fitting:
        raise CellError(
            f"the network takes {_told(tensor)}, not three axes for example, position, and four bases, nor a fourth "
            "of size one; if it takes numbers of bases, 'tokens' says which"
        )
    # The one that leaves fewest sizes open; of equals the framework's.
    return min(fitting, key=lambda layout: (_open(layout, shape), layout.replace("1", "") != usual))


def _fits(layout: str, shape: tuple[int | None, ...]) -> bool:
    sizes = {"C": 4, "1": 1}
    return len(layout) == len(shape) and all(
        size is None or size == sizes.get(axis, size) for axis, size in zip(layout, shape, strict=True)
    )


def _open(layout: str, shape: tuple[int | None, ...]) -> int:
    return sum(size is None for axis, size in zip(layout, shape, strict=True) if axis in "C1")


def _told(tensor: InputTensor) -> str:
    sizes = ["any" if size is None else str(size) for size in tensor.shape or ()]
    return f"'{tensor.name}' of shape ({', '.join(sizes)})"
