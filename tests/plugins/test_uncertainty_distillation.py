"""Ensemble distillation: the student says what its teachers say, and only the student is kept."""

from typing import ClassVar

import numpy as np
import pytest

import regharness as rh
from regharness import InputError, Prediction
from regharness.catalog import load_catalog
from regharness.errors import CellError
from regharness.interfaces import ModelAdapter
from regharness.sequences import gc_content
from regharness.testing import ModelAdapterContract, make_dataset

CPU = rh.RunContext(device="cpu")


class Curve(ModelAdapter):
    """Least squares on powers of GC content up to the fourth, of a resample: teachers that differ and are smooth."""

    made: ClassVar = []

    def __init__(self, variance=True, resample=True):
        self.variance, self.resample = variance, resample
        Curve.made.append(self)

    def fit(self, train, calibration, context):
        self.train, self.calibration = train, calibration
        rows = context.rng("rows").integers(0, len(train), len(train)) if self.resample else np.arange(len(train))
        x = self.powers(train)[rows]
        self.weights = np.linalg.lstsq(x, train.target[rows], rcond=None)[0]
        self.residual = (train.target[rows] - x @ self.weights).var(axis=0)

    def predict(self, batch, context):
        mean = (self.powers(batch) @ self.weights).astype(np.float32)
        if not self.variance:
            return Prediction(mean)
        return Prediction(mean, aleatoric_variance=np.broadcast_to(self.residual, mean.shape).astype(np.float32))

    def powers(self, batch):
        return np.vander((gc_content(batch.sequence) - 0.5) * 5, 5)


def wrapped(make=Curve, **parameters):
    return load_catalog().create("uncertainty", "ensemble_distillation", parameters).wrap(make)


def distilled(data, make=Curve, **parameters):
    Curve.made.clear()
    model = wrapped(make, **parameters)
    model.fit(data.train, data.calibration, CPU)
    return model


DATA = make_dataset(train=300, calibration=200, outputs=("a", "b"))


class TestDistilled(ModelAdapterContract):
    def make_model(self):
        return wrapped(lambda: rh.model("gc_linear"), members=2)


class TestDistilledNetwork(ModelAdapterContract):
    def make_model(self):
        pytest.importorskip("torch")
        return wrapped(lambda: rh.model("torch_cnn", epochs=1, filters=8), members=2)


def teacher():
    ensemble = load_catalog().create("uncertainty", "deep_ensemble", {"members": 5}).wrap(Curve)
    ensemble.fit(DATA.train, DATA.calibration, CPU)
    return ensemble


def test_the_student_says_what_the_ensemble_says():
    # Each teacher is a polynomial, so its mean is one too: the student can learn it without error.
    expected = teacher().predict(DATA.test.inputs(), CPU)
    found = distilled(DATA).predict(DATA.test.inputs(), CPU)
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-4)
    np.testing.assert_allclose(found.aleatoric_variance, expected.aleatoric_variance, rtol=1e-3)
    assert np.corrcoef(np.log(found.epistemic_variance[:, 0]), np.log(expected.epistemic_variance[:, 0]))[0, 1] > 0.9


def test_variances_on_the_calibration_sequences_are_those_of_the_ensemble_on_average():
    expected, found = (model.predict(DATA.calibration.inputs(), CPU) for model in (teacher(), distilled(DATA)))
    for name in ("aleatoric_variance", "epistemic_variance"):
        np.testing.assert_allclose(getattr(found, name).mean(axis=0), getattr(expected, name).mean(axis=0), rtol=1e-4)


def test_epistemic_variance_falls_with_more_training_data_and_aleatoric_does_not():
    few, many = (
        distilled(data).predict(data.test.inputs(), CPU) for data in (make_dataset(train=n) for n in (200, 10_000))
    )
    assert np.median(many.epistemic_variance) < np.median(few.epistemic_variance) / 10
    assert np.median(many.aleatoric_variance) == pytest.approx(np.median(few.aleatoric_variance), rel=0.35)


def test_members_without_a_variance_leave_the_aleatoric_part_unknown():
    found = distilled(DATA, lambda: Curve(variance=False)).predict(DATA.test.inputs(), CPU)
    assert found.aleatoric_variance is None
    assert (found.epistemic_variance > 0).all()


@pytest.mark.parametrize(("extra", "size"), [(0, 300), (1, 600), (3, 1200)])
def test_the_student_learns_from_as_many_mutated_copies_as_asked_for(extra, size):
    distilled(DATA, extra=extra, members=2)
    student = Curve.made[0]
    assert len(student.train) == size
    np.testing.assert_array_equal(student.train.sequence[:300], DATA.train.sequence)


def test_the_student_has_three_outputs_for_each_and_no_measurement():
    distilled(DATA, members=2)
    train = Curve.made[0].train
    assert train.outputs == (
        "mean of a",
        "mean of b",
        "log aleatoric_variance of a",
        "log aleatoric_variance of b",
        "log epistemic_variance of a",
        "log epistemic_variance of b",
    )
    assert (train.truth, train.noise_variance, train.replicates) == (None, None, None)


def test_a_copy_differs_in_the_share_of_bases_that_is_asked_for():
    data = make_dataset(train=1000)
    distilled(data, members=2, mutation_rate=0.2)
    train = Curve.made[0].train
    before, after = train.sequence[:1000], train.sequence[1000:]
    known = before < 4
    # 40,000 bases: the SD of a share of 0.2 is 0.002.
    assert (before != after)[known].mean() == pytest.approx(0.2, abs=0.01)
    np.testing.assert_array_equal(after[~known], 4)
    np.testing.assert_array_equal(train.covariates["gc_content"], gc_content(train.sequence))


def test_only_the_student_is_kept(tmp_path):
    model = wrapped(lambda: rh.model("gc_linear"), members=3)
    model.fit(DATA.train, DATA.calibration, CPU)
    model.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ensemble_distillation.safetensors", "model"]
    alone = rh.model("gc_linear")
    alone.fit(DATA.train, DATA.calibration, CPU)
    (tmp_path / "alone").mkdir()
    alone.save(tmp_path / "alone")
    assert {p.name for p in (tmp_path / "alone").iterdir()} == {p.name for p in (tmp_path / "model").iterdir()}


def test_members_that_are_all_alike_teach_no_variance():
    with pytest.raises(CellError, match="the epistemic variance of a is zero throughout: the members are all alike"):
        distilled(DATA, lambda: Curve(resample=False))


def test_progress_rises_to_the_end():
    class Telling(Curve):
        def fit(self, train, calibration, context):
            super().fit(train, calibration, context)
            context.progress(1.0)

    shares = []
    wrapped(Telling, members=2).fit(DATA.train, DATA.calibration, rh.RunContext(progress=shares.append))
    np.testing.assert_allclose(shares, [0.25, 0.5, 1.0])


def test_a_model_that_comes_fitted_is_refused():
    class Fitted(Curve):
        trainable = False

    with pytest.raises(InputError, match="copies of one that comes fitted are all alike"):
        wrapped(Fitted)


def test_a_model_that_must_be_told_of_measurements_is_refused():
    class Needy(Curve):
        needs = frozenset({"noise_variance"})

    with pytest.raises(InputError, match="nobody measured, and Needy needs noise_variance"):
        wrapped(Needy)
