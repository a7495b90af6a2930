"""Own what a page shows: scores of models side by side, and who they are. Draws nothing, reads no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import xarray as xr

if TYPE_CHECKING:
    from regharness.leaderboard import RankRule
    from regharness.submission.manifest import Card

Badge = Literal["", "control", "self-reported", "re-scored", "re-run", "prospective"]
"""How far a row can be trusted; empty for the models of one's own run."""


@dataclass(frozen=True)
class Entrant:
    """A model on a page.

    Attributes
    ----------
    name
        Its label along ``model``, which no other has.
    display
        What to call it.
    badge
        Who vouches for its scores; a control is there to read the others by.
    card
        What its makers say of it.
    seen
        Task to the shifts that its makers say it has seen; those are shown greyed, and no rank stands on them.
    digest
        sha256 of its submission file; empty without one.
    download
        Where that file lies, relative to the site.
    """

    name: str
    display: str
    badge: Badge = ""
    card: Card | None = None
    seen: Mapping[str, frozenset[str]] = field(default_factory=dict)
    digest: str = ""
    download: str = ""


@dataclass(frozen=True)
class Results:
    """The models of one benchmark, scored.

    Attributes
    ----------
    name, version
        Of the benchmark.
    scores
        Dims task x model x shift x seed x output, as a run stores them, with ``status`` and attributes ``rank_by`` and
        ``metrics``.
    blocks
        What blocks of examples contribute to the metric that ranks, dims task x model x shift x seed x block; None
        where nobody has them.
    curves
        Curves of predictions, such as risk by the fraction retained: one variable a curve, dims task x model x shift x
        its own, means over seeds and outputs; NaN for shifts whose curves are not drawn.
    entrants
        Label along ``model`` to who that is, in the order of the scores.
    ranking
        Where ranges of ranks come from: tests hold for all models of one run together, and a bootstrap tells a hundred
        submissions apart.
    task_infos
        Task to what its data are: ``outputs``, ``unit``, ``length``, ``sizes``, ``warnings``, as far as known.
    failures
        Cells that failed: task, model, shift, seed and reason.
    provenance
        What ran, as `Run.provenance` has it.
    """

    name: str
    version: int
    scores: xr.Dataset
    blocks: xr.Dataset | None
    curves: xr.Dataset
    entrants: Mapping[str, Entrant]
    ranking: RankRule = "tests"
    task_infos: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    failures: Sequence[Mapping[str, Any]] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
