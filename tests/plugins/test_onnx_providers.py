"""Graphs run on the execution providers that a spec names, and on no other without its saying so."""

from importlib.util import find_spec

import numpy as np
import pytest
from networks import onnx_file

import regharness as rh
from regharness.errors import CellError
from regharness.testing import make_batch

ort = pytest.importorskip("onnxruntime")
from regharness_onnx.parameters import Provider  # noqa: E402
from regharness_onnx.providers import CPU, PLUGINS, needed, register_libraries  # noqa: E402

BATCH = make_batch(40, 60).inputs()
CPU_RUN = rh.RunContext(device="cpu")


def share():
    return (BATCH.sequence == 1).mean(axis=1)


def predict(folder, **described):
    model = rh.model("onnx", **onnx_file(folder), **described)
    return model.predict(BATCH, CPU_RUN).mean[:, 0], model.execution()


def other_providers():
    """Providers but the CPU's that can run here: those built in, and those that plugin packages find devices for."""
    from regharness_onnx.parameters import OnnxParameters

    wanted = [Provider(name=name) for name in PLUGINS]
    register_libraries(OnnxParameters.model_construct(libraries=[]), wanted)
    plugged = {one.ep_name for one in ort.get_ep_devices() if one.device.metadata.get("is_virtual") != "1"}
    built_in = set(ort.get_available_providers()) - {"AzureExecutionProvider"}
    return sorted((plugged | built_in) - {CPU})


@pytest.mark.parametrize("listed", [[], ["CPUExecutionProvider"]])
def test_every_provider_that_can_run_here_predicts_as_the_cpu_does(tmp_path, listed):
    found = other_providers()
    if not found:
        pytest.skip("ONNX Runtime has the CPU alone; onnxruntime-ep-webgpu, onnxruntime-openvino, ... bring others")
    for name in found:
        predicted, execution = predict(tmp_path, providers=[name, *listed])
        assert execution["providers"].split(", ")[0] == name
        np.testing.assert_allclose(predicted, share(), atol=1e-3)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["A", "B"], ["A", "B"]),
        (["A", CPU], []),
        ([CPU, "A"], ["A"]),
        (["A", CPU, "B"], ["B"]),
        ([CPU], []),
    ],
)
def test_a_provider_must_run_unless_the_cpu_is_listed_after_it(names, expected):
    assert needed([Provider(name=name) for name in names]) == expected


def test_the_second_of_two_providers_must_run_too(tmp_path):
    with pytest.raises(CellError, match="DmlExecutionProvider is not there"):
        predict(tmp_path, providers=["CPUExecutionProvider", "DmlExecutionProvider"])


@pytest.mark.skipif(find_spec("onnxruntime_ep_nv_tensorrt_rtx") is not None, reason="is installed")
def test_a_provider_of_a_plugin_package_says_which_to_install(tmp_path):
    with pytest.raises(CellError, match="pip install onnxruntime-ep-nv-tensorrt-rtx, beside onnxruntime"):
        predict(tmp_path, providers=["NvTensorRTRTXExecutionProvider"])


def test_a_package_that_is_not_installed_is_named(tmp_path):
    with pytest.raises(CellError, match="no package my_provider; pip install my-provider"):
        predict(tmp_path, libraries=["my_provider"])


def test_the_library_of_a_package_is_found_by_the_package(tmp_path, monkeypatch):
    (tmp_path / "my_provider.py").write_text(f"def get_library_path():\n    return {str(tmp_path / 'lib.so')!r}\n")
    (tmp_path / "lib.so").write_bytes(b"no library")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(CellError, match="the provider library my_provider cannot be loaded"):
        predict(tmp_path, libraries=["my_provider"])


def test_inputs_are_put_where_a_provider_computes(tmp_path, monkeypatch):
    from regharness_onnx import model

    # The processor's own memory stands in for a device's.
    monkeypatch.setitem(model.MEMORY, CPU, "cpu")
    np.testing.assert_allclose(predict(tmp_path)[0], share(), atol=1e-6)


def test_a_graph_that_takes_one_example_at_a_time_is_given_one(tmp_path):
    import onnx

    path = onnx_file(tmp_path)["path"]
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(model, path)
    found = rh.model("onnx", path=path).predict(BATCH, CPU_RUN).mean[:, 0]
    np.testing.assert_allclose(found, share(), atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 1, 60), (1, 4, 60), (60, 4, 1), (1, 60, 4)])
def test_an_axis_of_size_one_is_read_from_the_graph(tmp_path, shape):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])
    axes = [axis + 1 for axis, size in enumerate(shape) if size != 4]
    node = helper.make_node("ReduceMean", ["x", "axes"], ["y"], keepdims=0)
    graph = helper.make_graph([node], "mean", [given], [made], [numpy_helper.from_array(np.array(axes), "axes")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), tmp_path / "m.onnx")
    model = rh.model("onnx", path=tmp_path / "m.onnx", outputs=["A", "K562", "G", "T"])
    np.testing.assert_allclose(model.predict(BATCH, CPU_RUN).mean[:, 0], share(), atol=1e-6)


def test_a_small_graph_that_wants_all_memory_ends_in_a_line(tmp_path):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4, "length"])
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None])
    node = helper.make_node("ConstantOfShape", ["shape"], ["y"])
    graph = helper.make_graph([node], "bomb", [given], [made], [numpy_helper.from_array(np.array([2**46]), "shape")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), tmp_path / "m.onnx")
    with pytest.raises(CellError, match=r"cannot load m\.onnx|no memory for a single example"):
        rh.model("onnx", path=tmp_path / "m.onnx").predict(BATCH, CPU_RUN)
