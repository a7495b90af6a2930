"""Print how often nominal 95% intervals and tests are right, as docs/statistics.md shows it.

``python docs/simulate_intervals.py [TABLES]`` draws so many tables (4,000 if left out) of scores for each regime and
number of seeds, from normal distributions whose mean is known; a minute.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from regharness.statistics import interval, paired

BLOCKS = 30
SEEDS = (2, 3, 5, 10)


def regimes(seeds: int) -> dict[str, tuple[float, float, float]]:
    """Standard deviations between seeds, between blocks, and of the rest."""
    alike = np.sqrt(BLOCKS / seeds)
    return {
        "seeds dominate": (1.0, 0.2, 0.2),
        "examples dominate": (0.05, 1.0, 0.2),
        "both alike": (1.0, alike, 0.2),
        "every seed has its own examples, and seeds matter": (1.0, 0.0, np.sqrt(BLOCKS)),
        "every seed has its own examples, and seeds do not matter": (0.0, 0.0, 1.0),
        "seeds do not matter at all": (0.0, 1.0, 1.0),
    }


def draw(rng: np.random.Generator, sds: tuple[float, float, float], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Tables ``(table, model, seed, block)`` of mean 0; models share what hangs on the blocks by half."""
    tables, models, seeds, blocks = shape
    seed, block, rest = sds
    shared = rng.normal(size=(tables, 1, 1, blocks)) + rng.normal(size=(tables, models, 1, blocks))
    return (
        seed * rng.normal(size=(tables, models, seeds, 1))
        + block * np.sqrt(0.5) * shared
        + rest * rng.normal(size=(tables, models, seeds, blocks))
    )


def main(tables: int) -> None:
    """Print a table of coverage and one of false differences, in percent."""
    names = list(regimes(2))
    covered, different = np.zeros((len(names), len(SEEDS))), np.zeros((len(names), len(SEEDS)))
    for j, seeds in enumerate(SEEDS):
        for i, sds in enumerate(regimes(seeds).values()):
            rng = np.random.default_rng([i, seeds])
            for one, two in draw(rng, sds, (tables, 2, seeds, BLOCKS)):
                found = interval(one)
                covered[i, j] += found.low <= 0.0 <= found.high
                different[i, j] += paired(one, two).p_value <= 0.05
    for title, counts in (("coverage", covered), ("two equal models called different", different)):
        print(f"| {title} | " + " | ".join(f"{seeds} seeds" for seeds in SEEDS) + " |")
        print("|---|" + "---|" * len(SEEDS))
        for name, row in zip(names, 100 * counts / tables, strict=True):
            print(f"| {name} | " + " | ".join(f"{share:.1f}" for share in row) + " |")
        print()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
