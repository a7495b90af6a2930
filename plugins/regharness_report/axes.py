"""Own how numbers become places on a drawing: round ticks and straight axes. Draws nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """A straight axis from `low` at `start` to `high` at `stop`, in drawing units.

    Attributes
    ----------
    ticks
        Values to mark.
    """

    low: float
    high: float
    start: float
    stop: float
    ticks: tuple[float, ...]

    def __call__(self, value: float) -> float:
        """Where a value lies; beyond the ends for one outside."""
        return round(self.start + (value - self.low) / self._span * (self.stop - self.start), 1)

    def holds(self, value: float) -> bool:
        """Whether a value lies between the ends, to rounding."""
        slack = 1e-9 * self._span
        return self.low - slack <= value <= self.high + slack

    @property
    def marks(self) -> list[tuple[float, str]]:
        """Place and text of every tick, with as many digits as they need."""
        digits = next((d for d in range(6) if all(abs(t - round(t, d)) < 1e-9 * self._span for t in self.ticks)), 6)
        return [(self(tick), f"{tick:.{digits}f}") for tick in self.ticks]

    @property
    def _span(self) -> float:
        return self.high - self.low


def round_axis(values: Iterable[float], start: float, stop: float, steps: int = 4) -> Axis:
    """An axis around finite values whose ends are ticks, about `steps` of 1, 2 or 5 times a power of ten apart."""
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    if high - low < 1e-9 * max(abs(high), 1e-9):
        low, high = low - 0.05 * max(abs(low), 1e-3), high + 0.05 * max(abs(high), 1e-3)
    rough = (high - low) / steps
    unit = 10.0 ** math.floor(math.log10(rough))
    step = min((unit * size for size in (1, 2, 5, 10)), key=lambda size: abs(size - rough))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(k * step, 12) for k in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], start, stop, ticks)


def close_axis(values: Iterable[float], start: float, stop: float, margin: float = 0.08) -> Axis:
    """An axis that ends a little beyond finite values, with the round ticks between."""
    known = [value for value in values if math.isfinite(value)]
    around = round_axis(known, start, stop, 5)
    low, high = min(known, default=around.low), max(known, default=around.high)
    if high <= low:
        return around
    low, high = low - margin * (high - low), high + margin * (high - low)
    return Axis(low, high, start, stop, tuple(tick for tick in around.ticks if low <= tick <= high))
