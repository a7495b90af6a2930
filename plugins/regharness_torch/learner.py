"""Train and run a reference network in PyTorch. Knows no architecture and no data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from regharness_networks.parameters import NetworkParameters
from regharness_networks.tensors import code_table, one_hot
from regharness_reference.batches import TrainingBatch
from regharness_reference.training import INFERENCE_BATCH, Codes, Floats, Learner, Weights
from regharness_torch import losses
from regharness_torch.devices import chosen_device
from regharness_torch.dropping import dropout_layers, units_left_out
from regharness_torch.network import ReferenceNetwork
from regharness_torch.parameters import EVIDENCE_PENALTY, HeadParameters

TABLE = code_table(NetworkParameters())


class TorchLearner(Learner):
    """A network of PyTorch, trained with AdamW.

    PyTorch runs on one thread in this process: small networks gain nothing from more, and lose much on a busy
    machine. Initialisation and dropout draw from its global generators, which are put back afterwards.

    Parameters
    ----------
    build
        Makes the network.
    p
        How it is trained.
    groups
        Groups that robust training tells apart.
    seed, device
        Of its first weights and of dropout; where it is.
    """

    def __init__(
        self, build: Callable[[], ReferenceNetwork], p: HeadParameters, groups: int, seed: int, device: str
    ) -> None:
        torch.set_num_threads(1)
        self._p, self._seed, self._device = p, seed, chosen_device(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = build().to(self._device, memory_format=torch.channels_last)
        self._optimiser = torch.optim.AdamW(self.network.parameters(), lr=p.learning_rate, weight_decay=p.weight_decay)
        self._reduced = losses.Reduction(p.robust, groups, self._device)
        self.execution = {
            "device": str(self._device),
            "torch": torch.__version__,
            "threads": str(torch.get_num_threads()),
        }

    @contextmanager
    def training(self) -> Iterator[None]:
        """Seed dropout; of cuDNN's algorithms, only some give the same bits twice."""
        devices = [self._device] if self._device.type == "cuda" else []
        with (
            torch.random.fork_rng(devices=devices),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
        ):
            torch.manual_seed(self._seed)
            yield

    def step(self, batch: TrainingBatch, rate: float) -> float:
        """Take one step of AdamW, with the gradient shortened to its longest length."""
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self.network.train()
        values = self.network(self._one_hot(batch.sequence), self._tensor(batch.features))
        group = None if batch.group is None else self._tensor(batch.group)
        loss = self._reduced(self._terms(values, batch), group)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._p.clip_norm)
        self._optimiser.step()
        return float(loss.item())

    def values(self, sequence: Codes, features: Floats) -> Floats:
        """What the head gives: ``(example, output, value)``."""
        return self._each(self.network, sequence, features)

    def drawn(self, sequence: Codes, features: Floats, rng: np.random.Generator) -> Floats:
        """The same with units dropped, the same ones for every example."""
        with units_left_out(dropout_layers(self.network), rng):
            return self._each(self.network, sequence, features)

    def hidden(self, sequence: Codes, features: Floats) -> Floats:
        """Units of the last hidden layer, and features."""
        return np.concatenate([self._each(self.network.hidden, sequence, features), features], axis=1)

    def weights(self) -> dict[str, NDArray[np.generic]]:
        """A copy of the state dict."""
        return {name: value.cpu().numpy().copy() for name, value in self.network.state_dict().items()}

    def restore(self, weights: Weights) -> None:
        """Load a state dict."""
        self.network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})

    def _terms(self, values: Tensor, batch: TrainingBatch) -> Tensor:
        target = self._tensor(batch.target)
        if self._p.head == "quantile":
            return losses.pinball(values, target, self._p.levels)
        if self._p.head == "evidential":
            penalty = EVIDENCE_PENALTY if self._p.evidence_penalty is None else self._p.evidence_penalty
            return losses.evidential(values, target, penalty)
        weight = None if batch.weight is None else self._tensor(batch.weight)
        return losses.gaussian(values, target, self._p.beta, weight)

    def _each(self, call: Callable[[Tensor, Tensor], Tensor], sequence: Codes, features: Floats) -> Floats:
        self.network.eval()
        found = []
        with (
            torch.inference_mode(),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
        ):
            for start in range(0, len(sequence), INFERENCE_BATCH):
                rows = slice(start, start + INFERENCE_BATCH)
                made = call(self._one_hot(np.ascontiguousarray(sequence[rows])), self._tensor(features[rows]))
                found.append(made.cpu().numpy())
        return np.concatenate(found)

    def _one_hot(self, sequence: Codes) -> Tensor:
        """``(example, base, position)``, whose bases lie together in memory as convolutions here want them."""
        return self._tensor(one_hot(sequence, TABLE, "NLC")).transpose(1, 2)

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)
