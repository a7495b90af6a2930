"""Own which device PyTorch runs on, and what memory it has free."""

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


def free_memory(device: torch.device) -> int | None:
    """Bytes that are free on an accelerator; None for a processor."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return None


def release_memory(device: torch.device) -> None:
    """Give back what PyTorch keeps for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
