"""How many examples a network is given at a time, with a device that runs out of memory on demand."""

import numpy as np
import pytest

import regharness as rh
from regharness.errors import CellError
from regharness.testing import make_batch
from regharness_networks.adapter import FileModel, Network
from regharness_networks.batches import CPU_BATCH, OutOfMemory, first_batch_size, is_out_of_memory
from regharness_networks.inputs import InputTensor
from regharness_networks.parameters import NetworkParameters

BATCH = make_batch(1000, 60).inputs()
GPU = rh.RunContext(device="cuda:0")
GIB = 2**30


class Device(Network):
    """Gives the share of C, and has memory for so many examples."""

    execution = {"device": "made up"}  # noqa: RUF012

    def __init__(self, holds, accelerated=True, free=None, examples=None):
        self.inputs = (InputTensor("sequence", (examples, None, 4), np.dtype(np.float32)),)
        self.accelerated, self.free, self.holds, self.seen = accelerated, free, holds, []

    def free_memory(self):
        return self.free

    def run(self, inputs):
        sequence = inputs["sequence"]
        self.seen.append(len(sequence))
        if len(sequence) > self.holds:
            raise OutOfMemory
        return [("share", sequence[:, :, 1].mean(axis=1))]


class Model(FileModel):
    def __init__(self, device, **described):
        super().__init__(NetworkParameters(**described))
        self.device = device

    def open(self, device):
        return self.device


def share():
    return (BATCH.sequence == 1).mean(axis=1)


def test_a_batch_is_halved_until_memory_suffices_and_stays_so():
    device = Device(holds=100, free=10 * GIB)
    model = Model(device)
    np.testing.assert_allclose(model.predict(BATCH, GPU).mean[:, 0], share(), atol=1e-6)
    assert device.seen[:6] == [1000, 500, 250, 125, 62, 62]
    model.predict(BATCH, GPU)
    assert max(device.seen[5:]) == 62
    assert model.execution()["batch_size"] == "62"


def test_a_size_that_was_given_is_halved_too():
    device = Device(holds=10)
    Model(device, batch_size=32).predict(BATCH, GPU)
    assert device.seen[:3] == [32, 16, 8]


def test_memory_for_not_one_example_ends_in_a_line():
    with pytest.raises(CellError, match="the device has no memory for a single example"):
        Model(Device(holds=0)).predict(BATCH, GPU)


def test_a_network_of_a_fixed_size_is_always_given_that_many():
    device = Device(holds=64, examples=64)
    np.testing.assert_allclose(Model(device).predict(BATCH, GPU).mean[:, 0], share(), atol=1e-6)
    assert set(device.seen) == {64}
    with pytest.raises(CellError, match="no memory for the 64 examples that the network takes"):
        Model(Device(holds=10, examples=64)).predict(BATCH, GPU)


def test_a_processor_is_given_256():
    device = Device(holds=10_000, accelerated=False)
    Model(device).predict(BATCH, GPU)
    assert device.seen == [256, 256, 256, 232]
    assert first_batch_size(False, 80 * GIB, 3200) == CPU_BATCH == 256


@pytest.mark.parametrize(
    ("free", "example", "size"),
    [
        # 80 GiB / 1000 / 3,200 bytes = 26,844; the most is 8,192.
        (80 * GIB, 200 * 16, 8192),
        # 2 GiB / 1000 / 3,200 = 671.
        (2 * GIB, 200 * 16, 512),
        # 80 GiB / 1000 / 3,145,728 = 27.3.
        (80 * GIB, 196_608 * 16, 16),
        (1 * GIB, 196_608 * 16, 1),
        # Not told: as if 4 GiB were free, 1,342.
        (None, 200 * 16, 1024),
    ],
)
def test_an_accelerators_first_batch_takes_a_thousandth_of_its_free_memory(free, example, size):
    assert first_batch_size(True, free, example) == size


class ResourceExhaustedError(Exception):
    """As TensorFlow has it."""


class XlaRuntimeError(RuntimeError):
    """As JAX has it."""


@pytest.mark.parametrize(
    "error",
    [
        ResourceExhaustedError("{{function_node}} OOM when allocating tensor with shape[8192,256,200]"),
        XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 34359738368 bytes."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer"),
        MemoryError(),
    ],
)
def test_frameworks_are_understood_when_memory_did_not_suffice(error):
    assert is_out_of_memory(error)


def test_pytorchs_own_error_is_understood():
    torch = pytest.importorskip("torch")
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."))


@pytest.mark.parametrize("text", ["Sizes of tensors must match except in dimension 1", "allocation planner failed"])
def test_other_errors_are_not_taken_for_it(text):
    assert not is_out_of_memory(RuntimeError(text))
