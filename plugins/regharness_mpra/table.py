"""The generator ``mpra_table``: any table of sequences and measurements. Divides nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regharness import InputError, SequenceBatch
from regharness.errors import unknown_name
from regharness.interfaces import SPLITS, Replicates
from regharness.sequences import gc_content
from regharness_mpra.counting import SummedCounts
from regharness_mpra.division import Examples, RealData
from regharness_mpra.groups import Group, gc_range
from regharness_mpra.parameters import HoldOut, MPRATableParameters
from regharness_mpra.tables import column, encode, list_rows, numbers, read_fasta, read_table, unique_ids


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
        table = read_table(p.path, text=_names(p))
        ids = unique_ids(column(table, p.id, p.path), p.path) if p.id else np.arange(1, len(table) + 1).astype(str)
        targets = {name: name for name in p.targets} if isinstance(p.targets, list) else dict(p.targets)
        outputs = tuple(dict.fromkeys([*targets, *p.replicates]))
        for what in ("standard_error", "dna_count", "rna_count"):
            _known_outputs(getattr(p, what), outputs, what)
        replicates = {
            name: np.stack([numbers(table, one, p.path) for one in columns]) for name, columns in p.replicates.items()
        }
        left = {name: p.replicates[name].index(column) for name, column in p.hold_out_replicate.items()}
        target = np.stack(
            [
                numbers(table, targets[name], p.path)
                if name in targets
                else np.delete(replicates[name], left.get(name, []), axis=0).mean(axis=0)
                for name in outputs
            ],
            axis=1,
        )
        kept, warnings = _complete(target, p)
        source = p.path if p.fasta is None else f"{p.fasta}, for {p.path}"
        sequence = encode(self._sequences(table, ids), source, pad=p.pad, length=p.length)
        batch = SequenceBatch(
            ids=ids,
            sequence=sequence,
            outputs=outputs,
            target=target.astype(np.float32),
            noise_variance=self._noise(table, outputs, replicates),
            dna_count=_counts(table, p.dna_count, outputs, p.path),
            rna_count=_counts(table, p.rna_count, outputs, p.path),
            replicates=_replicates(replicates, outputs, len(table)),
            covariates={name: column(table, name, p.path).to_numpy() for name in p.covariates}
            | {"gc_content": gc_content(sequence)},
        )
        held_out = {
            name: Group(_mask(table, rule, batch.covariates["gc_content"], name, p.path)[kept])
            for name, rule in p.hold_out.items()
        }
        if left:
            one = self._one_replicate(batch, replicates, left).select(kept)
            held_out["replicate"] = Group(~np.isnan(one.target).any(axis=1), apart=False, measured=one)
        counted = p.unit.startswith("log2") and set(p.dna_count) == set(p.rna_count) == set(outputs)
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
            homology=p.split.homology if p.split.by == "homology" else None,
            near_duplicate_k=p.near_duplicate_k,
            assay=SummedCounts() if counted else None,
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

    def _one_replicate(
        self, batch: SequenceBatch, replicates: Mapping[str, NDArray[np.float64]], left: Mapping[str, int]
    ) -> SequenceBatch:
        """The examples as one replicate of each output measured them, its variance that between the replicates."""
        target = np.stack([replicates[name][left[name]] for name in batch.outputs], axis=1)
        noise = np.stack([replicates[name].var(axis=0, ddof=1) for name in batch.outputs], axis=1)
        return replace(
            batch,
            target=target.astype(np.float32),
            noise_variance=noise.astype(np.float32),
            dna_count=None,
            rna_count=None,
            replicates=None,
        )

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
                bad = np.flatnonzero(error < 0)
                if len(bad):
                    raise InputError(
                        f"{p.path}: column '{p.standard_error[name]}' has a negative standard error in "
                        f"{list_rows(bad, error[bad])}"
                    )
                noise[:, index] = error**2
            elif len(replicates.get(name, ())) > 1:
                averaged = len(replicates[name]) - (name in p.hold_out_replicate)
                noise[:, index] = replicates[name].var(axis=0, ddof=1) / averaged
        return noise.astype(np.float32)


def _names(p: MPRATableParameters) -> set[str]:
    """Columns that hold names, not numbers."""
    return {name for name in (p.id, p.split.column, *(rule.column for rule in p.hold_out.values())) if name}


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


def _counts(
    table: pd.DataFrame, given: Mapping[str, str], outputs: tuple[str, ...], path: Path
) -> NDArray[np.float32] | None:
    if not given:
        return None
    counts = np.full((len(table), len(outputs)), np.nan, np.float32)
    for index, name in enumerate(outputs):
        if name in given:
            values = numbers(table, given[name], path)
            bad = np.flatnonzero(values < 0)
            if len(bad):
                raise InputError(
                    f"{path}: column '{given[name]}' has a negative count in {list_rows(bad, values[bad])}"
                )
            counts[:, index] = values
    return counts


def _replicates(given: Mapping[str, NDArray[np.float64]], outputs: tuple[str, ...], n: int) -> Replicates | None:
    """Replicates of each output, NaN where an output has fewer than another."""
    if not given:
        return None
    target = np.full((n, len(outputs), max(len(values) for values in given.values())), np.nan, np.float32)
    for name, values in given.items():
        target[:, outputs.index(name), : len(values)] = values.T
    return Replicates(target)


def _mask(table: pd.DataFrame, rule: HoldOut, gc: NDArray[np.float64], name: str, path: Path) -> NDArray[np.bool_]:
    if rule.gc_quantile is not None:
        return gc_range(gc, rule.gc_quantile)
    values = column(table, str(rule.column), path)
    values = values.astype(str).where(values.notna())
    known = values.dropna().unique()
    for value in rule.values:
        if value not in known:
            message, choices = unknown_name("value", value, known, listed=f"of '{rule.column}'")
            raise InputError(f"{path}: hold_out '{name}': {message}", help=choices)
    return values.isin(rule.values).to_numpy()


def _fixed(values: pd.Series, path: Path) -> NDArray[np.int64]:
    unknown = np.flatnonzero(~values.isin(SPLITS))
    if len(unknown):
        raise InputError(
            f"{path}: column '{values.name}' names no split in {list_rows(unknown, values.iloc[unknown])}",
            help=f"it takes {', '.join(SPLITS)}",
        )
    return np.array([SPLITS.index(value) for value in values], np.int64)
