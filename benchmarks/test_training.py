"""What training a reference model costs against a loop written by hand; read the ratio, not the times.

The CNN of the quickstart on 4,096 sequences of 200 bp, two epochs in batches of 64, one thread. By hand means: the
same network and optimiser, sequences that are encoded already and stay on their strand, and a look at the calibration
split after each epoch.
"""

import numpy as np
import pytest
import torch
from torch.nn.functional import gaussian_nll_loss

import regharness as rh
from regharness.interfaces import SequenceBatch
from regharness.seeding import rng_for
from regharness_reference.adapter import Shape

N, HELD, LENGTH, BATCH, EPOCHS, RATE = 4_096, 512, 200, 64, 2, 5e-3
CPU = rh.RunContext(device="cpu")
ROUNDS = {"rounds": 5, "warmup_rounds": 1}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def split(n, name):
    rng = rng_for(0, "bench", name)
    sequence = rng.integers(0, 4, (n, LENGTH)).astype(np.uint8)
    target = rng.normal(size=(n, 2)).astype(np.float32)
    return SequenceBatch(np.arange(n).astype(str), sequence, ("K562", "HepG2"), target)


def encoded(batch):
    one_hot = torch.nn.functional.one_hot(torch.from_numpy(batch.sequence).long(), 4).float().transpose(1, 2)
    return one_hot.contiguous(), torch.from_numpy(batch.target)


def by_hand(train, held, network):
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.01)
    steps = EPOCHS * (N // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, cycle_momentum=False)
    nothing = torch.zeros(BATCH, 0)
    for _ in range(EPOCHS):
        network.train()
        order = torch.randperm(N)
        for start in range(0, N, BATCH):
            rows = order[start : start + BATCH]
            mean, log_variance = network(train[0][rows], nothing).unbind(dim=2)
            loss = gaussian_nll_loss(mean, train[1][rows], log_variance.exp())
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            loss.item()
        network.eval()
        with torch.inference_mode():
            for start in range(0, HELD, BATCH):
                network(held[0][start : start + BATCH], nothing).sum().item()


@pytest.mark.benchmark(group=f"training: CNN, {N:,} x {LENGTH} bp, {EPOCHS} epochs")
class TestTraining:
    def test_by_hand(self, benchmark):
        train, held = (encoded(split(n, name)) for n, name in ((N, "train"), (HELD, "held")))
        network = rh.model("torch_cnn").network(Shape(LENGTH, 2, 0)).to(memory_format=torch.channels_last)
        benchmark.pedantic(by_hand, (train, held, network), **ROUNDS)

    def test_the_reference_model(self, benchmark):
        train, held = split(N, "train"), split(HELD, "held")
        model = rh.model("torch_cnn", epochs=EPOCHS, batch_size=BATCH)
        benchmark.pedantic(model.fit, (train, held, CPU), **ROUNDS)
