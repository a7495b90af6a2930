"""The generator ``yeast_native``: promoter fragments in yeast. Downloads nothing itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regharness import SequenceBatch
from regharness.interfaces import Replicates
from regharness.seeding import rng_for
from regharness.sequences import gc_content
from regharness_mpra.division import Examples, RealData
from regharness_mpra.groups import Group, gc_range
from regharness_mpra.parameters import YeastNativeParameters
from regharness_mpra.registry import DATA_SETS
from regharness_mpra.tables import column, encode, numbers, read_table

REPLICATES = ("EL.rep1", "EL.rep2")


class YeastNative(RealData):
    """Native and random promoter fragments in yeast, by sorting and sequencing.

    The target is the published combined expression level. Its two replicates are on other scales: each is
    brought to the mean and SD of the combined level, and the noise variance of every example is then a
    quarter of their mean squared difference, the variance of a mean of two. It is one number, since two
    replicates tell too little of a single example. With `hold_out_replicate` the target is the other replicate,
    and the noise variance of either is half of their mean squared difference.

    Native fragments tile promoters, so most belong to clusters of 11 overlapping tiles, which stay together.

    Parameters
    ----------
    **parameters
        As of `YeastNativeParameters`.
    """

    name = "yeast_native"
    unit = "expression level"

    def __init__(self, **parameters: Any) -> None:
        self._p = YeastNativeParameters.model_construct(**parameters)

    def read(self) -> Examples:
        """Read the table and keep the subset."""
        p, path = self._p, DATA_SETS["yeast_native"].file("native_data.txt.gz")
        table = read_table(path)
        target = numbers(table, "EL.combined", path)
        native = column(table, "isNative", path).astype(bool).to_numpy()
        kept = ~np.isnan(target)
        if p.subset != "all":
            kept &= native == (p.subset == "native")
        replicates = self._replicates(table, target, kept)
        if p.hold_out_replicate:
            kept &= ~np.isnan(replicates).any(axis=1)
        rows = self._limited(np.flatnonzero(kept), "limit")
        if p.hold_out_random:
            usable = ~native & ~np.isnan(target)
            if p.hold_out_replicate:
                usable &= ~np.isnan(replicates).any(axis=1)
            rows = np.sort(np.concatenate([rows, self._limited(np.flatnonzero(usable), "random")]))
        sequence = encode(table["seq"].iloc[rows].tolist(), path)
        one, noise = target[rows], np.nanmean(np.square(replicates[kept, 0] - replicates[kept, 1])) / 4.0
        left = REPLICATES.index(p.hold_out_replicate) if p.hold_out_replicate else None
        if left is not None:
            one, noise = replicates[rows, 1 - left], 2.0 * noise
        batch = SequenceBatch(
            ids=rows.astype(str),
            sequence=sequence,
            outputs=("expression",),
            target=one[:, None].astype(np.float32),
            noise_variance=np.full((len(rows), 1), noise, np.float32),
            replicates=Replicates(replicates[rows, None].astype(np.float32)),
            covariates={"gc_content": gc_content(sequence), "is_native": native[rows]},
        )
        return Examples(
            batch=batch,
            held_out=self._groups(batch, left),
            shares={"calibration": p.calibration, "test": p.test},
            homology=p.homology,
        )

    def _limited(self, rows: NDArray[np.int64], what: str) -> NDArray[np.int64]:
        limit = self._p.limit
        if limit is None or limit >= len(rows):
            return rows
        return np.sort(rng_for(0, "yeast_native", what).choice(rows, limit, replace=False))

    def _replicates(
        self, table: pd.DataFrame, target: NDArray[np.float64], kept: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """``(row, replicate)`` on the scale of the combined level."""
        path = DATA_SETS["yeast_native"].file("native_data.txt.gz")
        given = np.stack([numbers(table, name, path) for name in REPLICATES], axis=1)
        scaled: NDArray[np.float64] = (given - np.nanmean(given[kept], axis=0)) / np.nanstd(given[kept], axis=0)
        return scaled * target[kept].std() + target[kept].mean()

    def _groups(self, batch: SequenceBatch, left: int | None) -> dict[str, Group]:
        p, groups = self._p, {}
        if p.hold_out_gc is not None:
            groups["gc_quantile"] = Group(gc_range(batch.covariates["gc_content"], p.hold_out_gc))
        if p.hold_out_random:
            groups["native_vs_random"] = Group(~batch.covariates["is_native"])
        if left is not None:
            assert batch.replicates is not None
            other = replace(batch, target=batch.replicates.target[:, :, left])
            groups["replicate"] = Group(np.ones(len(batch), bool), apart=False, measured=other)
        return groups
