"""The generator ``esc_cis_trans``: human and mouse start sites in human and mouse cells. Downloads nothing itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from regharness import SequenceBatch
from regharness.sequences import gc_content
from regharness_mpra.division import Examples, RealData
from regharness_mpra.groups import Group, gc_range, having
from regharness_mpra.parameters import EscCisTransParameters
from regharness_mpra.registry import DATA_SETS
from regharness_mpra.tables import column, encode, numbers, read_table

CELL_TYPES = ("HUES64", "mESC")
SOURCE = DATA_SETS["esc_cis_trans"]


class EscCisTrans(RealData):
    """Orthologous human and mouse transcription start sites, in human and in mouse embryonic stem cells.

    Activity is log10 of expression, as published; the two tiles of a start site stay together. No replicates and
    no standard errors were published, so the noise is unknown. Three groups tell apart what changes:

    ``cell_type``
        The elements of the identity test set, measured in the other species' cells: their regulators changed.
    ``species``
        The other species' elements, measured in the same cells: the sequences changed. They are orthologues of
        the start sites of the training species, of training ones too, so they share what is conserved; those
        that share 32 bases with one take it out of every split.
    ``species_and_cell_type``
        The other species' elements in the other species' cells: both changed.

    Parameters
    ----------
    **parameters
        As of `EscCisTransParameters`.
    """

    name = "esc_cis_trans"
    unit = "log10(expression)"
    files: ClassVar = {"human": "human_TSS_vals.both_tiles.txt", "mouse": "mouse_TSS_vals.both_tiles.txt"}

    def __init__(self, **parameters: Any) -> None:
        self._p = EscCisTransParameters.model_construct(**parameters)

    def read(self) -> Examples:
        """Read the elements of one or both species."""
        p = self._p
        both = "species" in p.hold_out or "species_and_cell_type" in p.hold_out
        tables = {name: self._table(name) for name in self.files if both or name == p.species}
        table = pd.concat(tables, names=["of", None]).reset_index("of")
        sequence = encode(table["element"].tolist(), " and ".join(self.files[name] for name in tables))
        target = {name: table[name].to_numpy(np.float32)[:, None] for name in CELL_TYPES}
        (other_cells,) = (name for name in CELL_TYPES if name != p.cell_type)
        batch = SequenceBatch(
            ids=table["element_id"].to_numpy(dtype=str),
            sequence=sequence,
            outputs=("activity",),
            target=target[p.cell_type],
            covariates={
                "gc_content": gc_content(sequence),
                "species": table["of"].to_numpy(dtype=str),
                "chrom": table["chrom"].to_numpy(dtype=str),
                "tss": table["tss_id"].to_numpy(dtype=str),
                "tile": table["tss_tile_num"].to_numpy(dtype=str),
                "biotype": table["biotype"].to_numpy(dtype=str),
            },
        )
        trained = batch.covariates["species"] == p.species
        otherwise = replace(batch, target=target[other_cells])
        groups = {
            "cell_type": Group(trained, apart=False, measured=otherwise),
            "species": Group(~trained),
            "species_and_cell_type": Group(~trained, measured=otherwise),
        }
        held_out = {name: groups[name] for name in p.hold_out}
        if p.hold_out_chromosomes:
            chrom = np.where(trained, batch.covariates["chrom"], "")
            held_out["chromosome"] = Group(having(chrom, p.hold_out_chromosomes, "chromosome", self.name))
        if p.hold_out_gc is not None:
            held_out["gc_quantile"] = Group(trained & gc_range(batch.covariates["gc_content"], p.hold_out_gc))
        return Examples(
            batch=batch,
            groups=pd.factorize(batch.covariates["tss"])[0],
            homology=p.homology,
            held_out=held_out,
            shares={"calibration": p.calibration, "test": p.test},
            warnings=tuple(f"{self.files[name]}: {text}" for name, one in tables.items() for text in one.attrs["left"]),
        )

    def _table(self, species: str) -> pd.DataFrame:
        """The elements of a species, each once: some start sites are listed for several of the other species'."""
        path = SOURCE.file(self.files[species])
        given = read_table(path)
        biotype = next(name for name in given.columns if str(name).startswith("minimal_biotype"))
        for name in ("element", "element_id", "chrom", "tss_id", "tss_tile_num"):
            column(given, name, path)
        table = given.assign(
            biotype=given[biotype], **{name: numbers(given, f"{name}_log", path) for name in CELL_TYPES}
        )
        complete = table.dropna(subset=["element", *CELL_TYPES])
        once = complete.drop_duplicates("element")
        once.attrs["left"] = [
            f"{count:,} rows {why} and are left out"
            for count, why in (
                (len(table) - len(complete), "were not measured"),
                (len(complete) - len(once), "repeat an element"),
            )
            if count
        ]
        return once
