"""Lay the sheets of several models side by side, as the scores of a run lie. Scores nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from regharness import dims
from regharness.joining import FILLS, shift_coordinates, text_labels
from regharness.magnitude import LONG_NAMES
from regharness.submission.sheets import Sheet

_LABELLED = (dims.TASK, dims.SHIFT, dims.SEED, dims.OUTPUT)


def side_by_side(sheets: Mapping[str, Sheet]) -> Sheet:
    """Several models in one sheet, whose parts have the dimension ``model`` more, after ``task``.

    Parameters
    ----------
    sheets
        Model to its sheet, of the same benchmark. What one lacks is NaN, its status absent.
    """
    of = list(sheets.values())
    scores = _joined(list(sheets), [sheet.scores for sheet in of])
    moved = [str(name) for name in scores.data_vars if name in LONG_NAMES]
    # How far a test set was shifted is the same for all models; who has not seen it does not tell.
    scores = scores.assign({name: _of_any(scores[name]) for name in moved}).set_coords(moved)
    metrics = dict.fromkeys(name for sheet in of for name in sheet.scores.attrs["metrics"])
    scores.attrs = {"rank_by": of[0].scores.attrs["rank_by"], "metrics": list(metrics), "notes": []}
    blocks = _joined(list(sheets), [sheet.blocks for sheet in of])
    return Sheet(scores, blocks, _joined(list(sheets), [sheet.curves for sheet in of]))


def _joined(models: Sequence[str], parts: Sequence[xr.Dataset]) -> xr.Dataset:
    parts = [part.reset_coords([name for name in part.coords if name in LONG_NAMES]) for part in parts]
    order: dict[str, list[Any]] = {dims.MODEL: list(models)}
    for name in _LABELLED:
        labels = dict.fromkeys(label for part in parts if name in part.dims for label in part[name].values.tolist())
        if labels:
            order[name] = sorted(labels) if name == dims.SEED else list(labels)
    places = {name: {label: i for i, label in enumerate(labels)} for name, labels in order.items()}
    coords: dict[str, Any] = {name: text_labels(labels) for name, labels in order.items()}
    found: dict[str, xr.Variable] = {}
    for name in dict.fromkeys(str(name) for part in parts for name in part.data_vars):
        owners = [(m, part[name]) for m, part in enumerate(parts) if name in part]
        first = owners[0][1]
        own = [str(dim) for dim in first.dims]
        owners = [(m, values) for m, values in owners if set(values.dims) == set(own)]
        sizes = [len(order[dim]) if dim in order else max(values.sizes[dim] for _, values in owners) for dim in own]
        fill = FILLS.get(name, np.nan)
        values = np.full((len(models), *sizes), fill, dtype=np.asarray(fill).dtype)
        for m, part in owners:
            index = [
                [places[dim][label] for label in part[dim].values.tolist()] if dim in order else range(part.sizes[dim])
                for dim in own
            ]
            values[m][np.ix_(*index)] = part.variable.transpose(*own).values
        coords.update({dim: first[dim].variable for dim in own if dim not in order and dim in first.coords})
        # The task leads, as in the scores of a run.
        found[name] = xr.Variable((dims.MODEL, *own), values, first.attrs).transpose(dims.TASK, dims.MODEL, ...)
    more = shift_coordinates(order[dims.SHIFT]) if dims.SHIFT in order else {}
    return xr.Dataset(found, {**coords, **more})


def _of_any(values: xr.DataArray) -> xr.DataArray:
    array = values.transpose(dims.MODEL, ...).values
    chosen = np.argmax(~np.isnan(array), axis=0)
    known = np.take_along_axis(array, chosen[None], axis=0)[0]
    return xr.DataArray(known, dims=list(values.transpose(dims.MODEL, ...).dims[1:]))
