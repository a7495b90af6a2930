"""Add up the lanes of a tile in vector registers, as LLVM code that numba compiles in. Knows no motif.

Loops in numba keep a running maximum of many lanes in memory, since the compiler cannot rule out that it overlaps
the tables; here it stays in registers. Vectors are of LLVM's own kind, so any processor that numba supports runs
this, with as wide registers as it has. Sums saturate: they stop at the bounds of int16 instead of wrapping.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

Q = 4
"""Bases scored by one look-up: a word."""
WORDS = 5**Q
"""Words of A C G T N."""
LANES = 32
"""Lanes of a tile: one bit each of a mask, and few, so that motifs of one tile are almost equally wide."""
AT_ONCE = 4
"""Positions summed together, so that the processor need not wait for one before it begins the next."""

_I16, _I64 = ir.IntType(16), ir.IntType(64)
_VECTOR = ir.VectorType(_I16, LANES)


@intrinsic  # type: ignore[misc]
def raise_maxima(typingctx, top, table, word, end, blocks):  # type: ignore[no-untyped-def]
    """Raise every lane's maximum to its greatest sum over positions below `end`.

    Parameters
    ----------
    top
        ``(lane,)`` int16 maxima, changed in place.
    table
        ``(block, word, lane)`` int16.
    word
        ``(position,)`` uint16: the word that starts at each position, for ``Q * (blocks - 1)`` more than `end`.
    end, blocks
        How many positions, and blocks of the table.
    """

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        top, table, word = (_data(context, builder, signature, arguments, i) for i in range(3))
        best = cgutils.alloca_once_value(builder, builder.load(top, align=2))

        def take(_: Any, total: Any) -> None:
            so_far = builder.load(best)
            greater = builder.icmp_signed(">", total, so_far)
            builder.store(builder.select(greater, total, so_far), best)

        _at_every_position(builder, table, word, *arguments[3:], take)
        builder.store(builder.load(best), top, align=2)
        return context.get_dummy_value()

    return types.void(top, table, word, types.intp, types.intp), codegen


@intrinsic  # type: ignore[misc]
def find_positive(typingctx, position, lanes, table, word, end, blocks):  # type: ignore[no-untyped-def]
    """List the positions below `end` where some lane's sum is above zero, and which lanes' are.

    Parameters
    ----------
    position, lanes
        ``(end + 1,)`` int32 positions and uint32 sets of lanes, bit 0 the first; written in place.
    table, word, end, blocks
        As of `raise_maxima`.

    Returns
    -------
    int
        How many positions were listed.
    """

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        position, lanes, table, word = (_data(context, builder, signature, arguments, i) for i in range(4))
        count = cgutils.alloca_once_value(builder, _I64(0))

        def take(p: Any, total: Any) -> None:
            # Written whether it counts or not, and then overwritten: without a branch there is none to mispredict.
            positive = builder.bitcast(builder.icmp_signed(">", total, _VECTOR(None)), ir.IntType(LANES))
            at = builder.load(count)
            builder.store(builder.trunc(p, ir.IntType(32)), builder.gep(position, [at]))
            builder.store(positive, builder.gep(lanes, [at]))
            some = builder.icmp_unsigned("!=", positive, ir.IntType(LANES)(0))
            builder.store(builder.add(at, builder.zext(some, _I64)), count)

        _at_every_position(builder, table, word, *arguments[4:], take)
        return builder.load(count)

    return types.intp(position, lanes, table, word, types.intp, types.intp), codegen


def _data(context: Any, builder: Any, signature: Any, arguments: Any, index: int) -> Any:
    """Address of an array's first value; of one of lanes, as of a vector."""
    kind = signature.args[index]
    if kind.layout != "C":
        raise TypeError(f"array {index} is not laid out row by row")
    data = context.make_array(kind)(context, builder, arguments[index]).data
    return builder.bitcast(data, _VECTOR.as_pointer()) if kind.dtype == types.int16 else data


def _at_every_position(
    builder: Any, table: Any, word: Any, end: Any, blocks: Any, take: Callable[[Any, Any], None]
) -> None:
    """Call `take` with the code of each position below `end` and of the vector of its sums."""
    add = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(_VECTOR, [_VECTOR, _VECTOR]), f"llvm.sadd.sat.v{LANES}i16"
    )

    def sum_up(first: Any, number: int) -> None:
        totals = [cgutils.alloca_once(builder, _VECTOR) for _ in range(number)]
        for total in totals:
            builder.store(_VECTOR(None), total)
        with cgutils.for_range(builder, blocks) as block:
            row = builder.mul(block.index, _I64(WORDS))
            place = builder.add(first, builder.mul(block.index, _I64(Q)))
            for shift, total in enumerate(totals):
                here = builder.load(builder.gep(word, [builder.add(place, _I64(shift))]))
                entry = builder.gep(table, [builder.add(row, builder.zext(here, _I64))])
                builder.store(builder.call(add, [builder.load(total), builder.load(entry, align=2)]), total)
        for shift, total in enumerate(totals):
            take(builder.add(first, _I64(shift)), builder.load(total))

    together = builder.sub(end, builder.srem(end, _I64(AT_ONCE)))
    with cgutils.for_range_slice(builder, _I64(0), together, _I64(AT_ONCE)) as (first, _):
        sum_up(first, AT_ONCE)
    with cgutils.for_range_slice(builder, together, end, _I64(1)) as (first, _):
        sum_up(first, 1)
