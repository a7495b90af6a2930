"""What adapters cost against calling the framework by hand on the same batches; read the ratios, not the times.

A network of the size of DeepSTARR, 4,096 sequences of 200 bp in batches of 256, one thread each. By hand means:
sequences that are encoded already, the framework's own call, and no look at what comes back.
"""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import regharness as rh
from regharness.interfaces import SequenceBatch
from regharness.seeding import rng_for
from regharness_networks.parameters import NetworkParameters
from regharness_networks.tensors import code_table, one_hot

sys.path.insert(0, str(Path(__file__).parents[1] / "specs"))

N, LENGTH, BATCH = 4_096, 200, 256
CPU = rh.RunContext(device="cpu")
ROUNDS = {"rounds": 5, "warmup_rounds": 1}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def codes():
    return rng_for(0, "bench").integers(0, 4, (N, LENGTH)).astype(np.uint8)


@pytest.fixture(scope="module")
def batch(codes):
    return SequenceBatch(np.arange(N).astype(str), codes, ("Dev", "Hk"))


@pytest.fixture(scope="module")
def network():
    from deepstarr import DeepSTARR

    made = DeepSTARR().eval()
    # The first dense layer is for 249 bp.
    made.fc[0] = torch.nn.Linear(LENGTH // 16 * 120, 256)
    return made.requires_grad_(False)


@pytest.fixture(scope="module")
def files(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    torch.save(network.state_dict(), folder / "net.pt")
    source = (Path(__file__).parents[1] / "specs" / "deepstarr.py").read_text()
    (folder / "net.py").write_text(source.replace("15 * channels", f"{LENGTH // 16} * channels"))
    example = torch.zeros(2, 4, LENGTH)
    with warnings.catch_warnings():
        # The exporter uses what PyTorch itself deprecates.
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (example,), folder / "net.onnx", dynamic_shapes=({0: "n"},), verbose=False)
    return folder


def chunks(encoded):
    return [encoded[start : start + BATCH] for start in range(0, N, BATCH)]


@pytest.mark.benchmark(group="PyTorch, batches of 256 x 200 bp")
class TestTorch:
    def test_by_hand(self, benchmark, network, codes):
        given = chunks(torch.from_numpy(one_hot(codes, code_table(NetworkParameters()), "NCL")))

        def run():
            with torch.inference_mode():
                return [network(part).numpy() for part in given]

        benchmark.pedantic(run, **ROUNDS)

    def test_the_adapter(self, benchmark, files, batch):
        model = rh.model("torch", path=files / "net.pt", module="DeepSTARR", code=files / "net.py", batch_size=BATCH)
        benchmark.pedantic(model.predict, (batch, CPU), **ROUNDS)


@pytest.mark.benchmark(group="ONNX Runtime, batches of 256 x 200 bp")
class TestOnnx:
    def test_by_hand(self, benchmark, files, codes):
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = ort.InferenceSession(files / "net.onnx", options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        given = chunks(one_hot(codes, code_table(NetworkParameters()), "NCL"))
        benchmark.pedantic(lambda: [session.run(None, {name: part}) for part in given], **ROUNDS)

    def test_the_adapter(self, benchmark, files, batch):
        model = rh.model("onnx", path=files / "net.onnx", batch_size=BATCH)
        benchmark.pedantic(model.predict, (batch, CPU), **ROUNDS)


@pytest.mark.benchmark(group="Keras, batches of 256 x 200 bp")
class TestKeras:
    @pytest.fixture
    def file(self, tmp_path):
        from regharness_keras.process import keras_with

        keras = keras_with("tensorflow")
        layers = [keras.Input((LENGTH, 4))]
        for filters, width in ((256, 7), (60, 3), (60, 5), (120, 3)):
            layers += [keras.layers.Conv1D(filters, width, padding="same", activation="relu")]
            layers += [keras.layers.MaxPooling1D(2)]
        layers += [keras.layers.Flatten(), keras.layers.Dense(256, activation="relu"), keras.layers.Dense(2)]
        keras.Sequential(layers).save(tmp_path / "net.keras")
        return tmp_path / "net.keras"

    def test_by_hand(self, benchmark, file, codes):
        import keras

        model = keras.saving.load_model(file, compile=False)
        given = chunks(one_hot(codes, code_table(NetworkParameters()), "NLC"))
        benchmark.pedantic(lambda: [model.predict_on_batch(part) for part in given], **ROUNDS)

    def test_the_adapter(self, benchmark, file, batch):
        model = rh.model("keras", path=file, batch_size=BATCH)
        benchmark.pedantic(model.predict, (batch, CPU), **ROUNDS)


@pytest.mark.benchmark(group=f"encoding {N:,} x {LENGTH} bp, 13 MB of numbers")
@pytest.mark.parametrize("layout", ["NLC", "NCL"])
def test_one_hot(benchmark, codes, layout):
    encoded = benchmark.pedantic(one_hot, (codes, code_table(NetworkParameters()), layout), **ROUNDS)
    benchmark.extra_info["gigabytes_per_second"] = encoded.nbytes / benchmark.stats.stats.median / 1e9


STARTS = {
    "torch": ("import torch", "regharness_torch.file", "TorchModel"),
    "keras": ("import tensorflow, keras", "regharness_keras.model", "KerasModel"),
    "onnx": ("import onnxruntime, onnx", "regharness_onnx.model", "OnnxModel"),
}


@pytest.mark.parametrize("use", STARTS)
@pytest.mark.parametrize("what", ["the framework", "the adapter"])
def test_start_up(benchmark, use, what):
    """A process that imports the framework, beside what it needs anyway, and one that makes and opens a model."""
    framework, module, name = STARTS[use]
    benchmark.group = f"start-up of {use}"
    anyway = "import regharness.runner, regharness.parameters, regharness.sequences, numba, scipy.stats"
    code = f"{anyway}; {framework}"
    if what == "the adapter":
        code = f"{anyway}; from {module} import {name}"
        if use == "keras":
            code += "; from regharness_keras.process import keras_with; keras_with('tensorflow')"
    # Compare the least times: the file system and whatever else the machine does only ever add to them.
    benchmark.pedantic(
        lambda: subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True), rounds=5, warmup_rounds=1
    )
