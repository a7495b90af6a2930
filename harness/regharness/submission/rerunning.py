"""Hold predictions against those of another run of the same model. Runs nothing."""

from __future__ import annotations

import numpy as np
import xarray as xr

from regharness import dims
from regharness.run_folder import Run
from regharness.submission.archive import Archive
from regharness.submission.manifest import Manifest
from regharness.submission.naming import model_of
from regharness.submission.package import open_group
from regharness.submission.refusal import Refused

TOLERANCE = 1e-3
"""Of the spread of predictions: what another machine's arithmetic changes is far less, another model's far more."""


def check_rerun(archive: Archive, manifest: Manifest, rerun: Run) -> str:
    """Compare the means of every cell.

    Returns
    -------
    str
        How far they are apart, at most.

    Raises
    ------
    Refused
        When the run lacks the model or a cell, or its predictions are others.
    """
    assert manifest.card is not None
    worst = 0.0
    for info in manifest.cubes:
        if info.task not in rerun.tasks:
            raise Refused("re-run", f"{rerun.folder} has no task '{info.task}'")
        model = model_of(manifest.card.slug, rerun.models(info.task))
        if model is None:
            raise Refused("re-run", f"{rerun.folder} has no model called '{manifest.card.slug}' in task '{info.task}'")
        ours, theirs = rerun.cube(info.task).sel({dims.MODEL: model}), open_group(archive, info).isel({dims.MODEL: 0})
        for shift in info.shifts:
            for seed in info.seeds:
                worst = max(worst, _apart(ours, theirs, info.task, shift, seed))
    return f"the means are at most {worst:.1g} of their spread apart"


def _apart(ours: xr.Dataset, theirs: xr.Dataset, task: str, shift: str, seed: int) -> float:
    where, at = f"task '{task}', {shift}, seed {seed}", {dims.SHIFT: shift, dims.SEED: seed}
    if shift not in ours[dims.SHIFT].values or seed not in ours[dims.SEED].values:
        raise Refused("re-run", f"{where}: the run does not have it")
    held, stated = ours.sel(at), theirs.sel(at)
    if int(held[dims.STATUS]) != dims.DONE or int(held[dims.N_EXAMPLES]) != int(stated[dims.N_EXAMPLES]):
        raise Refused("re-run", f"{where}: the run does not have it done, or on other examples")
    rows = {dims.EXAMPLE: slice(int(held[dims.N_EXAMPLES]))}
    one, other = (cube[dims.MEAN].isel(rows).transpose(dims.EXAMPLE, dims.OUTPUT).values for cube in (held, stated))
    spread = float(one.std(axis=0, dtype=np.float64).max())
    apart = float(np.abs(one.astype(np.float64) - other).max())
    share = apart / spread if spread > 0 else (0.0 if apart == 0 else np.inf)
    if not share <= TOLERANCE:
        raise Refused("re-run", f"{where}: the means are up to {apart:.3g} apart, and their spread is {spread:.3g}")
    return share
