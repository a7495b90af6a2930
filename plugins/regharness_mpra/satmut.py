"""The generator ``satmut``: every single-base change of some elements. Downloads nothing itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

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
LEAST_EFFECT, LEAST_P = 0.2, 1e-4
"""From here on, rounding to .01 and .00001 leaves the standard error of a variant known within 3%."""


class Satmut(RealData):
    """Saturation mutagenesis of disease-associated promoters and enhancers: 29 experiments on 21 elements.

    The target is a variant's effect: log2 of its expression over that of its element's reference sequence. An
    example is the element with the variant in it (a deletion shortens it), the reference rebuilt from the table,
    a base that no variant covers being N; shorter elements are centred between N. All variants of an element
    stay together, and so do experiments on one element, so a model is judged on elements it has not seen.

    No standard errors were published, but p-values of effects over their standard errors were: ``se = |effect| /
    Phi^-1(1 - p / 2)``. Of each experiment the file's ``se * sqrt(barcodes)`` is one number but for the rounding of
    effects to .01 and of p-values to .00001, which makes many zero. So `noise_variance` is the square of the median of
    that number, over the variants that rounding leaves well known, divided by the barcodes of a variant. It is the
    regression's own error: experiments on one element differ by more.

    DNA and RNA counts are sums over the barcodes (covariate ``barcodes``) of a variant, and depth can be changed. The
    covariate ``offset`` is the variant's place in its sequence, from 0; a deleted base was before that place.

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
        noise = _noise_variance(table, path)
        start = table["Position"] - table.groupby("Element")["Position"].transform("min")
        # Experiments on one element have its reference in common, wholly or nearly.
        codes = encode(list(references.values()), path, pad=True)
        home = dict(zip(references, clusters(codes, NEAR_DUPLICATE_K), strict=True))
        enough = table["Tags"] >= p.least_barcodes
        table = table[enough]
        if table.empty:
            raise InputError(f"satmut: no variant has {p.least_barcodes:,} barcodes", help="lower 'least_barcodes'")
        longest, lengths = int(texts.str.len().max()), texts[table.index].str.len().to_numpy()
        sequence = encode(texts[table.index].tolist(), path, pad=True, length=longest)
        text = {name: table[name].to_numpy(dtype=str) for name in TEXT}
        position = table["Position"].to_numpy()
        batch = SequenceBatch(
            ids=np.array(
                ["_".join(map(str, i)) for i in zip(text["Element"], position, text["Ref"], text["Alt"], strict=True)]
            ),
            sequence=sequence,
            outputs=("effect",),
            target=_column(table, "Value"),
            noise_variance=noise[table.index].to_numpy(np.float32)[:, None],
            dna_count=_column(table, "DNA"),
            rna_count=_column(table, "RNA"),
            covariates={
                "gc_content": gc_content(sequence),
                "element": text["Element"],
                "chrom": np.char.add("chr", text["Chromosome"]),
                "position": position,
                "offset": start[table.index].to_numpy() + (longest - lengths) // 2,
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


def _noise_variance(table: pd.DataFrame, path: Path) -> pd.Series:
    """``(variant,)`` squared standard errors of the effects, from their p-values."""
    effect, p = np.abs(numbers(table, "Value", path)), numbers(table, "P-Value", path)
    known = (effect >= LEAST_EFFECT) & (p >= LEAST_P) & (p < 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        one = pd.Series(effect / norm.isf(p / 2) * np.sqrt(table["Tags"]), table.index).where(known)
    return one.groupby(table["Element"]).transform("median") ** 2 / table["Tags"]


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
