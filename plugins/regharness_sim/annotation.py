"""Tabulate where motifs are in simulated sequences. Draws nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from regharness import SequenceBatch
from regharness_motifs.scanning import find_sites
from regharness_sim.background import Planted

if TYPE_CHECKING:
    from regharness_sim.world import World

PLACE = ["example", "start", "motif_index", "strand"]


def annotate(world: World, batch: SequenceBatch, planted: Planted | None) -> pd.DataFrame:
    """Tabulate the sites that motifs bind in a batch, and those that were planted; see `World.annotations`."""
    motifs = world.mechanism.motifs
    sites = find_sites(batch.sequence, motifs)
    bound = pd.DataFrame(
        {
            "example": np.repeat(np.arange(len(batch)), np.diff(sites.starts)),
            "start": sites.position.astype(np.int64),
            "motif_index": sites.motif.astype(np.int64),
            "strand": sites.strand.astype(np.int64),
            "excess": sites.excess,
        }
    )
    table = bound.merge(_planted(planted), how="outer", on=PLACE)
    table["planted"] = table["planted"].notna()
    for output, log_c in zip(world.outputs, world.mechanism.program.log_concentration.T, strict=True):
        theta = 1.0 / (1.0 + np.exp(-(table["excess"] + log_c[table["motif_index"]])))
        table[f"occupancy_{output}"] = theta.fillna(0.0)
    which = table["motif_index"].to_numpy()
    table = table.assign(
        id=batch.ids[table["example"]],
        motif=np.array(motifs.names)[which],
        motif_id=np.array(motifs.ids)[which],
        end=table["start"] + motifs.widths[which],
        acts=which < world.acting,
    ).sort_values(PLACE, ignore_index=True)
    occupancies = [f"occupancy_{output}" for output in world.outputs]
    return table[["id", "motif", "motif_id", "start", "end", "strand", "acts", "planted", "excess", *occupancies]]


def _planted(planted: Planted | None) -> pd.DataFrame:
    if planted is None:
        return pd.DataFrame({name: np.array([], np.int64) for name in (*PLACE, "planted")})
    example, slot = np.nonzero(planted.motif >= 0)
    return pd.DataFrame(
        {
            "example": example,
            "start": planted.start[example, slot].astype(np.int64),
            "motif_index": planted.motif[example, slot].astype(np.int64),
            "strand": planted.strand[example, slot].astype(np.int64),
            "planted": 1,
        }
    )
