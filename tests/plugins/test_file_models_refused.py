"""Files that are broken, hostile or wrong end in one clear line, and run nothing."""

import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from networks import MAKERS, torch_file, weights

import regharness as rh
from regharness import InputError
from regharness.errors import CellError
from regharness.testing import make_batch

BATCH = make_batch(20, 60).inputs()


def predict(use, device="cpu", **described):
    return rh.model(use, **described).predict(BATCH, rh.RunContext(device=device))


class Bomb:
    def __reduce__(self):
        return (os.mkdir, ("exploded",))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("use", MAKERS)
def test_a_file_that_is_cut_off_is_named(here, use):
    described = MAKERS[use](here)
    with open(described["path"], "r+b") as file:
        file.truncate(100)
    with pytest.raises((CellError, InputError), match=r"share\.\w+"):
        predict(use, **described)


@pytest.mark.parametrize("use", MAKERS)
def test_a_device_that_is_not_there_is_named(here, use):
    with pytest.raises(CellError, match=r"cuda|CUDA"):
        predict(use, device="cuda:7", **MAKERS[use](here))


@pytest.mark.parametrize("use", MAKERS)
def test_a_missing_file_is_refused_with_its_parameters(here, use):
    with pytest.raises(InputError, match=r"no file at .*nothing\.bin"):
        rh.model(use, **{**MAKERS[use](here), "path": "nothing.bin"})


def test_a_pickle_is_not_run_even_where_the_environment_says_so(here, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    described = torch_file(here)
    with open(described["path"], "wb") as file:
        pickle.dump(Bomb(), file)
    with pytest.raises(CellError, match=r"share\.pt holds no weights that can be read safely"):
        predict("torch", **described)
    assert not (here / "exploded").exists()


def test_a_pickled_network_is_refused_without_advice_to_run_it(here):
    import torch

    described = torch_file(here)
    torch.save(torch.nn.Linear(4, 1), described["path"])
    with pytest.raises(
        CellError, match=r"it holds torch\.nn\S+Linear, which is code; save module\.state_dict\(\)"
    ) as caught:
        predict("torch", **described)
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize("held", [b"", b"no weights at all"])
def test_what_torch_save_did_not_write_is_said_to_be_none_of_its_files(here, held):
    described = torch_file(here)
    with open(described["path"], "wb") as file:
        file.write(held)
    with pytest.raises(CellError, match=r"share\.pt .*it is cut off, or is no file of torch\.save$"):
        predict("torch", **described)


def test_a_prefix_before_every_name_is_told(here):
    import torch

    described = torch_file(here)
    torch.save({"module.linear.weight": torch.zeros(1, 4)}, described["path"])
    with pytest.raises(CellError, match=r"lacks linear\.weight; .*'prefix: module\.' takes that off its names"):
        predict("torch", **described)
    predict("torch", **described, prefix="module.")


def test_a_shape_that_a_network_refuses_points_to_layout_and_length(here):
    with pytest.raises(CellError, match=r"refused sequence \(20, 60, 4\): .*see 'layout', 'length' and 'inputs'"):
        predict("torch", **torch_file(here), layout="NLC")


@pytest.mark.parametrize("use", MAKERS)
def test_a_folder_is_not_taken_for_a_file(here, use):
    with pytest.raises(InputError, match="is a folder, not a file"):
        rh.model(use, **{**MAKERS[use](here), "path": str(here)})


def test_an_empty_file_is_no_graph(here):
    (here / "empty.onnx").touch()
    with pytest.raises(InputError, match=r"empty\.onnx is no ONNX file, or is cut off"):
        rh.model("onnx", path=str(here / "empty.onnx"))


def test_a_tensor_that_claims_more_than_it_holds_is_refused(here):
    import torch

    described = torch_file(here)
    torch.save({"linear.weight": torch.zeros(1).as_strided((1, 4), (0, 0))}, described["path"])
    with pytest.raises(CellError, match="claims 4 numbers, more than the file holds"):
        predict("torch", **described)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weight": (1, 4)}, "lacks linear.weight; has weight, which the network lacks"),
        ({"linear.weight": (2, 4)}, r"has linear.weight of shape \(2, 4\), not \(1, 4\)"),
        ({}, "lacks linear.weight"),
    ],
)
def test_weights_of_another_network_say_what_differs(here, changed, message):
    import torch

    described = torch_file(here)
    torch.save({name: torch.zeros(shape) for name, shape in changed.items()}, described["path"])
    with pytest.raises(CellError, match=message):
        predict("torch", **described)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"module": "Sahre"}, "no name named 'Sahre'; did you mean 'Share'"),
        ({"module": "nothing", "arguments": {}}, "'nothing' builds int, not a torch.nn.Module"),
        ({"arguments": {"depth": 3}}, "'Share' cannot be built: .*'depth'; see 'arguments'"),
        ({"module": "no.such:Net", "code": None}, "no.such cannot be imported: ModuleNotFoundError"),
    ],
)
def test_what_cannot_build_a_network_is_named(here, changed, message):
    with pytest.raises(CellError, match=message):
        predict("torch", **{**torch_file(here), **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"module": None, "code": None, "arguments": {}}, "give 'module', which builds the network, or 'trust: true'"),
        ({"trust": True}, "give 'module'"),
        ({"module": "a.b:C"}, "with 'code' a Name alone"),
        ({"alphabet": "ACGU"}, "give A, C, G and T once each"),
        ({"head": "quantiles"}, "'quantiles' goes with head: quantiles"),
        ({"head": "quantiles", "quantiles": [0.9, 0.1]}, "from low to high"),
        ({"left_flank": "ACG"}, "go with shorter: flank"),
        ({"inputs": {"x": {"use": "covariate"}}}, "'covariate' goes with use: covariate"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused_before_anything_is_loaded(here, changed, message):
    with pytest.raises(InputError, match=message):
        rh.model("torch", **{**torch_file(here), **changed})


def test_a_program_needs_trust_and_then_gives_what_the_network_gives(here):
    import torch

    described = torch_file(here)
    expected = predict("torch", **described)
    module = torch.nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(weights().T))

    class Share(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = module

        def forward(self, sequence):
            return self.linear(sequence.mean(2))

    program = torch.export.export(
        Share(), (torch.zeros(3, 4, 60),), dynamic_shapes={"sequence": {0: torch.export.Dim("n", min=1)}}
    )
    torch.export.save(program, here / "share.pt2")
    found = predict("torch", path="share.pt2", trust=True)
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-6)


def onnx_model(here, change):
    import onnx

    path = MAKERS["onnx"](here)["path"]
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)
    return {"path": path}


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("../outside.bin", "outside its folder: refused"),
        ("/etc/passwd", "outside its folder"),
        ("gone.bin", "is not there"),
    ],
)
def test_external_data_that_are_not_beside_the_graph_are_refused(here, place, message):
    import onnx

    def move(model):
        tensor = model.graph.initializer[1]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=place)

    path = MAKERS["onnx"](here)["path"]
    model = onnx.load(path)
    move(model)
    with open(path, "wb") as file:
        file.write(model.SerializeToString())
    with pytest.raises(InputError, match=message):
        rh.model("onnx", path=path)


def test_a_graph_is_looked_at_though_external_data_are_given(here):
    described = MAKERS["onnx"](here, save_as_external_data=True, location="share.data", size_threshold=45)
    (here / "other.data").write_bytes((here / "share.data").read_bytes())
    (here / "share.data").unlink()
    with pytest.raises(InputError, match=r"share.data beside it, and it is not there"):
        rh.model("onnx", **described, external_data=[here / "other.data"])


def test_external_data_beside_the_graph_are_read_and_count_as_part_of_it(here):
    described = MAKERS["onnx"](here, save_as_external_data=True, location="share.data", size_threshold=45)
    expected = (BATCH.sequence == 1).mean(axis=1)
    np.testing.assert_allclose(predict("onnx", **described).mean[:, 0], expected, atol=1e-6)
    from regharness.catalog import load_catalog

    parameters = load_catalog().check("model", "onnx", described, here)
    assert [path.name for path in parameters.external_data] == ["share.data"]


def test_a_link_among_external_data_is_refused(here):
    described = MAKERS["onnx"](here, save_as_external_data=True, location="share.data", size_threshold=45)
    (here / "share.data").rename(here / "elsewhere")
    (here / "share.data").symlink_to(here / "elsewhere")
    with pytest.raises(InputError, match=r"share\.data is a link"):
        rh.model("onnx", **described)


def test_a_custom_operator_without_its_library_is_named(here):
    def custom(model):
        model.graph.node[0].domain = "my.ops"
        model.opset_import.add(domain="my.ops", version=1)

    with pytest.raises(CellError, match=r"cannot load share\.onnx: .*'custom_ops' names the library"):
        predict("onnx", **onnx_model(here, custom))


def test_a_graph_of_integers_is_refused(here):
    def integers(model):
        model.graph.input[0].type.tensor_type.elem_type = 7
        model.graph.node[1].op_type = "MatMul"

    with pytest.raises(CellError, match=r"the network takes int64 as 'sequence'|cannot load share\.onnx"):
        predict("onnx", **onnx_model(here, integers))


def test_a_provider_that_is_not_there_says_what_is_and_what_to_install(here):
    described = {**MAKERS["onnx"](here), "providers": ["CUDAExecutionProvider"]}
    message = (
        r"CUDAExecutionProvider is not there; ONNX Runtime has .*CPUExecutionProvider \(pip install onnxruntime-gpu"
    )
    with pytest.raises(CellError, match=message):
        predict("onnx", **described)


def test_a_provider_that_nobody_knows_points_to_plugin_libraries(here):
    with pytest.raises(CellError, match=r"no execution provider named 'MyExecutionProvider'.*'libraries' lists plugin"):
        predict("onnx", **MAKERS["onnx"](here), providers=["MyExecutionProvider"])


def test_the_cpu_does_not_stand_in_for_a_misspelt_provider(here):
    with pytest.raises(CellError, match="did you mean 'CUDAExecutionProvider'"):
        predict("onnx", **MAKERS["onnx"](here), providers=["CUDAExecutonProvider", "CPUExecutionProvider"])


def test_the_cpu_stands_in_where_it_is_listed_and_is_told(here):
    model = rh.model("onnx", **MAKERS["onnx"](here), providers=["CUDAExecutionProvider", "CPUExecutionProvider"])
    model.predict(BATCH, rh.RunContext(device="cpu"))
    assert model.execution()["providers"] == "CPUExecutionProvider"


def test_a_library_that_is_no_provider_is_named(here):
    (here / "libx.so").write_bytes(b"no library")
    with pytest.raises(CellError, match=r"the provider library libx\.so cannot be loaded"):
        predict("onnx", **MAKERS["onnx"](here), libraries=["./libx.so"], providers=["X"])


def test_a_lambda_layer_is_not_run(here):
    from regharness_keras.process import keras_with

    keras = keras_with("tensorflow")
    given = keras.Input((60, 4))
    made = keras.layers.Lambda(lambda x: x, output_shape=(60, 4))(given)
    keras.Model(given, keras.layers.GlobalAveragePooling1D()(made)).save(here / "lambda.keras")
    with pytest.raises(CellError, match=r"Keras cannot load lambda\.keras: .* a layer class of your own") as caught:
        predict("keras", path="lambda.keras")
    assert "safe_mode" not in str(caught.value)


def test_many_batches_of_many_models_bring_no_warning_of_tensorflow(here):
    code = (
        "import numpy as np, regharness as rh\n"
        "from regharness.testing import make_batch\n"
        "for size in (20, 21, 22, 23, 24, 25):\n"
        "    model = rh.model('keras', path='share.keras')\n"
        "    model.predict(make_batch(size, 60).inputs(), rh.RunContext(device='cpu'))\n"
    )
    MAKERS["keras"](here)
    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=True)
    assert "retracing" not in done.stderr


def test_a_keras_2_file_is_refused_with_the_way_to_convert_it(here):
    (here / "old.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(CellError, match=re.escape("keras.models.load_model(...).save('model.keras')")):
        predict("keras", path="old.h5")


def test_weights_and_a_builder_make_a_keras_model(here):
    from regharness_keras.process import keras_with

    keras = keras_with("tensorflow")
    described = MAKERS["keras"](here)
    expected = predict("keras", **described).mean
    keras.models.load_model(described["path"]).save_weights(here / "share.weights.h5")
    (here / "build.py").write_text(
        "import keras\n\ndef share(values=1):\n"
        "    given = keras.Input((None, 4), name='sequence')\n"
        "    pooled = keras.layers.GlobalAveragePooling1D()(given)\n"
        "    return keras.Model(given, keras.layers.Dense(values, use_bias=False)(pooled))\n"
    )
    given = {"path": "share.weights.h5", "builder": "share", "code": "build.py"}
    np.testing.assert_allclose(predict("keras", **given).mean, expected, atol=1e-6)
    with pytest.raises(CellError, match=r"share\.weights\.h5 does not fit what 'share' builds"):
        predict("keras", **given, arguments={"values": 3})


def test_a_saved_model_gives_what_the_keras_file_gives(here):
    from regharness_keras.process import keras_with

    keras = keras_with("tensorflow")
    described = MAKERS["keras"](here, length=60)
    expected = predict("keras", **described).mean
    keras.models.load_model(described["path"]).export(here / "saved", verbose=False)
    found = predict("keras", path="saved/saved_model.pb")
    np.testing.assert_allclose(found.mean, expected, atol=1e-6)


def test_one_process_keeps_one_backend(here):
    from regharness_keras.process import keras_with

    keras_with("tensorflow")
    with pytest.raises(CellError, match=r"Keras runs with tensorflow in this process and cannot change to torch"):
        predict("keras", **MAKERS["keras"](here), backend="torch")


def test_a_sequential_model_is_run_like_any_other(here):
    from regharness_keras.process import keras_with

    keras = keras_with("tensorflow")
    layers = [keras.Input((60, 4)), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1, use_bias=False)]
    model = keras.Sequential(layers)
    model.layers[-1].set_weights([weights()])
    model.save(here / "sequential.keras")
    expected = (BATCH.sequence == 1).mean(axis=1)
    np.testing.assert_allclose(predict("keras", path="sequential.keras").mean[:, 0], expected, atol=1e-6)


def test_a_model_that_was_never_built_is_refused(here):
    from regharness_keras.process import keras_with

    keras = keras_with("tensorflow")
    model = keras.Sequential([keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1)])
    with pytest.warns(UserWarning, match="not yet been built"):
        model.save(here / "unbuilt.keras")
    with pytest.raises(CellError, match=r"unbuilt\.keras holds no weights: it was saved before"):
        predict("keras", path="unbuilt.keras")
