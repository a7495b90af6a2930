"""Own fitted models: build from a spec, fit or load, store once. Predicts nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

from regharness.catalog import Catalog
from regharness.interfaces import Dataset, ModelAdapter, RunContext
from regharness.spec import ModelEntry

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


def fitted_model(model: ModelAdapter, folder: Path, dataset: Dataset, context: RunContext) -> ModelAdapter:
    """Load `model` from `folder` if it was fitted before, else fit it and store it there.

    The folder appears whole or not at all, so that a run killed while storing fits again.
    """
    if not model.trainable:
        return model
    if folder.is_dir():
        model.load(folder)
        return model
    model.fit(dataset.train, dataset.calibration, context)
    unfinished = folder.with_name(folder.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    model.save(unfinished)
    unfinished.rename(folder)
    return model
