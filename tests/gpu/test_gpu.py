"""A GPU gives what the processor gives, to 1e-3, whatever the framework; and its memory is lived with."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gpus import gpu_providers
from networks import onnx_file, torch_file
from splits import real_data

import regharness as rh
from regharness.interfaces import SequenceBatch
from regharness.testing import make_batch

pytestmark = pytest.mark.gpu
BATCH = make_batch(1000, 200).inputs()
SPECS = Path(__file__).parents[2] / "specs"


@pytest.fixture
def deepstarr():
    """The folder of its files, and sequences as its measurements have them."""
    folder = Path(os.environ["REGHARNESS_DATA_DIR"]) / "deepstarr"
    lines = (folder / "sample_test.txt").read_text().splitlines()
    column = lines[0].split("\t").index("Sequence")
    texts = [line.split("\t")[column].upper() for line in lines[1:257]]
    codes = np.array([["ACGTN".index(base) for base in text] for text in texts], np.uint8)
    return folder, SequenceBatch(np.arange(len(codes)).astype(str), codes, ("Dev", "Hk"))


@real_data
def test_deepstarr_in_pytorch(on_cuda, as_on_the_cpu, deepstarr):
    folder, batch = deepstarr
    given = {"path": folder / "deepstarr_torch_state.pt", "module": "DeepSTARR", "code": SPECS / "deepstarr.py"}
    as_on_the_cpu(rh.model("torch", **given), rh.model("torch", **given), batch, on_cuda, "DeepSTARR, torch")


def test_a_network_in_pytorch(on_cuda, as_on_the_cpu, tmp_path):
    given = torch_file(tmp_path)
    as_on_the_cpu(rh.model("torch", **given), rh.model("torch", **given), BATCH, on_cuda, "share of C, torch")


def test_equal_calls_give_equal_bits_in_pytorch(on_cuda, tmp_path):
    model = rh.model("torch", **torch_file(tmp_path))
    assert np.array_equal(model.predict(BATCH, on_cuda).mean, model.predict(BATCH, on_cuda).mean)


def test_the_reference_network(on_cuda, as_on_the_cpu):
    model = rh.model("torch_cnn", epochs=1)
    train = make_batch(512, 200)
    model.fit(train, make_batch(128, 200), rh.RunContext(device="cpu"))
    as_on_the_cpu(model, model, BATCH, on_cuda, "torch_cnn")


def test_the_reference_network_learns(on_cuda):
    model = rh.model("torch_cnn", epochs=1)
    model.fit(make_batch(512, 200), make_batch(128, 200), on_cuda)
    assert np.isfinite(model.predict(BATCH, on_cuda).mean).all()


def test_a_batch_that_a_device_has_no_memory_for_is_halved(on_cuda, tmp_path):
    import torch

    (tmp_path / "wide.py").write_text(
        "import torch\n\nclass Wide(torch.nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.scale = torch.nn.Parameter(torch.ones(1))\n"
        "    def forward(self, sequence):\n"
        "        return (sequence[:, 1:2] * self.scale).expand(-1, 512, -1).contiguous().mean((1, 2))\n"
    )
    torch.save({"scale": torch.ones(1)}, tmp_path / "wide.pt")
    model = rh.model("torch", path=tmp_path / "wide.pt", module="Wide", code=tmp_path / "wide.py", batch_size=65_536)
    batch = make_batch(20_000, 200).inputs()
    # 20,000 x 512 x 200 numbers are 8 GB; all but 2 GB of the device are taken.
    free, _ = torch.cuda.mem_get_info(0)
    taken = torch.empty(max(free - 2 * 10**9, 0), dtype=torch.uint8, device="cuda:0")
    found = model.predict(batch, on_cuda).mean[:, 0]
    del taken
    torch.cuda.empty_cache()
    assert int(model.execution()["batch_size"]) < 20_000
    np.testing.assert_allclose(found, (batch.sequence == 1).mean(axis=1), atol=1e-4)


KERAS = """
import sys
import numpy as np
import regharness as rh
from regharness.testing import make_batch
from regharness_keras.process import keras_with
keras = keras_with("torch")
given = keras.Input((200, 4))
made = keras.layers.Conv1D(32, 15, activation="relu")(given)
made = keras.layers.Dense(1)(keras.layers.GlobalAveragePooling1D()(made))
keras.utils.set_random_seed(0)
keras.Model(given, made).save(sys.argv[1])
batch = make_batch(1000, 200).inputs()
found = {}
for device in ("cpu", "cuda:0"):
    model = rh.model("keras", path=sys.argv[1], backend="torch")
    found[device] = model.predict(batch, rh.RunContext(device=device)).mean
assert model.execution()["device"] == "cuda:0", model.execution()
assert abs(found["cpu"] - found["cuda:0"]).max() < 1e-3
"""


@pytest.mark.usefixtures("on_cuda")
def test_keras_with_the_torch_backend(tmp_path):
    done = subprocess.run([sys.executable, "-c", KERAS, str(tmp_path / "a.keras")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(params=["CUDAExecutionProvider", "WebGpuExecutionProvider"])
def provider(request):
    if request.param not in gpu_providers():
        pytest.skip(f"ONNX Runtime has no {request.param} here")
    return request.param


def test_a_graph_in_onnx(as_on_the_cpu, provider, tmp_path):
    given, context = onnx_file(tmp_path), rh.RunContext(device="cpu")
    on_gpu = rh.model("onnx", **given, providers=[provider])
    as_on_the_cpu(on_gpu, rh.model("onnx", **given), BATCH, context, "share of C, onnx")
    assert on_gpu.execution()["providers"].split(", ")[0] == provider


@real_data
def test_deepstarr_in_onnx(as_on_the_cpu, provider, deepstarr):
    folder, batch = deepstarr
    batch = batch.select(np.arange(16))
    path, context = folder / "deepstarr.onnx", rh.RunContext(device="cpu")
    on_gpu = rh.model("onnx", path=path, providers=[provider])
    as_on_the_cpu(on_gpu, rh.model("onnx", path=path), batch, context, "DeepSTARR, onnx")
