"""Keras models as others save them enter as they are: whatever their class, inputs, outputs, axes and numbers."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from networks import weights

import regharness as rh
from regharness.errors import CellError
from regharness.testing import make_batch
from regharness_keras.process import keras_with

BATCH = make_batch(40, 60).inputs()
CPU = rh.RunContext(device="cpu")
CODE = """
import keras

@keras.saving.register_keras_serializable("mine")
class Share(keras.layers.Layer):
    def call(self, sequence):
        return keras.ops.mean(sequence[:, :, 1:2], axis=1)

class Subclassed(keras.Model):
    def __init__(self, values=1, **given):
        super().__init__(**given)
        self.values = values
        self.pool, self.dense = keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(values, use_bias=False)

    def call(self, sequence):
        return self.dense(self.pool(sequence))

    def get_config(self):
        return {**super().get_config(), "values": self.values}

class Both(Subclassed):
    def call(self, given):
        return {"share": self.dense(self.pool(given["dna"])), "number": given["number"]}

def subclassed():
    return Subclassed()

def sequential():
    return keras.Sequential([keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1, use_bias=False)])
"""


def share(code, sequence=BATCH.sequence):
    return (sequence == code).mean(axis=1)


def predict(path, batch=BATCH, **described):
    return rh.model("keras", path=path, **described).predict(batch, CPU).mean


@pytest.fixture
def keras():
    return keras_with("tensorflow")


@pytest.fixture
def code(tmp_path):
    (tmp_path / "mine.py").write_text(CODE)
    return tmp_path / "mine.py"


@pytest.fixture
def own(code):
    from regharness_networks.building import module_of

    return module_of(code)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.keras"


def dense(keras, given, values=1, **settings):
    """The share of C, from ``(example, position, base)``."""
    layer = keras.layers.Dense(values, use_bias=False, **settings)
    made = layer(keras.layers.GlobalAveragePooling1D()(given))
    layer.set_weights([weights(values=values)])
    return made


@pytest.mark.parametrize("shape", [(60, 4, 1), (1, 60, 4), (60, 1, 4), (None, 4, 1), (4, 60, 1), (1, 4, 60)])
def test_an_axis_of_size_one_is_read_from_the_file(keras, file, shape):
    given = keras.Input(shape)
    flat = keras.layers.Reshape(
        (4, 60) if shape.index(4) < len(shape) - 1 and 60 in shape[shape.index(4) :] else (-1, 4)
    )
    made = flat(given)
    made = keras.layers.Permute((2, 1))(made) if made.shape[1] == 4 else made
    keras.Model(given, dense(keras, made)).save(file)
    np.testing.assert_allclose(predict(file)[:, 0], share(1), atol=1e-6)


def test_a_length_that_the_file_leaves_open_is_that_of_the_sequences(keras, file):
    given = keras.Input((None, 4), name="any name")
    keras.Model(given, dense(keras, keras.layers.Masking()(given))).save(file)
    made = predict(file, shorter="pad")
    np.testing.assert_allclose(made[:, 0] > 0, share(1) > 0)


def test_a_sequential_model_that_was_built_by_a_call_takes_any_number_of_examples(keras, file, own):
    model = own.sequential()
    model(np.zeros((2, 60, 4), np.float32))
    model.layers[-1].set_weights([weights()])
    model.save(file)
    np.testing.assert_allclose(predict(file)[:, 0], share(1), atol=1e-6)


def test_a_model_that_takes_a_fixed_number_of_examples_gets_that_many(keras, file):
    given = keras.Input(batch_shape=(16, 60, 4))
    made = keras.ops.reshape(dense(keras, given), (16, 1))
    keras.Model(given, made).save(file)
    # 40 is no multiple of 16.
    np.testing.assert_allclose(predict(file)[:, 0], share(1), atol=1e-6)


def test_a_subclassed_model_needs_its_code_and_says_so(keras, file, code, own):
    model = own.Subclassed()
    model(np.zeros((2, 60, 4), np.float32))
    model.dense.set_weights([weights()])
    model.save(file)
    np.testing.assert_allclose(predict(file, code=code)[:, 0], share(1), atol=1e-6)
    with pytest.raises(CellError, match=r"the network takes 60; 'longer: crop'"):
        predict(file, make_batch(3, 80).inputs(), code=code)
    with pytest.raises(CellError, match="'code' names the Python file that defines it"):
        predict(file)


def test_a_subclassed_model_takes_and_gives_mappings(keras, file, code, own):
    model = own.Both()
    model({"dna": np.zeros((2, 60, 4), np.float32), "number": np.zeros((2, 1), np.float32)})
    model.dense.set_weights([weights()])
    model.save(file)
    inputs = {"number": {"use": "gc_content"}}
    two = make_batch(40, 60, outputs=("a", "b")).inputs()
    found = predict(file, two, code=code, inputs=inputs, tensors=["share", "number"])
    known = (two.sequence < 4).sum(axis=1)
    gc = ((two.sequence == 1) | (two.sequence == 2)).sum(axis=1) / known
    np.testing.assert_allclose(found, np.stack([share(1, two.sequence), gc], axis=1), atol=1e-6)


def test_a_registered_layer_is_found_in_the_code(keras, file, code, own):
    given = keras.Input((60, 4))
    keras.Model(given, own.Share()(given)).save(file)
    np.testing.assert_allclose(predict(file, code=code)[:, 0], share(1), atol=1e-6)


def test_the_code_of_a_file_does_not_switch_safe_mode_off(keras, file, code):
    given = keras.Input((60, 4))
    made = keras.layers.Lambda(lambda x: x[:, 0, :1], output_shape=(1,))(given)
    keras.Model(given, made).save(file)
    with pytest.raises(CellError, match=r"Keras cannot load model\.keras: .*Lambda"):
        predict(file, code=code)


def test_inputs_and_outputs_by_name_are_found_by_their_names(keras, file):
    dna, gc = keras.Input((60, 4), name="dna"), keras.Input((1,), name="gc")
    keras.Model({"dna": dna, "gc": gc}, {"gc": keras.layers.Identity()(gc), "share": dense(keras, dna)}).save(file)
    described = {"inputs": {"gc": {"use": "value", "value": 3.0}}, "tensors": ["share"]}
    np.testing.assert_allclose(predict(file, **described)[:, 0], share(1), atol=1e-6)
    np.testing.assert_allclose(predict(file, **{**described, "tensors": ["gc"]})[:, 0], 3.0)


def test_several_output_tensors_are_named_for_their_layers(keras, file):
    given = keras.Input((60, 4))
    log_variance = keras.layers.Dense(1, kernel_initializer="zeros", name="log_variance")
    made = [log_variance(keras.layers.Flatten()(given)), dense(keras, given, name="activity")]
    keras.Model(given, made).save(file)
    model = rh.model("keras", path=file, head="mean_log_variance", tensors=["activity", "log_variance"])
    found = model.predict(BATCH, CPU)
    np.testing.assert_allclose(found.mean[:, 0], share(1), atol=1e-6)
    np.testing.assert_allclose(found.aleatoric_variance, 1.0)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_is_that_of_the_file(keras, file, policy):
    given = keras.Input((60, 4), dtype="float32")
    keras.Model(given, dense(keras, given, dtype=policy)).save(file)
    found = predict(file)[:, 0]
    np.testing.assert_allclose(found, share(1), atol=5e-3)
    # Eight or eleven bits of precision.
    assert abs(found - share(1)).max() > 1e-6


def test_an_embedding_of_tokens_is_given_the_numbers_of_bases(keras, file):
    given = keras.Input((60,), dtype="int32")
    table = keras.layers.Embedding(6, 1)
    model = keras.Model(given, keras.layers.GlobalAveragePooling1D()(table(given)))
    table.set_weights([np.array([[0], [10], [20], [30], [40], [0]], np.float32)])
    model.save(file)
    tokens = {"N": 0, "A": 1, "C": 2, "G": 3, "T": 4}
    expected = sum(10 * (code + 1) * share(code) for code in range(4))
    np.testing.assert_allclose(predict(file, tokens=tokens)[:, 0], expected, rtol=1e-5)
    with pytest.raises(CellError, match=r"takes int32 as 'input_layer.*'tokens' says which"):
        predict(file)


@pytest.mark.parametrize("name", ["subclassed", "sequential"])
def test_weights_enter_what_a_builder_leaves_unbuilt(keras, tmp_path, code, own, name):
    model = getattr(own, name)()
    model(np.zeros((1, 60, 4), np.float32))
    model.layers[-1].set_weights([weights()])
    path = tmp_path / "own.weights.h5"
    model.save_weights(path)
    np.testing.assert_allclose(predict(path, builder=name, code=code, length=60)[:, 0], share(1), atol=1e-6)
    with pytest.raises(CellError, match="'length' says on how many positions"):
        predict(path, builder=name, code=code)


def test_a_saved_model_takes_several_inputs_and_gives_several_outputs(keras, tmp_path):
    dna, gc = keras.Input((60, 4), name="dna"), keras.Input((1,), name="gc")
    model = keras.Model({"dna": dna, "gc": gc}, {"share": dense(keras, dna), "given": keras.layers.Identity()(gc)})
    model.export(tmp_path / "saved", verbose=False)
    path, inputs = tmp_path / "saved" / "saved_model.pb", {"gc": {"use": "value", "value": 2.0}}
    np.testing.assert_allclose(predict(path, inputs=inputs, tensors=["share"])[:, 0], share(1), atol=1e-6)
    np.testing.assert_allclose(predict(path, inputs=inputs, tensors=["given"])[:, 0], 2.0)
    with pytest.raises(CellError, match="no endpoint named 'serve_default'; did you mean"):
        predict(path, inputs=inputs, endpoint="serve_default")


def test_a_saved_model_that_reads_files_is_refused(keras, tmp_path):
    import tensorflow as tf

    class Reader(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 60, 4), tf.float32)])
        def __call__(self, given):
            return tf.reduce_mean(given, 1) + tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)

    module = Reader()
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=module.__call__)
    with pytest.raises(CellError, match="has the operations ReadFile: refused"):
        predict(tmp_path / "saved" / "saved_model.pb")


def test_weights_that_lie_in_another_file_are_refused(keras, tmp_path, code, own):
    import h5py

    model = own.sequential()
    model.build((None, 60, 4))
    path = tmp_path / "own.weights.h5"
    model.save_weights(path)
    with h5py.File(path, "r+") as opened:
        places = []
        opened.visititems(lambda place, item: places.append(place) if isinstance(item, h5py.Dataset) else None)
        del opened[places[0]]
        opened.create_dataset(places[0], (4, 1), "f4", external=[("/etc/hostname", 0, 16)])
    with pytest.raises(CellError, match="lie in another file: refused"):
        predict(path, builder="sequential", code=code)


def test_a_file_whose_layers_are_wider_than_its_weights_are_many_is_refused(keras, file):
    import zipfile

    given = keras.Input((60, 4))
    keras.Model(given, dense(keras, given)).save(file)
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["config.json"] = parts["config.json"].replace(b'"units": 1,', b'"units": 8589934592,')
    with zipfile.ZipFile(file, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    with pytest.raises(CellError, match="a layer claims units = 8,589,934,592, and the file holds 4 numbers"):
        predict(file)


def test_a_file_of_keras_2_is_refused_with_what_wrote_it(keras, tmp_path):
    import h5py

    with h5py.File(tmp_path / "old.h5", "w") as opened:
        opened.attrs["keras_version"], opened.attrs["model_config"] = "2.11.0", "{}"
    with pytest.raises(CellError, match=r"old\.h5 is a whole model of Keras 2\.11\.0 as HDF5.*save\('model\.keras'\)"):
        predict(tmp_path / "old.h5")


SCRIPT = """
import sys
import numpy as np
import regharness as rh
from regharness.testing import make_batch
model = rh.model("keras", path=sys.argv[1], backend=sys.argv[2])
batch = make_batch(40, 60).inputs()
found = model.predict(batch, rh.RunContext(device="cpu"))
assert model.execution()["backend"] == sys.argv[2]
np.testing.assert_allclose(found.mean[:, 0], (batch.sequence == 1).mean(axis=1), atol=1e-6)
"""


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_another_backend_predicts_the_same(keras, file, backend):
    pytest.importorskip(backend)
    given = keras.Input((60, 4))
    keras.Model(given, dense(keras, given)).save(file)
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(file), backend], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_loading_draws_no_global_random_number(keras, file):
    import random

    given = keras.Input((60, 4))
    keras.Model(given, dense(keras, given)).save(file)
    random.seed(5)
    expected = random.random()
    random.seed(5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predict(file)
    assert random.random() == expected
