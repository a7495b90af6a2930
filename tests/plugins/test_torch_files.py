"""PyTorch networks as others save them enter as they are, and PyTorch is afterwards as it was."""

import json
import shutil

import numpy as np
import pytest
import torch
from networks import torch_file, weights

import regharness as rh
from regharness.errors import CellError
from regharness.testing import make_batch

BATCH = make_batch(40, 60).inputs()
CPU = rh.RunContext(device="cpu")
CODE = """
import torch
from torch import nn

class Rows(nn.Module):
    "Takes (example, base, 1, position), as networks of two-dimensional convolutions do."
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4))

    def forward(self, sequence):
        assert sequence.ndim == 4 and sequence.shape[2] == 1
        return (sequence[:, :, 0].mean(2) * self.weight).sum(1)

class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(6, 1)

    def forward(self, tokens):
        return self.table(tokens).mean(1)

class Cell(nn.Module):
    "A mean for each cell type, told by its index."
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(2, 1)

    def forward(self, sequence, cell):
        return self.table(cell[:, 0])

class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, sequence):
        share = sequence[:, 1].mean(1) * self.scale
        return {"heads": [share, 2 * share], "nothing": None}

class Motifs(nn.Module):
    def __init__(self, motifs=24):
        super().__init__()
        self.linear = nn.Linear(motifs, 1, bias=False)

    def forward(self, sequence, motifs):
        return self.linear(motifs)

class Rude(nn.Module):
    "Changes what is PyTorch's own."
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.dropout = nn.Dropout(0.9)

    def forward(self, sequence):
        assert torch.are_deterministic_algorithms_enabled() and not torch.backends.cudnn.allow_tf32
        assert torch.get_num_threads() == 1
        torch.manual_seed(3)
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(2)
        torch.use_deterministic_algorithms(False)
        return self.dropout(sequence[:, 1].mean(1) * self.scale)
"""


def share(code):
    return (BATCH.sequence == code).mean(axis=1)


@pytest.fixture
def model(tmp_path):
    """A model of the module of this name, with weights as given and 'with' of these words."""
    (tmp_path / "own.py").write_text(CODE)

    def make(module, state, **described):
        torch.save(state, tmp_path / "state.pt")
        return rh.model("torch", path=tmp_path / "state.pt", module=module, code=tmp_path / "own.py", **described)

    return make


def predict(model, batch=BATCH):
    return model.predict(batch, CPU).mean


def test_an_axis_of_size_one_is_where_the_layout_says(model):
    found = predict(model("Rows", {"weight": torch.from_numpy(weights()[:, 0])}, layout="NC1L"))
    np.testing.assert_allclose(found[:, 0], share(1), atol=1e-6)


def test_an_embedding_of_tokens_is_given_the_numbers_of_bases(model):
    table = torch.tensor([[0.0], [10.0], [20.0], [30.0], [40.0], [0.0]])
    found = predict(model("Tokens", {"table.weight": table}, tokens={"A": 1, "C": 2, "G": 3, "T": 4, "N": 0}))
    np.testing.assert_allclose(found[:, 0], sum(10 * (code + 1) * share(code) for code in range(4)), rtol=1e-5)


def test_the_index_of_a_cell_type_can_be_an_integer(model):
    inputs = {"cell": {"use": "output", "values": {"K562": 1, "HepG2": 0}, "integer": True}}
    made = model("Cell", {"table.weight": torch.tensor([[3.0], [7.0]])}, inputs=inputs)
    found = predict(made, make_batch(4, 60, outputs=("HepG2", "K562")).inputs())
    np.testing.assert_allclose(found, [[3.0, 7.0]] * 4)


def test_outputs_within_outputs_are_named_by_their_way(model):
    made = model("Nested", {"scale": torch.ones(1)}, tensors=["heads/1"])
    np.testing.assert_allclose(predict(made)[:, 0], 2 * share(1), atol=1e-6)


def test_a_network_is_given_how_much_each_motif_is_bound(model):
    from regharness_motifs.library import load_motifs
    from regharness_motifs.scanning import occupancy_features

    matrix = torch.linspace(-1, 1, 24)[None]
    inputs = {"motifs": {"use": "motif_features"}}
    found = predict(model("Motifs", {"linear.weight": matrix}, inputs=inputs))
    expected = occupancy_features(BATCH.sequence, load_motifs()) @ matrix.numpy().T
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_another_variant_of_the_library_is_scanned(model):
    from regharness_motifs.library import load_motifs
    from regharness_motifs.scanning import occupancy_features
    from regharness_motifs.variation import variant

    inputs = {"motifs": {"use": "motif_features", "motif_variant": "subset"}}
    made = model("Motifs", {"linear.weight": torch.ones(1, 12)}, inputs=inputs, arguments={"motifs": 12})
    expected = occupancy_features(BATCH.sequence, variant(load_motifs(), "subset")).sum(axis=1)
    np.testing.assert_allclose(predict(made)[:, 0], expected, rtol=1e-5)


def test_a_library_of_other_motifs_is_refused(model, tmp_path):
    (tmp_path / "one.jaspar").write_text(">X X\nA [9 0 0]\nC [0 9 0]\nG [0 0 9]\nT [0 0 0]\n")
    inputs = {"motifs": {"use": "motif_features", "motifs": str(tmp_path / "one.jaspar")}}
    with pytest.raises(CellError, match=r"the network refused sequence .*motifs \(40, 1\)"):
        predict(model("Motifs", {"linear.weight": torch.zeros(1, 24)}, inputs=inputs))


def test_weights_in_an_entry_of_a_checkpoint_are_found_by_its_name(model):
    checkpoint = {"epoch": 3, "model": {"net.scale": torch.ones(1)}}
    found = predict(model("Nested", checkpoint, entry="model", prefix="net.", tensors=["heads/0"]))
    np.testing.assert_allclose(found[:, 0], share(1), atol=1e-6)
    with pytest.raises(CellError, match="it holds epoch, model: 'entry' names that of the weights"):
        predict(model("Nested", checkpoint))
    with pytest.raises(CellError, match="no entry named 'modle'; did you mean 'model'"):
        predict(model("Nested", checkpoint, entry="modle"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.zeros(1).to_sparse(), "scale is torch.sparse_coo on cpu, not a dense tensor"),
        (torch.zeros(1, device="meta"), "scale is torch.strided on meta, not a dense tensor"),
    ],
)
def test_tensors_without_their_numbers_are_refused(model, value, message):
    with pytest.raises(CellError, match=message):
        predict(model("Nested", {"scale": value}))


def test_pytorch_is_afterwards_as_it_was(model):
    made = model("Rude", {"scale": torch.ones(1)})
    torch.manual_seed(11)
    expected = torch.rand(1)
    torch.manual_seed(11)
    threads, fill = torch.get_num_threads(), torch.utils.deterministic.fill_uninitialized_memory
    # In evaluation mode dropout does nothing.
    np.testing.assert_allclose(predict(made)[:, 0], share(1), atol=1e-6)
    assert torch.rand(1) == expected
    assert torch.get_default_dtype() == torch.float32
    assert torch.get_num_threads() == threads
    assert torch.utils.deterministic.fill_uninitialized_memory == fill
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.is_grad_enabled()


def test_the_modes_of_a_networks_parts_are_put_back():
    from regharness_torch.state import evaluating

    module = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.BatchNorm1d(2).eval())
    with evaluating(module):
        assert not any(part.training for part in module.modules())
    assert [part.training for part in module.modules()] == [True, True, False]


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_is_close_and_not_the_same(tmp_path, precision):
    full = predict(rh.model("torch", **torch_file(tmp_path)))
    low = predict(rh.model("torch", **torch_file(tmp_path), precision=precision))
    np.testing.assert_allclose(low, full, atol=5e-3)
    assert abs(low - full).max() > 1e-6


def test_a_network_of_another_precision_is_given_its_own(tmp_path):
    described = torch_file(tmp_path)
    (tmp_path / "net.py").write_text(
        (tmp_path / "net.py").read_text() + "\n\ndef double():\n    return Share().double()\n"
    )
    found = predict(rh.model("torch", **{**described, "module": "double", "arguments": {}}))
    np.testing.assert_allclose(found[:, 0], share(1), atol=1e-7)


def test_a_torchscript_program_needs_trust(tmp_path):
    class Share(torch.nn.Module):
        def forward(self, sequence):
            return sequence[:, 1].mean(1)

    with pytest.warns(DeprecationWarning, match="torch.jit"):
        torch.jit.script(Share()).save(tmp_path / "share.ts")
    found = predict(rh.model("torch", path=tmp_path / "share.ts", trust=True))
    np.testing.assert_allclose(found[:, 0], share(1), atol=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_network_gives_the_same(tmp_path):
    made = rh.model("torch", **torch_file(tmp_path), compile=True)
    np.testing.assert_allclose(predict(made)[:, 0], share(1), atol=1e-6)
    assert made.execution()["compiled"] == "true"


def test_an_algorithm_that_varies_is_refused_with_the_way_to_allow_it(tmp_path):
    described = torch_file(tmp_path)
    source = (tmp_path / "net.py").read_text()
    # Those that vary do so on a GPU only, so here one stands in that says what PyTorch does of them.
    failing = (
        "        if torch.are_deterministic_algorithms_enabled():\n"
        "            raise RuntimeError('x does not have a deterministic implementation, but you set ...')\n"
    )
    (tmp_path / "net.py").write_text(
        source.replace("    def forward(self, sequence):\n", f"    def forward(self, sequence):\n{failing}", 1)
    )
    with pytest.raises(CellError, match="'deterministic: false' allows it"):
        predict(rh.model("torch", **described))
    found = predict(rh.model("torch", **described, deterministic=False))
    np.testing.assert_allclose(found[:, 0], share(1), atol=1e-6)


def test_a_network_of_tokens_can_be_entered_in_a_spec(tmp_path):
    # A run checks the parameters of its spec again, with every default filled in.
    (tmp_path / "net.py").write_text(CODE)
    torch.save({"table.weight": torch.arange(6.0)[:, None]}, tmp_path / "weights.pt")
    tokens = {"A": 1, "C": 2, "G": 3, "T": 4, "N": 0}
    described = {"path": "weights.pt", "module": "Tokens", "code": "net.py", "tokens": tokens}
    spec = {
        "name": "tokens",
        "seeds": [0],
        "tasks": [
            {
                "name": "t",
                "data": {
                    "use": "simulated_mpra",
                    "with": {"train": 20, "calibration": 20, "test": 20, "length": 60, "cell_types": ["a"]},
                },
            }
        ],
        "models": [{"name": "m", "use": "torch", "with": described}],
        "metrics": ["mse"],
    }
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))
    assert not rh.run(tmp_path / "spec.yaml", folder=tmp_path / "run").failures
