"""Facts of `compose`: order, severities, refusals, and what a run knows of the parts."""

import numpy as np
import pytest

import regharness as rh
from regharness import InputError
from regharness.catalog import load_catalog
from regharness.plan import make_plan
from regharness.seeding import rng_for
from regharness.spec_loading import load
from regharness.testing import ShiftOperatorContract, make_dataset

DATA = make_dataset(test=400)
SPEC = """
name: composed
tasks:
  - name: t
    data: {{use: simulated_mpra, with: {{train: 50, calibration: 20, test: 50, length: 60}}}}
    shifts:
      - {}
models: [{{name: mean, use: mean}}]
metrics: [mse]
"""


def compose(*parts):
    return rh.shift("compose", shifts=list(parts))


class TestCompose(ShiftOperatorContract):
    def make_shift(self):
        return compose({"use": "gc_quantile"}, {"use": "assay_noise"}, {"use": "sequencing_error"})


def test_every_part_is_applied_at_the_severity_of_the_whole():
    made = compose({"use": "batch_offset"}, {"use": "batch_gain"}).apply(DATA, 2, rng_for(0, "x"))
    target = DATA.test.target + 0.2
    np.testing.assert_allclose(made.target, target.mean() + 1.2 * (target - target.mean()), rtol=1e-4, atol=1e-5)


def test_a_part_may_have_a_severity_of_its_own():
    made = compose({"use": "batch_offset", "severity": 5}, {"use": "sequencing_error"}).apply(DATA, 1, rng_for(0, "x"))
    np.testing.assert_allclose(made.target - DATA.test.target, 1.0, atol=1e-6)
    assert 0 < (made.sequence != DATA.test.sequence).mean() < 0.005


def test_parts_draw_from_streams_of_their_own():
    one = compose({"use": "assay_noise"}, {"use": "assay_noise"}).apply(DATA, 3, rng_for(0, "x"))
    assert (one.target - DATA.test.target).std() == pytest.approx(0.6 * np.sqrt(2), rel=0.1)


def test_a_covariate_shift_moves_what_a_count_shift_then_measures():
    data = rh.data("simulated_mpra", train=10, calibration=10, test=300).generate(0)
    made = compose({"use": "gc_content"}, {"use": "sequencing_depth"}).apply(data, 3, rng_for(0, "x"))
    np.testing.assert_array_equal(made.truth, data.mechanism.activity(made.sequence))
    assert made.rna_count.mean() == pytest.approx(0.1 * data.test.rna_count.mean(), rel=0.2)


def test_it_needs_what_its_parts_need_and_keeps_labels_if_all_do():
    made = compose({"use": "barcode_count"}, {"use": "sequencing_error"})
    assert made.needs == {"counts", "barcodes"}
    assert not made.label_preserving
    assert compose({"use": "gc_quantile"}, {"use": "sequencing_error"}).label_preserving


def test_it_has_the_severities_that_its_parts_have_in_common():
    assert compose({"use": "assay_noise"}, {"use": "reverse_complement"}).severities == (1,)
    assert compose({"use": "assay_noise", "severity": 4}, {"use": "reverse_complement"}).severities == (1,)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([{"use": "assay_noise"}, {"use": "gc_quantile"}], "'gc_quantile' after 'assay_noise' would undo it"),
        ([{"use": "sequencing_error"}, {"use": "batch_offset"}], "'batch_offset' after 'sequencing_error'"),
        ([{"use": "batch_offset"}, {"use": "barcode_count"}], "put 'barcode_count' before 'batch_offset'"),
        ([{"use": "barcode_count"}, {"use": "sequencing_depth"}], "'sequencing_depth' counts again"),
        ([{"use": "assay_noise", "severity": 6}, {"use": "sequencing_error"}], "'assay_noise' has no severity 6"),
        (
            [{"use": "assay_noise", "with": {"levels": [1.0]}}, {"use": "sequencing_error", "severity": 2}],
            None,
        ),
    ],
)
def test_parts_that_would_undo_each_other_are_refused(parts, message):
    if message is None:
        assert compose(*parts).severities == (1,)
    else:
        with pytest.raises(InputError, match=message):
            compose(*parts)


@pytest.mark.parametrize(
    ("shift", "message"),
    [
        ("{use: compose, with: {shifts: [{use: asay_noise}, {use: batch_gain}]}}", "did you mean 'assay_noise'"),
        ("{use: compose, with: {shifts: [{use: batch_gain}]}}", "at least 2"),
        (
            "{use: compose, with: {shifts: [{use: batch_gain, with: {level: 2}}, {use: batch_gain}]}}",
            "batch_gain: level",
        ),
        ("{use: compose, severity: [6], with: {shifts: [{use: batch_gain}, {use: batch_gain}]}}", "no severity 6"),
        ("{use: compose, with: {shifts: [{use: block_mask}, {use: block_mask}]}}", "a stretch of 80 bp leaves nothing"),
        ("{use: compose, with: {shifts: [{use: held_out_group, with: {group: x}}, {use: assay_noise}]}}", "held_out"),
    ],
)
def test_a_composition_that_cannot_be_is_refused_before_anything_is_computed(tmp_path, shift, message):
    (tmp_path / "s.yaml").write_text(SPEC.format(shift))
    catalog = load_catalog()
    with pytest.raises(InputError, match=message):
        make_plan(load(tmp_path / "s.yaml", catalog), catalog)


def test_the_place_of_a_wrong_part_is_shown(tmp_path):
    (tmp_path / "s.yaml").write_text(
        SPEC.format("{use: compose, with: {shifts: [{use: batch_gain}, {use: batch_gian}]}}")
    )
    with pytest.raises(InputError, match=r"s\.yaml:7:\d+"):
        load(tmp_path / "s.yaml", load_catalog())
