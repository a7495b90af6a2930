"""Own a model around another: what it keeps beside it, and what it may show to it. Owns no method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from regharness import SequenceBatch
from regharness.capabilities import Exportable, Exported
from regharness.interfaces import ModelAdapter

INNER = "model"
Values = NDArray[np.float64]


class Wrapped(ModelAdapter):
    """A model around another, with arrays that were learnt about it.

    Attributes
    ----------
    file
        What is learnt is stored in; arrays by name.
    unchanged
        Parts of a prediction that stay as the model inside gives them, so that a file of that has them too.

    Parameters
    ----------
    inner
        The model to wrap.
    """

    trainable = True
    file: str
    unchanged: tuple[str, ...] = ("mean",)

    def __init__(self, inner: ModelAdapter) -> None:
        self._inner = inner
        self.needs = inner.needs
        self._learnt: dict[str, Values] = {}

    def save(self, folder: Path) -> None:
        """Write what was learnt, and the model into a folder of its own unless it comes fitted."""
        save_file({name: np.ascontiguousarray(value) for name, value in self._learnt.items()}, folder / self.file)
        if self._inner.trainable:
            (folder / INNER).mkdir()
            self._inner.save(folder / INNER)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        self._learnt = load_file(folder / self.file)
        if self._inner.trainable:
            self._inner.load(folder / INNER)

    @property
    def export_formats(self) -> tuple[str, ...]:
        """Formats that the model inside offers; none where a file of that would predict nothing as this model does."""
        return self._inner.export_formats if self.unchanged and isinstance(self._inner, Exportable) else ()

    def export(self, path: Path, format: str, outputs: tuple[str, ...]) -> Exported:
        """Write the model inside, without what was learnt about it."""
        exported = self._inner.export(path, format, outputs)
        return replace(exported, parts=tuple(part for part in exported.parts if part in self.unchanged))

    def execution(self) -> Mapping[str, str]:
        """What the model ran on."""
        return self._inner.execution()


def shown(batch: SequenceBatch, model: ModelAdapter) -> SequenceBatch:
    """What `model` may see of examples that it predicts: no target, and the truth only where it needs it."""
    return replace(batch, target=None) if "truth" in model.needs else batch.inputs()
