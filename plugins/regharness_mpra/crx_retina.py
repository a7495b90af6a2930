"""The generator ``crx_retina``: elements in mouse retina, with their single barcodes. Downloads nothing itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regharness import InputError, SequenceBatch
from regharness.interfaces import Replicates
from regharness.sequences import gc_content
from regharness_mpra.counting import BarcodeCounts, Barcodes, Measured, measure
from regharness_mpra.division import Examples, RealData
from regharness_mpra.groups import Group, gc_range, having
from regharness_mpra.parameters import CrxRetinaParameters
from regharness_mpra.registry import DATA_SETS
from regharness_mpra.tables import encode, numbers, read_fasta, read_table

RNA = ("RNA1", "RNA2", "RNA3")
SOURCE = DATA_SETS["crx_retina"]


@dataclass(frozen=True)
class Context:
    """A promoter before which the elements stand, and how the authors measured there.

    Attributes
    ----------
    table, folder
        Its activities, and the folder of its barcodes' counts.
    pseudocount
        Of the published log2.
    least_dna
        Reads of a barcode that counts.
    least_rna
        Reads, or where `per_million`, reads per million, that a barcode needs in every replicate.
    to_basal
        Whether expression is relative to that of the basal promoter, each library's and replicate's own.
    """

    table: str
    folder: str
    pseudocount: float
    least_dna: float
    least_rna: float
    per_million: bool
    to_basal: bool


# With these, the published expression of each replicate follows from the counts: Rho's exactly, Polylinker's up to
# one factor (0.1%) a library.
CONTEXTS = {
    "Rho": Context("rhoActivityJoinedAnnotated.txt", "Rhodopsin", 0.001, 10, 5, per_million=False, to_basal=True),
    "Polylinker": Context(
        "polyActivityJoinedAnnotated.txt", "Polylinker", 0.01, 50, 8, per_million=True, to_basal=False
    ),
}


class CrxRetina(RealData):
    """Photoreceptor elements with CRX-site and shape mutants, electroporated into mouse retina.

    Activity is log2 of expression, before Rho relative to the basal promoter, in the published pseudocount (0.001
    for Rho, 0.01 for Polylinker). Its noise variance is the squared standard error by the delta method,
    ``(SE / (ln 2 (expression + pseudocount)))^2``; Rho's SE is its SD over the root of its replicates. It is
    NaN where the published error is missing or zero. A wild type and its mutants share a locus and stay
    together.

    Single barcodes were counted, about three an element, so that shifts of counts measure again, by the authors'
    own rules (`regharness_mpra.counting.Barcodes`). With `hold_out_replicate`, the target is log2 of the mean of
    the other two; its noise variance is 3/2 of the published one, and the held-out replicate's 3 times it. Either
    is computed as if the other had not been sequenced.

    Parameters
    ----------
    **parameters
        As of `CrxRetinaParameters`.
    """

    name = "crx_retina"
    unit = "log2(expression/basal)"

    def __init__(self, **parameters: Any) -> None:
        self._p = CrxRetinaParameters.model_construct(**parameters)

    def read(self) -> Examples:
        """Read the tables of the contexts, the sequences of their labels, and the counts of their barcodes."""
        p = self._p
        others = [name for name in CONTEXTS if name not in p.contexts] if p.hold_out_context else []
        parts = {name: _published(CONTEXTS[name]) for name in [*p.contexts, *others]}
        fasta = SOURCE.file("library1And2.fasta")
        records = read_fasta(fasta)
        target = pd.concat({name: part["target"] for name, part in parts.items()}, axis=1)
        known = target[p.contexts].notna().all(axis=1) & target.index.isin(records)
        labels = target.index[known].to_numpy(dtype=str)
        parts = {name: part.reindex(labels) for name, part in parts.items()}
        place = pd.Series(labels).str.extract(r"^((chr[^-]+)-\d+-\d+)_[^_]+_(.+)$").to_numpy(dtype=str)
        sequence = encode([records[label] for label in labels], fasta)
        tables = {name: _barcodes(CONTEXTS[name]) for name in p.contexts}
        covariates = dict(zip(("locus", "chrom", "variant_class"), place.T, strict=True))
        batch = SequenceBatch(
            ids=labels,
            sequence=sequence,
            outputs=tuple(p.contexts),
            target=_columns(parts[name]["target"] for name in p.contexts),
            noise_variance=_columns(parts[name]["noise"] for name in p.contexts),
            covariates={"gc_content": gc_content(sequence), **covariates},
        )
        held_out = self._groups(batch)
        if others:
            other = {
                "target": _columns(parts[name]["target"] for name in others),
                "noise_variance": _columns(parts[name]["noise"] for name in others),
            }
            held_out["context"] = Group(~np.isnan(other["target"][:, 0]), apart=False, measured=replace(batch, **other))
        if p.hold_out_replicate:
            left = RNA.index(p.hold_out_replicate)
            held_out["replicate"] = Group(np.ones(len(batch), bool), apart=False, measured=_of_one(batch, tables, left))
            tables = {name: table.of_replicates([i for i in range(3) if i != left]) for name, table in tables.items()}
            batch = _of_the_others(batch, tables)
        left_out = int((~known).sum())
        return Examples(
            batch=_counted(batch, tables),
            groups=pd.factorize(place[:, 0])[0],
            homology=p.homology,
            held_out=held_out,
            shares={"calibration": p.calibration, "test": p.test},
            assay=BarcodeCounts(tables),
            offers=frozenset({"barcodes"}),
            warnings=(f"{left_out:,} labels lack a sequence or a context and are left out",) if left_out else (),
        )

    def _groups(self, batch: SequenceBatch) -> dict[str, Group]:
        p, covariates = self._p, batch.covariates
        groups = {}
        if p.hold_out_chromosomes:
            groups["chromosome"] = Group(having(covariates["chrom"], p.hold_out_chromosomes, "chromosome", self.name))
        if p.hold_out_gc is not None:
            groups["gc_quantile"] = Group(gc_range(covariates["gc_content"], p.hold_out_gc))
        if p.hold_out_variants:
            members = having(covariates["variant_class"], p.hold_out_variants, "variant", self.name)
            # A mutant shares nearly all of its sequence with its wild type: apart, it would take that with it.
            groups["variant_class"] = Group(members, apart=False)
        return groups


def _published(context: Context) -> pd.DataFrame:
    """Target and noise variance of each label."""
    table = read_table(SOURCE.file(context.table)).set_index("label")
    expression = table["expression"] + context.pseudocount
    if "expression_SEM" in table:
        error = table["expression_SEM"]
    else:
        error = table["expression_std"] / np.sqrt(table["expression_reps"])
    variance = (error / (np.log(2.0) * expression)) ** 2
    measured = pd.DataFrame({"target": table["expression_log2"], "noise": variance.where(error > 0)})
    # Controls are in both libraries; the mean of two measurements has half of their mean variance.
    twice = measured.groupby(level=0, sort=False)
    noise, times = twice["noise"], twice.size()
    return twice.mean().assign(noise=(noise.sum() / times**2).where(noise.count() == times))


def _barcodes(context: Context) -> Barcodes:
    """The barcodes of both libraries, each scaled by its own totals and, where it has one, its basal promoter."""
    libraries = []
    for library in (1, 2):
        path = SOURCE.file(f"{context.folder}/library{library}RawBarcodeCounts.txt")
        table = read_table(path)
        dna = numbers(table, "DNA", path)
        rna = np.stack([numbers(table, name, path) for name in RNA], axis=1)
        least = np.full(rna.shape, context.least_rna)
        if context.per_million:
            least = least * rna.sum(axis=0) / 1e6
        heard = np.where((rna < least).any(axis=1, keepdims=True), 0.0, rna)
        unit = np.broadcast_to(dna[dna >= context.least_dna].sum() / heard.sum(axis=0), rna.shape)
        one = Barcodes(
            table["label"].to_numpy(dtype=str), dna, rna, unit, least, context.least_dna, context.pseudocount
        )
        if context.to_basal:
            one = replace(one, unit=unit / measure(one, np.array(["BASAL"])).expression)
        libraries.append(one)
    parts = ("element", "dna", "rna", "unit", "least_rna")
    joined: dict[str, Any] = {name: np.concatenate([getattr(one, name) for one in libraries]) for name in parts}
    return replace(libraries[0], **joined)


def _columns(values: Any) -> NDArray[np.float32]:
    return np.stack([np.asarray(value, np.float32) for value in values], axis=1)


def _measured(batch: SequenceBatch, tables: dict[str, Barcodes]) -> list[tuple[Measured, float]]:
    found = []
    for name, table in tables.items():
        one = measure(table, batch.ids)
        silent = np.flatnonzero(np.isnan(one.expression).any(axis=1))
        if len(silent):
            raise InputError(f"crx_retina: no barcode of {batch.ids[silent[0]]} was counted before {name}")
        found.append((one, table.pseudocount))
    return found


def _activity(found: list[tuple[Measured, float]]) -> NDArray[np.float32]:
    """``(example, output, replicate)``."""
    return np.stack([np.log2(one.expression + pc) for one, pc in found], axis=1).astype(np.float32)


def _counted(batch: SequenceBatch, tables: dict[str, Barcodes]) -> SequenceBatch:
    """The examples with the counts of their barcodes, and what each replicate gives."""
    found = _measured(batch, tables)
    dna = _columns(one.dna_count for one, _ in found)
    rna = np.stack([one.rna_count for one, _ in found], axis=1).astype(np.float32)
    replicates = Replicates(_activity(found), np.repeat(dna[:, :, None], rna.shape[2], axis=2), rna)
    return replace(batch, dna_count=dna, rna_count=rna.sum(axis=2), replicates=replicates)


def _of_one(batch: SequenceBatch, tables: dict[str, Barcodes], left: int) -> SequenceBatch:
    """The examples as one replicate alone measured them."""
    assert batch.noise_variance is not None
    activity = _activity(_measured(batch, {name: table.of_replicates([left]) for name, table in tables.items()}))
    return replace(batch, target=activity[:, :, 0], noise_variance=(3.0 * batch.noise_variance).astype(np.float32))


def _of_the_others(batch: SequenceBatch, tables: dict[str, Barcodes]) -> SequenceBatch:
    assert batch.noise_variance is not None
    target = _columns(np.log2(one.expression.mean(axis=1) + pc) for one, pc in _measured(batch, tables))
    return replace(batch, target=target, noise_variance=(1.5 * batch.noise_variance).astype(np.float32))
