"""The generator ``satmut``: every single-base change of some elements. Downloads nothing itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regharness import InputError, SequenceBatch
from regharness.sequences import gc_content
from regharness_mpra.counting import SummedCounts
from regharness_mpra.division import Examples, RealData
from regharness_mpra.groups import Group, gc_range, having
from regharness_mpra.parameters import SatmutParameters
from regharness_mpra.registry import DATA_SETS
from regharness_mpra.similarity import clusters
from regharness_mpra.tables import encode, numbers, read_table

SOURCE = DATA_SETS["satmut"]
NEAR_DUPLICATE_K = 32
"""Bases that experiments on one element share."""
TEXT = ("Chromosome", "Ref", "Alt", "Element")


class Satmut(RealData):
    """Saturation mutagenesis of disease-associated promoters and enhancers: 29 experiments on 21 elements.

    The target is a variant's effect: log2 of its expression over that of its element's reference sequence. An
    example is the element with the variant in it (a deletion shortens it), the reference rebuilt from the table,
    a base that no variant covers being N; shorter elements are centred between N. All variants of an element
    stay together, and so do experiments on one element, so a model is judged on elements it has not seen.

    No standard errors were published. DNA and RNA counts are sums over the barcodes (covariate ``barcodes``) of a
    variant, and depth can be changed.

    Parameters
    ----------
    **parameters
        As of `SatmutParameters`.
    """

    name = "satmut"
    unit = "log2(variant/reference)"

    def __init__(self, **parameters: Any) -> None:
        self._p = SatmutParameters.model_construct(**parameters)

    def read(self) -> Examples:
        """Read the variants and rebuild the elements they are in."""
        p, path = self._p, SOURCE.file("GRCh38_ALL.tsv")
        table = read_table(path, text=TEXT)
        element = table["Element"].to_numpy(dtype=str)
        if p.elements:
            table = table[having(element, p.elements, "element", self.name)]
        references = {name: _reference(rows) for name, rows in table.groupby("Element", sort=False)}
        texts = pd.concat([_variants(rows, references[name]) for name, rows in table.groupby("Element", sort=False)])
        # Experiments on one element have its reference in common, wholly or nearly.
        codes = encode(list(references.values()), path, pad=True)
        home = dict(zip(references, clusters(codes, NEAR_DUPLICATE_K), strict=True))
        enough = table["Tags"] >= p.least_barcodes
        table = table[enough]
        if table.empty:
            raise InputError(f"satmut: no variant has {p.least_barcodes:,} barcodes", help="lower 'least_barcodes'")
        sequence = encode(texts[table.index].tolist(), path, pad=True, length=int(texts.str.len().max()))
        text = {name: table[name].to_numpy(dtype=str) for name in TEXT}
        position = table["Position"].to_numpy()
        batch = SequenceBatch(
            ids=np.array(
                ["_".join(map(str, i)) for i in zip(text["Element"], position, text["Ref"], text["Alt"], strict=True)]
            ),
            sequence=sequence,
            outputs=("effect",),
            target=_column(table, "Value"),
            dna_count=_column(table, "DNA"),
            rna_count=_column(table, "RNA"),
            covariates={
                "gc_content": gc_content(sequence),
                "element": text["Element"],
                "chrom": np.char.add("chr", text["Chromosome"]),
                "position": position,
                "ref": text["Ref"],
                "alt": text["Alt"],
                "barcodes": table["Tags"].to_numpy(),
                "p_value": numbers(table, "P-Value", path),
            },
        )
        held_out = {}
        if p.hold_out_elements:
            members = having(batch.covariates["element"], p.hold_out_elements, "element", self.name)
            held_out["element"] = Group(members)
        if p.hold_out_gc is not None:
            held_out["gc_quantile"] = Group(gc_range(batch.covariates["gc_content"], p.hold_out_gc))
        few = int((~enough).sum())
        return Examples(
            batch=batch,
            groups=np.array([home[name] for name in text["Element"]]),
            near_duplicate_k=None,
            homology=p.homology,
            held_out=held_out,
            shares={"calibration": p.calibration, "test": p.test},
            assay=SummedCounts(),
            warnings=(f"{few:,} variants with fewer than {p.least_barcodes:,} barcodes are left out",) if few else (),
        )


def _reference(rows: pd.DataFrame) -> str:
    """The element of one experiment, put together from the references of its variants."""
    place = rows["Position"].to_numpy() - rows["Position"].min()
    reference = np.full(place.max() + 1, "N")
    reference[place] = rows["Ref"].to_numpy(dtype=str)
    return "".join(reference)


def _variants(rows: pd.DataFrame, reference: str) -> pd.Series:
    """The element with each variant of one experiment in it."""
    place = (rows["Position"] - rows["Position"].min()).tolist()
    changed = [
        reference[:at] + alt.replace("-", "") + reference[at + 1 :]
        for at, alt in zip(place, rows["Alt"].tolist(), strict=True)
    ]
    return pd.Series(changed, index=rows.index)


def _column(table: pd.DataFrame, name: str) -> NDArray[np.float32]:
    return numbers(table, name, SOURCE.file("GRCh38_ALL.tsv"))[:, None].astype(np.float32)
