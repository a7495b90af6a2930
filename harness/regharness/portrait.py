"""Own what a shift does to a test set, as numbers: a distribution a quantity and severity. Draws nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regharness.errors import InputError
from regharness.interfaces import DataInfo, Dataset, SequenceBatch, ShiftOperator
from regharness.magnitude import achieved
from regharness.seeding import rng_for
from regharness.sequences import N, gc_content

BINS = 40
SHOWN = (0.001, 0.999)
"""Quantiles, over all severities together, between which a distribution is binned."""


@dataclass(frozen=True)
class Distribution:
    """One quantity at identity and at each severity, in bins that they share.

    Attributes
    ----------
    name, title, unit
        What it is, and the unit it is in.
    edges
        ``(bin + 1,)``, in the unit.
    density
        ``(severity, bin)``, per unit: what lies outside the bins is counted in no bin, but counts.
    mean, sd
        ``(severity,)``, over all examples.
    """

    name: str
    title: str
    unit: str
    edges: NDArray[np.float64]
    density: NDArray[np.float64]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]


@dataclass(frozen=True)
class Portrait:
    """What a shift does to one output of a test set; along ``severity``, identity comes first.

    Attributes
    ----------
    name
        Of the operator.
    severities
        ``(severity,)``, with 0 for identity.
    levels, level_meaning
        Strength at each severity, None at identity and where it is no number; and what the number is.
    output, unit
        The output whose target is shown, and the unit of the target.
    examples
        ``(severity,)``, number of examples.
    distributions
        Name to distribution: ``gc_content``, ``motif_content``, ``target``, and ``noise`` (target less
        truth) or, where the truth is not known, ``noise_sd`` (its SD at each example).
    left_out
        Name of a distribution that these data cannot give, to the reason.
    achieved
        Name to ``(severity,)``: the magnitudes of `regharness.magnitude`, at the output.
    edited
        ``(severity,)``, mean share of positions at which a sequence differs from that of the test example with
        its id, among the positions known in both; NaN where no id is one of the test set.
    hidden
        ``(severity,)``, mean share of positions that are N.
    """

    name: str
    severities: tuple[int, ...]
    levels: tuple[float | None, ...]
    level_meaning: str
    output: str
    unit: str
    examples: tuple[int, ...]
    distributions: dict[str, Distribution]
    left_out: dict[str, str]
    achieved: dict[str, NDArray[np.float64]]
    edited: NDArray[np.float64]
    hidden: NDArray[np.float64]


def portrait(
    name: str, operator: ShiftOperator, dataset: Dataset, info: DataInfo, *, task: str = "portrait", seed: int = 0
) -> Portrait:
    """Shift the test set at every severity of the operator, and measure what comes out.

    Parameters
    ----------
    name
        What the shift is called; with `task` and `seed` it names the random streams, as in a run.
    operator
        The shift, at the severities that it states.
    dataset, info
        The data, and what their generator says of them.
    task, seed
        Coordinates of the random streams.

    Raises
    ------
    InputError
        When the data lack what the operator needs, or it refuses them.
    """
    lacking = sorted(operator.needs - info.offers)
    if lacking:
        raise InputError(
            f"shift '{name}' needs {', '.join(lacking)}, which these data do not offer",
            help="name other data with --data SPEC[:TASK]",
        )
    operator.check(info)
    sets = [dataset.test] + [
        operator.apply(dataset, severity, rng_for(seed, "shift", task, f"{name}@{severity}"))
        for severity in operator.severities
    ]
    distributions, left_out = _distributions(dataset, sets, info)
    magnitudes = [achieved(dataset, batch) for batch in sets]
    return Portrait(
        name=name,
        severities=(0, *operator.severities),
        levels=(None, *(operator.levels[s - 1] if operator.levels else None for s in operator.severities)),
        level_meaning=operator.level_meaning,
        output=info.outputs[0],
        unit=info.unit,
        examples=tuple(map(len, sets)),
        distributions=distributions,
        left_out=left_out,
        achieved={key: np.array([np.ravel(one[key])[0] for one in magnitudes]) for key in magnitudes[0]},
        edited=np.array([_edited(dataset.test, batch) for batch in sets]),
        hidden=np.array([(batch.sequence == N).mean() for batch in sets]),
    )


def _distributions(
    dataset: Dataset, sets: Sequence[SequenceBatch], info: DataInfo
) -> tuple[dict[str, Distribution], dict[str, str]]:
    made, left_out = {}, {}
    gc = [gc_content(batch.sequence) for batch in sets]
    made["gc_content"] = distribution("gc_content", "GC content", "share of bases", gc, step=1.0 / info.length)
    if hasattr(dataset.mechanism, "motif_content"):
        content = [dataset.mechanism.motif_content(batch.sequence) for batch in sets]
        made["motif_content"] = distribution("motif_content", "motif content", "bound factors", content)
    else:
        left_out["motif_content"] = "these data come with no mechanism that binds motifs"
    target = [_first(batch.target) for batch in sets]
    made["target"] = distribution("target", f"target, {info.outputs[0]}", info.unit, target)
    if all(batch.truth is not None for batch in sets):
        noise = [_first(batch.target) - _first(batch.truth) for batch in sets]
        made["noise"] = distribution("noise", "noise, target less truth", info.unit, noise)
    elif all(batch.noise_variance is not None for batch in sets):
        noise = [np.sqrt(_first(batch.noise_variance)) for batch in sets]
        made["noise_sd"] = distribution("noise_sd", "SD of the noise", info.unit, noise)
    else:
        left_out["noise"] = "these data tell neither the truth nor the noise of the measurement"
    return made, left_out


def distribution(
    name: str, title: str, unit: str, values: Sequence[NDArray[Any]], step: float | None = None
) -> Distribution:
    """Bin one quantity of several test sets alike.

    Parameters
    ----------
    name, title, unit
        As of `Distribution`.
    values
        A test set each, ``(example,)``; NaN counts nowhere.
    step
        What the values are multiples of, if anything: a bin then holds the same number of steps as any other.
    """
    known = [np.asarray(one, np.float64)[np.isfinite(one)] for one in values]
    edges = _edges(np.concatenate(known), step)
    width = edges[1] - edges[0]
    counts = np.array([np.histogram(one, edges)[0] for one in known], np.float64)
    sizes = np.array([max(len(one), 1) for one in known])
    return Distribution(
        name=name,
        title=title,
        unit=unit,
        edges=edges,
        density=counts / (sizes[:, None] * width),
        mean=np.array([one.mean() if len(one) else np.nan for one in known]),
        sd=np.array([one.std() if len(one) else np.nan for one in known]),
    )


def _edges(values: NDArray[np.float64], step: float | None) -> NDArray[np.float64]:
    low, high = np.quantile(values, SHOWN).tolist() if len(values) else (0.0, 1.0)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / BINS
    if step is not None:
        width = math.ceil(width / step) * step
        # Half a step below a multiple, so that no value lies on an edge.
        low = (math.floor(low / step) - 0.5) * step
    edges: NDArray[np.float64] = low + width * np.arange(math.ceil((high - low) / width - 1e-9) + 1)
    return edges


def _first(values: NDArray[np.float32] | None) -> NDArray[np.float64]:
    assert values is not None
    return values[:, 0].astype(np.float64)


def _edited(test: SequenceBatch, shifted: SequenceBatch) -> float:
    place = {name: row for row, name in enumerate(test.ids.tolist())}
    rows = [(place[name], row) for row, name in enumerate(shifted.ids.tolist()) if name in place]
    if not rows:
        return float("nan")
    before, after = np.array(rows).T
    one, two = test.sequence[before], shifted.sequence[after]
    known = (one != N) & (two != N)
    return float(((one != two) & known).sum() / max(known.sum(), 1))
