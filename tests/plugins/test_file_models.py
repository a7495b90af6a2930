"""Networks from files give the same, described the same way, in every framework."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from networks import MAKERS
from splits import real_data

import regharness as rh
from regharness.errors import CellError
from regharness.testing import ModelAdapterContract, make_batch

BATCH = make_batch(300, 60).inputs()
CPU = rh.RunContext(device="cpu")
everywhere = pytest.mark.parametrize("use", MAKERS)


@pytest.fixture
def make(tmp_path):
    def build(use, channel=1, values=1, file=None, **described):
        return rh.model(use, **MAKERS[use](tmp_path, channel, values, **(file or {})), **described)

    return build


def share(sequence, code):
    return (sequence == code).mean(axis=1)


def predict(model, batch=BATCH):
    return model.predict(batch, CPU).mean[:, 0]


@pytest.fixture(params=MAKERS)
def folder(request, tmp_path_factory):
    return request.param, tmp_path_factory.mktemp(request.param)


class TestTorch(ModelAdapterContract):
    def make_model(self):
        return rh.model("torch", **self.file)

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path):
        self.file = MAKERS["torch"](tmp_path, values=2)


class TestOnnx(ModelAdapterContract):
    def make_model(self):
        return rh.model("onnx", **self.file)

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path):
        self.file = MAKERS["onnx"](tmp_path, values=2)


class TestKeras(ModelAdapterContract):
    def make_model(self):
        return rh.model("keras", **self.file)

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path):
        self.file = MAKERS["keras"](tmp_path, values=2)


@everywhere
def test_bases_are_encoded_in_the_order_a_c_g_t(make, use):
    np.testing.assert_allclose(predict(make(use)), share(BATCH.sequence, 1), atol=1e-6)


@everywhere
def test_another_alphabet_orders_the_channels(make, use):
    # Channel 1 of GTCA is T.
    np.testing.assert_allclose(predict(make(use, alphabet="GTCA")), share(BATCH.sequence, 3), atol=1e-6)


@everywhere
def test_an_unknown_base_is_nothing_or_a_quarter_of_each(make, use):
    np.testing.assert_allclose(
        predict(make(use, unknown="uniform")) - predict(make(use)), share(BATCH.sequence, 4) / 4, atol=1e-6
    )
    assert share(BATCH.sequence, 4).max() > 0


@everywhere
def test_both_strands_are_averaged(make, use):
    expected = (share(BATCH.sequence, 1) + share(BATCH.sequence, 2)) / 2
    np.testing.assert_allclose(predict(make(use, strands="mean")), expected, atol=1e-6)


@everywhere
def test_shorter_sequences_are_centred_between_n(make, use):
    np.testing.assert_allclose(predict(make(use, length=90)), share(BATCH.sequence, 1) * 60 / 90, atol=1e-6)


@everywhere
def test_shorter_sequences_are_centred_between_flanks(make, use):
    model = make(use, length=70, shorter="flank", left_flank="CCCCCCCCAAAAA", right_flank="CCCCCCCCC")
    # Five bases of each flank, those beside the sequence.
    np.testing.assert_allclose(predict(model), (share(BATCH.sequence, 1) * 60 + 5) / 70, atol=1e-6)


@everywhere
def test_longer_sequences_are_cropped_to_their_middle(make, use):
    model = make(use, length=40, longer="crop")
    np.testing.assert_allclose(predict(model), share(BATCH.sequence[:, 10:50], 1), atol=1e-6)


@everywhere
@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"length": 40}, "sequences have 60 bp and the network takes 40; 'longer: crop'"),
        ({"length": 90, "shorter": "refuse"}, "sequences have 60 bp and the network takes 90; 'shorter: pad'"),
        ({"length": 90, "shorter": "flank", "left_flank": "ACGT"}, "with flanks of 4 and 0 have fewer"),
        (
            {"outputs": ["a", "b"]},
            r"the network gives 1 values an example, and 2 outputs \(a, b\) with head 'mean' are 2",
        ),
        ({"outputs": ["HepG2"]}, "no output named 'K562'"),
        ({"tensors": ["logits"]}, "no output tensor named 'logits'"),
        ({"tensors": [3]}, "there is no output tensor 3"),
        ({"inputs": {"gc": {"use": "gc_content"}}}, "no input named 'gc'"),
        ({"log2_pseudocount": 0.0, "offset": -2.0}, "log2 of a prediction of -"),
    ],
)
def test_a_description_that_does_not_fit_says_what_the_network_wants(make, use, described, message):
    with pytest.raises(CellError, match=message):
        predict(make(use, **described))


@pytest.mark.parametrize("use", ["onnx", "keras"])
def test_the_length_of_the_file_holds(make, use):
    model = make(use, file={"length": 90})
    np.testing.assert_allclose(predict(model), share(BATCH.sequence, 1) * 60 / 90, atol=1e-6)
    with pytest.raises(CellError, match="and 'length' says 80"):
        predict(make(use, file={"length": 90}, length=80))


@pytest.mark.parametrize(("use", "layout"), [("onnx", "NLC"), ("keras", "NCL")])
def test_a_layout_that_the_file_contradicts_is_refused(make, use, layout):
    with pytest.raises(CellError, match=rf"layout {layout} puts bases on axis"):
        predict(make(use, file={"length": 90}, layout=layout))


@everywhere
def test_the_size_of_a_batch_changes_no_more_than_rounding(make, use):
    np.testing.assert_allclose(predict(make(use, batch_size=7)), predict(make(use)), rtol=1e-6)


@everywhere
def test_outputs_are_chosen_by_name_in_the_order_of_the_task(make, use):
    batch = make_batch(10, 60, outputs=("b", "a")).inputs()
    found = make(use, values=3, outputs=["a", "x", "b"], scale={"a": 2.0, "b": 10.0}, offset=1.0).predict(batch, CPU)
    expected = share(batch.sequence, 1)
    np.testing.assert_allclose(found.mean, np.stack([10 * expected + 1, 2 * expected + 1], axis=1), rtol=1e-5)


@everywhere
def test_a_head_gives_means_and_then_log_variances(make, use):
    found = make(use, values=2, head="mean_log_variance", scale=3.0).predict(BATCH, CPU)
    c = share(BATCH.sequence, 1)
    np.testing.assert_allclose(found.mean[:, 0], 3 * c, rtol=1e-5)
    np.testing.assert_allclose(found.aleatoric_variance[:, 0], 9 * np.exp(c), rtol=1e-5)


@everywhere
def test_what_ran_is_told(make, use):
    model = make(use)
    predict(model)
    assert "cpu" in str(model.execution()).lower()
    assert use.replace("onnx", "onnxruntime") in model.execution()


@real_data
def test_deepstarr_predicts_the_same_in_three_frameworks(tmp_path):
    specs = Path(__file__).parents[2] / "specs"
    for name in ("deepstarr.yaml", "deepstarr.py"):
        (tmp_path / name).write_text((specs / name).read_text())
    (tmp_path / "deepstarr").symlink_to(Path(os.environ["REGHARNESS_DATA_DIR"]) / "deepstarr")
    run = rh.run(tmp_path / "deepstarr.yaml", folder=tmp_path / "run")
    assert not run.failures
    mean = run.cube("s2")["mean"].load()
    assert float(abs(mean - mean.sel(model="torch")).max()) < 1e-4
    ranks = mean.argsort(mean.dims.index("example"))
    assert (ranks == ranks.sel(model="torch")).mean() > 0.999
    spread = run.scores["mse"].max("model") - run.scores["mse"].min("model")
    assert float(spread.max()) < 1e-4


def test_the_doctor_lists_execution_providers(regharness):
    import onnxruntime

    found = json.loads(regharness("doctor", "--json").stdout)["execution_providers"]
    assert found == onnxruntime.get_available_providers()


@everywhere
def test_evidence_that_cannot_be_is_refused(make, use):
    with pytest.raises(CellError, match=r"head 'evidential': the network gives alpha = .*must be above 1"):
        make(use, values=4, head="evidential").predict(BATCH, CPU)


def test_evidence_is_read_as_its_authors_have_it():
    from regharness_networks.heads import predicted
    from regharness_networks.parameters import NetworkParameters

    # Two outputs: gammas, nus, alphas, betas.
    values = np.array([[1.0, 2.0, 0.5, 4.0, 3.0, 1.5, 6.0, 2.0]])
    found = predicted(values, ["b", "a"], NetworkParameters(head="evidential", outputs=["a", "b"], scale=2.0))
    np.testing.assert_allclose(found.mean, [[4.0, 2.0]])
    # beta / (alpha - 1) is 3 and 4, and a nu-th of it 6 and 1, times the square of the scale.
    np.testing.assert_allclose(found.aleatoric_variance, [[16.0, 12.0]])
    np.testing.assert_allclose(found.epistemic_variance, [[4.0, 24.0]])
