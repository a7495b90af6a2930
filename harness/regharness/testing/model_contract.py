"""The contract of a model adapter, as tests that a plugin's author subclasses. Needs pytest."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from regharness.capabilities import Exportable
from regharness.catalog import load_catalog
from regharness.interfaces import Dataset, ModelAdapter, Prediction, RunContext, SequenceBatch
from regharness.quantiles import declared_levels, level_problem
from regharness.testing.builders import make_batch, make_dataset
from regharness.testing.shift_contract import assert_same

PARTS = ("mean", "aleatoric_variance", "epistemic_variance", "quantiles")


class ModelAdapterContract:
    """What every model must hold to. Subclass it and override `make_model`.

    Examples
    --------
    >>> class TestMyModel(ModelAdapterContract):
    ...     def make_model(self):
    ...         return MyModel()
    """

    def make_model(self) -> ModelAdapter:
        """Make an unfitted model, quick to fit."""
        raise AssertionError("override make_model")

    def make_data(self) -> Dataset:
        """Make the examples to fit and predict; two outputs."""
        return make_dataset(outputs=("K562", "HepG2"))

    def fitted(self, seed: int = 0) -> ModelAdapter:
        """A model fitted on `make_data`, or as it comes."""
        model, data = self.make_model(), self.make_data()
        if model.trainable:
            model.fit(data.train, data.calibration, RunContext(seed=seed, device="cpu"))
        return model

    def predict(self, model: ModelAdapter, batch: SequenceBatch) -> Prediction:
        """Predict as the harness does: without the target, and with the truth only for who needs it."""
        seen = batch if "truth" in model.needs else batch.inputs()
        return model.predict(seen, RunContext(device="cpu"))

    def test_it_predicts_float32_of_example_by_output(self) -> None:
        test, model = self.make_data().test, self.fitted()
        levels = declared_levels(model)
        for name, value in given(self.predict(model, test)).items():
            beyond = (len(levels),) if name == "quantiles" else ()
            assert value.dtype == np.float32, name
            assert value.shape == (len(test), len(test.outputs), *beyond), name

    def test_quantiles_have_the_levels_that_it_declares_unfitted_and_do_not_fall(self) -> None:
        levels = declared_levels(self.make_model())
        prediction = self.predict(self.fitted(), self.make_data().test)
        assert not level_problem(levels)
        assert tuple(prediction.quantile_levels) == levels
        assert (prediction.quantiles is not None) == bool(levels)
        if prediction.quantiles is not None:
            assert (np.diff(prediction.quantiles, axis=2) >= 0).all()

    def test_predictions_are_finite_and_variances_not_negative(self) -> None:
        prediction = given(self.predict(self.fitted(), self.make_data().test))
        for name, value in prediction.items():
            assert np.isfinite(value).all(), name
            assert not name.endswith("variance") or (value >= 0).all(), name

    def test_an_examples_prediction_does_not_depend_on_the_others(self) -> None:
        model, test = self.fitted(), self.make_data().test
        whole = given(self.predict(model, test))
        some = np.array([5, 2, 40])
        for name, value in given(self.predict(model, test.select(some))).items():
            np.testing.assert_allclose(value, whole[name][some], rtol=1e-4, atol=1e-5)

    def test_equal_seeds_fit_equal_models(self) -> None:
        test = self.make_data().test
        one, two = (given(self.predict(self.fitted(seed=3), test)) for _ in range(2))
        for name, value in one.items():
            np.testing.assert_array_equal(value, two[name])

    def test_predicting_twice_gives_the_same_bits(self) -> None:
        model, test = self.fitted(), self.make_data().test
        one, two = (given(self.predict(model, test)) for _ in range(2))
        for name, value in one.items():
            np.testing.assert_array_equal(value, two[name])

    def test_a_saved_and_loaded_model_predicts_the_same_bits(self, tmp_path: Path) -> None:
        model, test = self.fitted(), self.make_data().test
        if not model.trainable:
            return
        model.save(tmp_path)
        loaded = self.make_model()
        loaded.load(tmp_path)
        before, after = given(self.predict(model, test)), given(self.predict(loaded, test))
        assert before.keys() == after.keys()
        for name, value in before.items():
            np.testing.assert_array_equal(after[name], value)

    def test_the_data_are_left_as_they_were(self) -> None:
        data, untouched = self.make_data(), self.make_data()
        model = self.make_model()
        if model.trainable:
            model.fit(data.train, data.calibration, RunContext(device="cpu"))
        self.predict(model, data.test)
        for split in ("train", "calibration", "test"):
            assert_same(getattr(data, split), getattr(untouched, split))

    def test_a_sequence_of_n_alone_is_accepted(self) -> None:
        batch = make_batch(4, outputs=("K562", "HepG2"))
        batch.sequence[1] = 4
        for name, value in given(self.predict(self.fitted(), batch)).items():
            assert np.isfinite(value).all(), name

    def test_a_single_example_is_accepted(self) -> None:
        one = self.make_data().test.select(np.array([0]))
        assert self.predict(self.fitted(), one).mean.shape == (1, 2)

    def test_a_file_in_each_format_that_it_offers_predicts_the_same(self, tmp_path: Path) -> None:
        model, test = self.fitted(), self.make_data().test
        if not isinstance(model, Exportable):
            return
        before = self.predict(model, test)
        for form in model.export_formats:
            folder = tmp_path / form
            folder.mkdir()
            exported = model.export(folder / f"model.{form}", form, test.outputs)
            assert (folder / f"model.{form}").exists(), form
            after = self.predict(load_catalog().create("model", exported.use, exported.with_, folder), test)
            assert exported.parts, form
            for name in exported.parts:
                np.testing.assert_allclose(
                    getattr(after, name), getattr(before, name), rtol=1e-4, atol=1e-4, err_msg=f"{form}: {name}"
                )


def given(prediction: Prediction) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """What a prediction holds, by name."""
    return {name: value for name in PARTS if (value := getattr(prediction, name)) is not None}
