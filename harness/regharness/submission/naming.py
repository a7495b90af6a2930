"""Own how a model of a run is called in a submission. Renames nothing in the run."""

from __future__ import annotations

import re
from collections.abc import Iterable


def slug_of(model: str) -> str:
    """A model's name as files and addresses have it: ``cnn+motifs`` is ``cnn-motifs``."""
    slug = re.sub(r"[^a-z0-9._-]+", "-", model.lower())
    return re.sub(r"\.\.+", ".", slug).strip("._-")[:64].rstrip(".") or "model"


def model_of(slug: str, models: Iterable[str]) -> str | None:
    """The model of a run that a slug stands for."""
    held = list(models)
    return slug if slug in held else next((name for name in held if slug_of(name) == slug), None)
