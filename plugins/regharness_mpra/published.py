"""The generators ``crx_retina`` and ``yeast_native``: published data sets. Downloads nothing itself."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regharness import InputError, SequenceBatch
from regharness.errors import unknown_name
from regharness.seeding import rng_for
from regharness.sequences import gc_content
from regharness_mpra.division import Examples, RealData, gc_range
from regharness_mpra.parameters import CrxRetinaParameters, YeastNativeParameters
from regharness_mpra.registry import DATA_SETS
from regharness_mpra.tables import column, encode, numbers, read_fasta, read_table


class CrxRetina(RealData):
    """Photoreceptor elements with CRX-site and shape mutants, electroporated into mouse retina.

    Activity is log2 of expression relative to the basal promoter, in the published pseudocount (0.001 for
    Rho, 0.01 for Polylinker). Its noise variance is the squared standard error by the delta method,
    ``(SE / (ln 2 (expression + pseudocount)))^2``; Rho's SE is its SD over the root of its replicates. It is
    NaN where the published error is missing or zero. A wild type and its mutants share a locus and stay
    together.

    Parameters
    ----------
    **parameters
        As of `CrxRetinaParameters`.
    """

    name = "crx_retina"
    unit = "log2(expression/basal)"
    tables: ClassVar = {"Rho": "rhoActivityJoinedAnnotated.txt", "Polylinker": "polyActivityJoinedAnnotated.txt"}
    pseudocounts: ClassVar = {"Rho": 0.001, "Polylinker": 0.01}

    def __init__(self, **parameters: Any) -> None:
        self._p = CrxRetinaParameters.model_construct(**parameters)

    def read(self) -> Examples:
        """Read the tables of the contexts and the sequences of their labels."""
        p, source = self._p, DATA_SETS["crx_retina"]
        parts = {context: self._context(context) for context in p.contexts}
        target = pd.concat({name: part["target"] for name, part in parts.items()}, axis=1)
        noise = pd.concat({name: part["noise"] for name, part in parts.items()}, axis=1)
        records = read_fasta(source.file("library1And2.fasta"))
        known = target.notna().all(axis=1) & target.index.isin(records)
        target, noise = target[known], noise[known].to_numpy(np.float32)
        labels = target.index.to_series()
        place = labels.str.extract(r"^((chr[^-]+)-\d+-\d+)_[^_]+_(.+)$")
        sequence = encode([records[label] for label in labels], source.file("library1And2.fasta"))
        gc = gc_content(sequence)
        batch = SequenceBatch(
            ids=labels.to_numpy(dtype=str),
            sequence=sequence,
            outputs=tuple(p.contexts),
            target=target.to_numpy(np.float32),
            noise_variance=noise,
            covariates={
                "gc_content": gc,
                "locus": place[0].to_numpy(dtype=str),
                "chrom": place[1].to_numpy(dtype=str),
                "variant_class": place[2].to_numpy(dtype=str),
            },
        )
        left_out = int((~known).sum())
        return Examples(
            batch=batch,
            groups=pd.factorize(place[0])[0],
            held_out=self._held_out(batch),
            shares={"calibration": p.calibration, "test": p.test},
            warnings=(f"{left_out:,} labels lack a sequence or a context and are left out",) if left_out else (),
        )

    def _context(self, context: str) -> pd.DataFrame:
        path = DATA_SETS["crx_retina"].file(self.tables[context])
        table = read_table(path).set_index("label")
        expression = table["expression"] + self.pseudocounts[context]
        if context == "Rho":
            error = table["expression_std"] / np.sqrt(table["expression_reps"])
        else:
            error = table["expression_SEM"]
        variance = (error / (np.log(2.0) * expression)) ** 2
        measured = pd.DataFrame({"target": table["expression_log2"], "noise": variance.where(error > 0)})
        # Controls are in both libraries; the mean of two measurements has half of their mean variance.
        twice = measured.groupby(level=0, sort=False)
        noise, times = twice["noise"], twice.size()
        return twice.mean().assign(noise=(noise.sum() / times**2).where(noise.count() == times))

    def _held_out(self, batch: SequenceBatch) -> dict[str, NDArray[np.bool_]]:
        held_out = {}
        if self._p.hold_out_chromosomes:
            known = set(batch.covariates["chrom"].tolist())
            for name in self._p.hold_out_chromosomes:
                if name not in known:
                    message, choices = unknown_name("chromosome", name, known, listed="chromosomes")
                    raise InputError(f"crx_retina: {message}", help=choices)
            held_out["chromosome"] = np.isin(batch.covariates["chrom"], self._p.hold_out_chromosomes)
        if self._p.hold_out_gc is not None:
            held_out["gc_quantile"] = gc_range(batch.covariates["gc_content"], self._p.hold_out_gc)
        return held_out


class YeastNative(RealData):
    """Native and random promoter fragments in yeast, by sorting and sequencing.

    The target is the published combined expression level. Its two replicates are on other scales: each is
    brought to the mean and SD of the combined level, and the noise variance of every example is then a
    quarter of their mean squared difference, the variance of a mean of two. It is one number, since two
    replicates tell too little of a single example.

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
        replicates = [numbers(table, name, path) for name in ("EL.rep1", "EL.rep2")]
        kept = ~np.isnan(target)
        native = column(table, "isNative", path).astype(bool).to_numpy()
        if p.subset != "all":
            kept &= native == (p.subset == "native")
        scaled = [(r - np.nanmean(r[kept])) / np.nanstd(r[kept]) * target[kept].std() for r in replicates]
        noise = np.nanmean(np.square(scaled[0] - scaled[1])[kept]) / 4.0
        rows = np.flatnonzero(kept)
        if p.limit is not None and p.limit < len(rows):
            rows = np.sort(rng_for(0, "yeast_native", "limit").choice(rows, p.limit, replace=False))
        sequence = encode(table["seq"].iloc[rows].tolist(), path)
        gc = gc_content(sequence)
        batch = SequenceBatch(
            ids=rows.astype(str),
            sequence=sequence,
            outputs=("expression",),
            target=target[rows, None].astype(np.float32),
            noise_variance=np.full((len(rows), 1), noise, np.float32),
            covariates={"gc_content": gc, "is_native": native[rows]},
        )
        held_out = {} if p.hold_out_gc is None else {"gc_quantile": gc_range(gc, p.hold_out_gc)}
        shares = {"calibration": p.calibration, "test": p.test}
        return Examples(batch=batch, groups=None, held_out=held_out, shares=shares)
