"""Join tables, clusters and splits into data generators. Parses no file format itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regharness import DataInfo, Dataset, InputError, SequenceBatch
from regharness.errors import unknown_name
from regharness.interfaces import SPLITS, DataGenerator
from regharness.seeding import rng_for
from regharness_mpra.parameters import (
    CrxRetinaParameters,
    HoldOut,
    MPRATableParameters,
    YeastNativeParameters,
)
from regharness_mpra.registry import DATA_SETS
from regharness_mpra.similarity import clusters, sharing, without_flanks
from regharness_mpra.splitting import UNUSED, by_fraction, refuse_empty
from regharness_mpra.tables import column, encode, gc_content, numbers, read_fasta, read_table, unique_ids

LEAK_K = 20
"""A test sequence that shares a word this long with a training one may be partly known."""


@dataclass(frozen=True)
class Examples:
    """All usable examples of a source, and how they may be divided.

    Attributes
    ----------
    batch
        The examples.
    groups
        ``(example,)`` numbers of groups that stay together, or None.
    held_out
        Name to ``(example,)`` mask of a group that training never sees.
    fixed
        ``(example,)`` split of each example where the source says so, or None.
    shares
        Shares for calibration and test, where it does not.
    warnings
        What reading them left out.
    """

    batch: SequenceBatch
    groups: NDArray[np.int64] | None
    held_out: Mapping[str, NDArray[np.bool_]]
    shares: Mapping[str, float]
    fixed: NDArray[np.int64] | None = None
    near_duplicate_k: int = 32
    warnings: tuple[str, ...] = field(default=())


class RealData(DataGenerator):
    """Divide measured examples: clusters of near-duplicates whole, held-out groups apart.

    Sequences that share a long word (32 bases; a word and its reverse complement are one) are near-duplicates
    and never straddle a split. What is near-duplicate to a held-out example is in no split.
    """

    name = "data"
    unit = "log2(RNA/DNA)"

    def read(self) -> Examples:
        """Read and check everything."""
        raise AssertionError("a subclass reads")

    def describe(self) -> DataInfo:
        """Read, divide for seed 0, and measure what test sequences share with training ones."""
        examples, data = self._examples, self.generate(0)
        offers = {"held_out"} if examples.held_out else set()
        if examples.batch.noise_variance is not None:
            offers.add("noise_variance")
        if examples.batch.dna_count is not None and examples.batch.rna_count is not None:
            offers.add("counts")
        sizes = {split: len(getattr(data, split)) for split in SPLITS}
        sizes |= {name: len(batch) for name, batch in data.held_out.items()}
        return DataInfo(
            outputs=examples.batch.outputs,
            unit=self.unit,
            length=examples.batch.sequence.shape[1],
            sizes=sizes,
            offers=frozenset(offers),
            held_out=tuple(examples.held_out),
            warnings=(*examples.warnings, *self._unused(), *_leaks(data)),
        )

    def generate(self, seed: int) -> Dataset:
        """Divide the examples; the seed decides which clusters go where."""
        examples = self._examples
        if examples.fixed is not None:
            assigned = np.where(self._free, examples.fixed, UNUSED)
        else:
            assigned = by_fraction(self._cluster, self._free, examples.shares, seed)
        refuse_empty(assigned, self.name)
        splits = {name: examples.batch.select(assigned == index) for index, name in enumerate(SPLITS)}
        held_out = {name: examples.batch.select(mask) for name, mask in examples.held_out.items()}
        return Dataset(**splits, held_out=held_out)

    @cached_property
    def _examples(self) -> Examples:
        return self.read()

    @cached_property
    def _cluster(self) -> NDArray[np.int64]:
        examples = self._examples
        return clusters(without_flanks(examples.batch.sequence), examples.near_duplicate_k, examples.groups)

    @cached_property
    def _free(self) -> NDArray[np.bool_]:
        """Examples in no cluster with a held-out one."""
        held = np.zeros(len(self._examples.batch), bool)
        for mask in self._examples.held_out.values():
            held |= mask
        if not held.any():
            return ~held
        touched = np.zeros(int(self._cluster.max()) + 1, bool)
        touched[self._cluster[held]] = True
        return ~touched[self._cluster]

    def _unused(self) -> list[str]:
        held = np.zeros(len(self._examples.batch), bool)
        for mask in self._examples.held_out.values():
            held |= mask
        near = int((~self._free & ~held).sum())
        return [f"{near:,} near-duplicates of held-out examples are in no split"] if near else []


def _leaks(data: Dataset) -> list[str]:
    lines = []
    tested = {"test": data.test, **data.held_out}
    whole = without_flanks(np.concatenate([data.train.sequence, *(batch.sequence for batch in tested.values())]))
    train, *parts = np.split(whole, np.cumsum([len(data.train), *(len(batch) for batch in tested.values())])[:-1])
    for (name, batch), part in zip(tested.items(), parts, strict=True):
        shared = sharing(part, train, LEAK_K)
        if shared:
            lines.append(
                f"{shared:,} of {len(batch):,} {name} sequences ({shared / len(batch):.0%}) share a "
                f"{LEAK_K}-mer with a training sequence"
            )
    return lines


class MPRATable(RealData):
    """Read any table of sequences and measurements.

    Parameters
    ----------
    **parameters
        As of `MPRATableParameters`.
    """

    def __init__(self, **parameters: Any) -> None:
        self._p = MPRATableParameters.model_construct(**parameters)
        self.name, self.unit = str(self._p.path), self._p.unit

    def read(self) -> Examples:
        """Read the table and, where there is one, the FASTA file."""
        p = self._p
        table = read_table(p.path)
        ids = unique_ids(column(table, p.id, p.path), p.path) if p.id else np.arange(1, len(table) + 1).astype(str)
        targets = {name: name for name in p.targets} if isinstance(p.targets, list) else dict(p.targets)
        outputs = tuple(dict.fromkeys([*targets, *p.replicates]))
        for what in ("standard_error", "dna_count", "rna_count"):
            _known_outputs(getattr(p, what), outputs, what)
        replicates = {
            name: np.stack([numbers(table, one, p.path) for one in columns]) for name, columns in p.replicates.items()
        }
        target = np.stack(
            [
                numbers(table, targets[name], p.path) if name in targets else replicates[name].mean(axis=0)
                for name in outputs
            ],
            axis=1,
        )
        kept, warnings = _complete(target, p)
        sequence = encode(self._sequences(table, ids), p.path, pad=p.pad, length=p.length)
        batch = SequenceBatch(
            ids=ids,
            sequence=sequence,
            outputs=outputs,
            target=target.astype(np.float32),
            noise_variance=self._noise(table, outputs, replicates),
            dna_count=_columns(table, p.dna_count, outputs, p.path),
            rna_count=_columns(table, p.rna_count, outputs, p.path),
            covariates={name: column(table, name, p.path).to_numpy() for name in p.covariates}
            | {"gc_content": gc_content(sequence)},
        )
        held_out = {
            name: _mask(table, rule, batch.covariates["gc_content"], name, p.path)[kept]
            for name, rule in p.hold_out.items()
        }
        groups = fixed = None
        if p.split.by == "group":
            groups = pd.factorize(column(table, str(p.split.column), p.path), use_na_sentinel=False)[0][kept]
        if p.split.by == "column":
            fixed = _fixed(column(table, str(p.split.column), p.path), p.path)[kept]
        return Examples(
            batch=batch.select(kept),
            groups=groups,
            held_out=held_out,
            shares={"calibration": p.split.calibration, "test": p.split.test},
            fixed=fixed,
            near_duplicate_k=p.near_duplicate_k,
            warnings=warnings,
        )

    def _sequences(self, table: pd.DataFrame, ids: NDArray[np.str_]) -> list[object]:
        p = self._p
        if p.fasta is None:
            return column(table, str(p.sequence), p.path).tolist()
        records = read_fasta(p.fasta)
        missing = [name for name in ids if name not in records]
        if missing:
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            raise InputError(f"{p.fasta} has no record named {', '.join(missing[:5])}{more}")
        return [records[name] for name in ids]

    def _noise(
        self, table: pd.DataFrame, outputs: tuple[str, ...], replicates: Mapping[str, NDArray[np.float64]]
    ) -> NDArray[np.float32] | None:
        """Variance of each target: its squared standard error, or that of its replicates' mean; NaN where unknown."""
        p = self._p
        if not p.standard_error and not any(len(values) > 1 for values in replicates.values()):
            return None
        noise = np.full((len(table), len(outputs)), np.nan)
        for index, name in enumerate(outputs):
            if name in p.standard_error:
                error = numbers(table, p.standard_error[name], p.path)
                if (error < 0).any():
                    row = int(np.flatnonzero(error < 0)[0])
                    raise InputError(
                        f"{p.path}: column '{p.standard_error[name]}' has the negative standard error "
                        f"{error[row]:g} in row {row + 1}"
                    )
                noise[:, index] = error**2
            elif len(replicates.get(name, ())) > 1:
                noise[:, index] = replicates[name].var(axis=0, ddof=1) / len(replicates[name])
        return noise.astype(np.float32)


def _complete(target: NDArray[np.float64], p: MPRATableParameters) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    missing = np.isnan(target).any(axis=1)
    if not missing.any():
        return ~missing, ()
    if p.on_nan == "refuse":
        row = int(np.flatnonzero(missing)[0]) + 1
        raise InputError(
            f"{p.path}: {int(missing.sum()):,} of {len(target):,} rows have no target, the first is row {row}",
            help="'on_nan: drop' leaves them out",
        )
    if missing.all():
        raise InputError(f"{p.path}: no row has every target")
    return ~missing, (f"{int(missing.sum()):,} of {len(target):,} rows have no target and are left out",)


def _known_outputs(given: Mapping[str, str], outputs: tuple[str, ...], what: str) -> None:
    for name in given:
        if name not in outputs:
            message, choices = unknown_name("output", name, outputs, listed="outputs")
            raise InputError(f"{what}: {message}", help=choices)


def _columns(
    table: pd.DataFrame, given: Mapping[str, str], outputs: tuple[str, ...], path: Path
) -> NDArray[np.float32] | None:
    if not given:
        return None
    missing = np.full(len(table), np.nan)
    parts = [numbers(table, given[name], path) if name in given else missing for name in outputs]
    return np.stack(parts, axis=1).astype(np.float32)


def _mask(table: pd.DataFrame, rule: HoldOut, gc: NDArray[np.float64], name: str, path: Path) -> NDArray[np.bool_]:
    if rule.gc_quantile is not None:
        return gc_range(gc, rule.gc_quantile)
    values = column(table, str(rule.column), path).astype(str)
    for value in rule.values:
        if not (values == value).any():
            message, choices = unknown_name("value", value, sorted(set(values))[:30], listed=f"of '{rule.column}'")
            raise InputError(f"{path}: hold_out '{name}': {message}", help=choices)
    return values.isin(rule.values).to_numpy()


def gc_range(gc: NDArray[np.float64], quantiles: tuple[float, float]) -> NDArray[np.bool_]:
    """Examples whose GC content lies between two quantiles, both included where they are 0 and 1."""
    low, high = np.nanquantile(gc, quantiles)
    return (gc >= low) & ((gc < high) | (quantiles[1] == 1.0))


def _fixed(values: pd.Series, path: Path) -> NDArray[np.int64]:
    known = {name: index for index, name in enumerate(SPLITS)}
    unknown = sorted(set(values.astype(str)) - set(known))
    if unknown:
        raise InputError(
            f"{path}: column '{values.name}' holds {', '.join(map(repr, unknown[:5]))}",
            help=f"it takes {', '.join(SPLITS)}",
        )
    return values.map(known).to_numpy(dtype=np.int64)


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
        return twice.mean().assign(noise=twice["noise"].mean() / twice.size())

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
