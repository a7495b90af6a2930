"""The model that predicts a variant less its reference."""

from dataclasses import replace

import numpy as np
import pytest
from splits import real_data

import regharness as rh
from regharness import InputError, SequenceBatch
from regharness.errors import CellError
from regharness.testing import ModelAdapterContract, make_dataset

CONTEXT = rh.RunContext(device="cpu")


def placed(batch):
    """Call the base in the middle of each sequence a variant."""
    middle = batch.sequence.shape[1] // 2
    alt = np.array(list("ACGTN"))[batch.sequence[:, middle]]
    where = {"offset": np.full(len(batch), middle), "ref": np.where(alt == "A", "C", "A"), "alt": alt}
    return replace(batch, covariates={**batch.covariates, **where})


def placed_dataset():
    data = make_dataset(outputs=("K562", "HepG2"))
    parts = {name: placed(getattr(data, name)) for name in ("train", "calibration", "test")}
    return replace(data, **parts, held_out={name: placed(batch) for name, batch in data.held_out.items()})


class TestVariantEffect(ModelAdapterContract):
    def make_model(self):
        return rh.model("variant_effect", model={"use": "kmer_ridge", "with": {"k": 2}})

    def make_data(self):
        return placed_dataset()

    def predict(self, model, batch):
        return super().predict(model, batch if "offset" in batch.covariates else placed(batch))


def variants(*rows):
    """``(sequence with the variant, its place, reference base, variant)``."""
    texts, offset, ref, alt = zip(*rows, strict=True)
    return SequenceBatch(
        ids=np.arange(len(rows)).astype(str),
        sequence=np.array([["ACGTN".index(base) for base in text] for text in texts], np.uint8),
        outputs=("effect",),
        target=np.zeros((len(rows), 1), np.float32),
        covariates={"offset": np.array(offset), "ref": np.array(ref), "alt": np.array(alt)},
    )


@pytest.fixture(scope="module")
def activity():
    """A model of activity that is linear in GC content, and the same around differences."""
    data = make_dataset()
    inner = rh.model("gc_linear")
    inner.fit(data.train, data.calibration, CONTEXT)
    outer = rh.model("variant_effect", model={"use": "gc_linear"})
    outer.fit(data.train, data.calibration, CONTEXT)
    return inner, outer


def of(inner, *texts):
    sequence = np.array([["ACGTN".index(base) for base in text] for text in texts], np.uint8)
    batch = SequenceBatch(np.arange(len(texts)).astype(str), sequence, ("effect",))
    return inner.predict(batch, CONTEXT).mean


@pytest.mark.parametrize(
    ("variant", "reference"),
    [
        (("NACGTTN", 3, "A", "G"), "NACATTN"),
        (("NACGTTN", 1, "C", "A"), "NCCGTTN"),
        (("NACGTNN", 3, "C", "-"), "NACCGTN"),
        (("NACGTNN", 5, "G", "-"), "NACGTGN"),
        (("NACGTNN", 1, "G", "-"), "NGACGTN"),
    ],
)
def test_prediction_is_that_of_the_variant_less_that_of_the_reference(activity, variant, reference):
    inner, outer = activity
    expected = of(inner, variant[0]) - of(inner, reference)
    assert expected[0, 0] != 0
    np.testing.assert_array_equal(outer.predict(variants(variant), CONTEXT).mean, expected)


def test_a_change_that_leaves_the_gc_content_has_no_effect_for_a_model_of_gc_content(activity):
    effect = activity[1].predict(variants(("ACGT", 0, "T", "A"), ("ACGT", 1, "G", "C")), CONTEXT)
    assert effect.mean.tolist() == [[0.0], [0.0]]


def test_no_variance_is_claimed(activity):
    prediction = activity[1].predict(variants(("ACGT", 0, "C", "A")), CONTEXT)
    assert prediction.aleatoric_variance is None
    assert prediction.epistemic_variance is None


def test_an_uncertainty_method_around_it_gives_variances():
    from regharness.catalog import load_catalog

    data = placed_dataset()
    method = load_catalog().create("uncertainty", "residual_variance")
    model = method.wrap(lambda: rh.model("variant_effect", model={"use": "gc_linear"}))
    model.fit(data.train, data.calibration, CONTEXT)
    assert (model.predict(data.test.inputs(), CONTEXT).aleatoric_variance > 0).all()


def test_sequences_whose_variants_have_moved_are_refused(activity):
    batch = variants(("ACGTA", 0, "C", "A"), ("CCGTA", 0, "A", "C"), ("CCGTG", 0, "A", "C"))
    turned = replace(batch, sequence=batch.sequence[:, ::-1].copy())
    with pytest.raises(CellError, match="2 of 3 variants are not where 'offset' says"):
        activity[1].predict(turned, CONTEXT)


def test_data_without_variants_are_refused(activity):
    with pytest.raises(CellError, match="variant_effect needs the covariates offset, ref, alt; there is no offset"):
        activity[1].predict(make_dataset().test.inputs(), CONTEXT)


def test_a_model_that_needs_the_truth_is_refused():
    with pytest.raises(InputError, match="variant_effect: 'oracle' needs the truth"):
        rh.model("variant_effect", model={"use": "oracle"})


def test_a_misspelt_model_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="kmer_ridge"):
        rh.model("variant_effect", model={"use": "kmer_rigde"})


@real_data
def test_references_of_an_element_are_one_sequence():
    from regharness_mpra.variant_effect import references

    data = rh.data("satmut", elements=["HBB", "F9", "HBG1"]).generate(0)
    for part in (data.train, data.calibration, data.test):
        for element in set(part.covariates["element"].tolist()):
            whole = references(part.select(part.covariates["element"] == element))
            # A deletion may move its element by one within the padding.
            assert len({row[row < 4].tobytes() for row in whole}) == 1
