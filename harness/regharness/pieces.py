"""Cut predictions and test sets into the pieces that a cube stores. Moves nothing into a cube."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from regharness import dims
from regharness.deliveries import Delivery
from regharness.interfaces import Prediction, SequenceBatch
from regharness.layout import MEASUREMENTS, PREDICTIONS, Kind, Layout
from regharness.quantiles import level_label


def put_prediction(delivery: Delivery, layout: Layout, prediction: Prediction, number: int) -> None:
    """Deliver what was predicted of the examples of piece `number`; what the model does not give is left out."""
    for name in PREDICTIONS:
        value = getattr(prediction, name)
        if value is not None:
            delivery.put(name, (number, 0), value, layout.piece)
    if prediction.quantiles is None:
        return
    width = layout.levels_a_chunk
    chunks = -(-len(layout.levels) // width)
    value = np.full((*prediction.mean.shape, chunks * width), np.nan, np.float32)
    places = [layout.levels.index(level_label(level)) for level in prediction.quantile_levels]
    value[..., places] = prediction.quantiles
    for chunk in sorted({place // width for place in places}):
        delivery.put(dims.QUANTILES, (number, chunk), value[..., chunk * width : (chunk + 1) * width], layout.piece)


def put_test_set(delivery: Delivery, batch: SequenceBatch, number: int, rows: int) -> dict[str, Kind]:
    """Deliver what was measured of piece `number` of a test set, and what is known of its examples.

    Parameters
    ----------
    delivery
        Where to.
    batch
        The examples of the piece.
    number
        Which piece.
    rows
        Examples that a whole piece has.

    Returns
    -------
    dict
        Variable to kind, of its covariates: numbers in double precision, NaN where missing, and all else as text.
    """
    covariates = {dims.COVARIATE + quote(name, safe=""): values for name, values in batch.covariates.items()}
    kinds: dict[str, Kind] = {
        name: "float64" if values.dtype.kind in "biuf" else "text" for name, values in covariates.items()
    }
    delivery.put_text(dims.EXAMPLE_ID, (number, 0), _texts(batch.ids), rows)
    for name in MEASUREMENTS:
        value = getattr(batch, name)
        if value is not None:
            delivery.put(name, (number, 0), value, rows)
    for name, values in covariates.items():
        if kinds[name] == "text":
            delivery.put_text(name, (number, 0), _texts(values), rows)
        else:
            delivery.put(name, (number, 0), values.astype(np.float64), rows)
    return kinds


def _texts(values: NDArray[Any]) -> list[str]:
    found: list[Any] = values.tolist()
    return found if values.dtype.kind in "UT" else list(map(str, found))
