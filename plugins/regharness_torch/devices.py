"""Own which device PyTorch runs on."""

from __future__ import annotations

import torch

from regharness.errors import CellError


def chosen_device(wanted: str) -> torch.device:
    """The device that a run asks for; ``auto`` is the best there is."""
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise CellError(f"PyTorch knows no device '{wanted}'") from None
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device.type, False) or (device.index or 0) >= max(torch.cuda.device_count(), 1):
        found = ", ".join(name for name, is_there in there.items() if is_there)
        raise CellError(f"the device '{wanted}' is not there; PyTorch finds: {found}")
    return device
