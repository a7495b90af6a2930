"""Own fitted models: build from a spec, fit or load, store once. Predicts nothing."""

from __future__ import annotations

from regharness.catalog import Catalog
from regharness.interfaces import Dataset, ModelAdapter, RunContext
from regharness.spec import ModelEntry
from regharness.storage import Place
from regharness.whole_folders import local_folder, new_folder

MODELS = "models"
"""Folder of fitted models in a run's."""


def build_model(entry: ModelEntry, catalog: Catalog) -> ModelAdapter:
    """Make the unfitted model of a spec's entry, inside its uncertainty method if it names one."""

    def make() -> ModelAdapter:
        model: ModelAdapter = catalog.create("model", entry.use, entry.with_)
        return model

    if entry.uncertainty is None:
        return make()
    method = catalog.create("uncertainty", entry.uncertainty.use, entry.uncertainty.with_)
    wrapped: ModelAdapter = method.wrap(make)
    return wrapped


def load_stored(model: ModelAdapter, folder: Place) -> bool:
    """Load `model` from `folder` if it was fitted before; whether it was."""
    with local_folder(folder) as stored:
        if stored is not None:
            model.load(stored)
        return stored is not None


def fit_and_store(model: ModelAdapter, folder: Place, dataset: Dataset, context: RunContext) -> None:
    """Fit `model` and store it in `folder`, which appears whole or not at all.

    A run killed while storing fits again. Of several workers that fit the same model at once, one stores it.
    """
    model.fit(dataset.train, dataset.calibration, context)
    with new_folder(folder, keep=True) as unfinished:
        model.save(unfinished)
