"""Small networks as files of three frameworks: the share of C in a sequence, and what else a test asks for."""

import numpy as np

TORCH = """
import torch
from torch import nn

class Share(nn.Module):
    def __init__(self, channel=1, values=1):
        super().__init__()
        self.linear = nn.Linear(4, values, bias=False)

    def forward(self, sequence):
        return self.linear(sequence.mean(2))

class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, sequence, number):
        return {"first": self.scale * sequence[:, 1].mean(1), "second": number[:, 0] * self.scale}

def nothing():
    return 3
"""


def weights(channel=1, values=1):
    """``(base, value)``: each value is the share of one channel."""
    matrix = np.zeros((4, values), np.float32)
    matrix[channel] = 1.0
    return matrix


def torch_file(folder, channel=1, values=1, suffix=".pt"):
    import torch
    from safetensors.torch import save_file

    (folder / "net.py").write_text(TORCH)
    state = {"linear.weight": torch.from_numpy(weights(channel, values).T.copy())}
    path = folder / f"share{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    return {"path": str(path), "module": "Share", "code": str(folder / "net.py"), "arguments": {"values": values}}


def onnx_file(folder, channel=1, values=1, length=None, **save):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("ReduceMean", ["sequence", "axes"], ["shares"], keepdims=0),
        helper.make_node("MatMul", ["shares", "weight"], ["share"]),
    ]
    given = helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["n", 4, length or "length"])
    made = helper.make_tensor_value_info("share", TensorProto.FLOAT, ["n", values])
    constants = [
        numpy_helper.from_array(np.array([2]), "axes"),
        numpy_helper.from_array(weights(channel, values), "weight"),
    ]
    graph = helper.make_graph(nodes, "share", [given], [made], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, folder / "share.onnx", **save)
    return {"path": str(folder / "share.onnx")}


def keras_file(folder, channel=1, values=1, length=None):
    from regharness_keras.process import keras_with

    keras = keras_with("tensorflow")
    given = keras.Input((length, 4), name="sequence")
    layer = keras.layers.Dense(values, use_bias=False)
    model = keras.Model(given, layer(keras.layers.GlobalAveragePooling1D()(given)))
    layer.set_weights([weights(channel, values)])
    model.save(folder / "share.keras")
    return {"path": str(folder / "share.keras")}


MAKERS = {"torch": torch_file, "onnx": onnx_file, "keras": keras_file}
