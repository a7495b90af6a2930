"""Run somebody's network and leave PyTorch as it was: flags, threads, random numbers. Runs none itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch.utils import deterministic as filling


@contextmanager
def undisturbed(device: torch.device, deterministic: bool) -> Iterator[None]:
    """One thread, float32 that is float32 and, if asked for, only algorithms that give the same bits twice.

    What is put back afterwards, whatever the code inside did: number of threads, default type, whether gradients
    are recorded, global random numbers of processor and device, and the flags of determinism and of cuDNN.
    """
    before = torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()
    strict = torch.get_deterministic_debug_mode()
    fills = filling.fill_uninitialized_memory
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[device] if device.type == "cuda" else []))
        stack.enter_context(
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=deterministic, allow_tf32=False)
        )
        try:
            torch.set_num_threads(1)
            # As use_deterministic_algorithms does, without loading PyTorch's compiler.
            torch.set_deterministic_debug_mode("error" if deterministic else "default")
            # It costs time, and helps none of those who read no memory before they write it.
            filling.fill_uninitialized_memory = False
            yield
        finally:
            torch.set_num_threads(before[0])
            torch.set_default_dtype(before[1])
            torch.set_grad_enabled(before[2])
            torch.set_deterministic_debug_mode(strict)
            filling.fill_uninitialized_memory = fills


@contextmanager
def evaluating(module: torch.nn.Module) -> Iterator[None]:
    """Every part in evaluation mode, and afterwards as it was."""
    before = [(part, part.training) for part in module.modules()]
    # Programs of torch.export have no modes, and refuse to be asked.
    if any(training for _, training in before) and not isinstance(module, torch.fx.GraphModule):
        module.eval()
    try:
        yield
    finally:
        for part, training in before:
            if part.training != training:
                part.training = training
