"""Test sets that are made, shifted and measured block by block."""

import numpy as np
import pytest

import regharness as rh
from regharness import blocks
from regharness.blocks import StreamedTestSet, blocks_of, refuse_whole
from regharness.catalog import load_catalog
from regharness.interfaces import SequenceBatch
from regharness.magnitude import Moved, achieved
from regharness.plan import make_plan
from regharness.seeding import rng_for
from regharness.spec_loading import load
from regharness_sim import generator

BLOCK, TEST = 4096, 10_000
DATA = {"train": 2, "calibration": 2, "test": TEST, "length": 60, "pairs": 4}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    for module in (blocks, generator):
        monkeypatch.setattr(module, "BLOCK", BLOCK)


@pytest.fixture(scope="module")
def whole():
    return rh.data("simulated_mpra", **DATA).generate(3)


def streamed(shift=None, severity=3):
    data = rh.data("simulated_mpra", **DATA)
    operator = None if shift is None else (rh.shift(shift), severity)
    return StreamedTestSet(data, data.begin(3), 3, TEST, operator, ("simulation", f"{shift}@{severity}"))


def joined(parts, name):
    return np.concatenate([getattr(part, name) for part in parts])


def test_a_batch_is_walked_in_views(whole):
    parts = list(blocks_of(whole.test))

    assert [len(part) for part in parts] == [BLOCK, BLOCK, TEST - 2 * BLOCK]
    assert all(np.shares_memory(part.sequence, whole.test.sequence) for part in parts)
    np.testing.assert_array_equal(joined(parts, "target"), whole.test.target)


def test_a_batch_of_one_block_is_given_as_it_is(whole):
    part = whole.test.select(slice(0, BLOCK))
    assert next(blocks_of(part)) is part


@pytest.mark.parametrize("name", ["ids", "sequence", "target", "noise_variance", "truth"])
def test_blocks_of_a_streamed_test_set_are_those_of_the_whole_one(whole, name):
    np.testing.assert_array_equal(joined(streamed().blocks(), name), getattr(whole.test, name))


def test_a_small_test_set_is_not_streamed():
    assert not blocks.streams(rh.data("simulated_mpra", **{**DATA, "test": BLOCK}))
    assert blocks.streams(rh.data("simulated_mpra", **DATA))


@pytest.mark.parametrize("shift", ["gc_content", "assay_noise", "sequencing_error", "motif_effect_rewiring"])
def test_every_walk_gives_the_same_and_every_example_has_its_own_id(shift):
    test = streamed(shift)
    first, again = list(test.blocks()), list(test.blocks())

    np.testing.assert_array_equal(joined(first, "target"), joined(again, "target"))
    np.testing.assert_array_equal(joined(first, "sequence"), joined(again, "sequence"))
    assert len({*joined(first, "ids").tolist()}) == TEST


def test_a_shift_of_blocks_moves_gc_content_as_that_of_the_whole(whole):
    apart = rh.shift("gc_content").apply(whole, 3, rng_for(0, "x"))

    # The new sequences are drawn with the test set's own random numbers, whatever the blocks.
    np.testing.assert_array_equal(joined(streamed("gc_content").blocks(), "sequence"), apart.sequence)


def test_noise_is_drawn_for_each_block_anew():
    parts = [part.target for part in streamed("assay_noise").blocks()]
    plain = [part.target for part in streamed().blocks()]
    noise = [(one - two)[: TEST - 2 * BLOCK, 0] for one, two in zip(parts, plain, strict=True)]

    assert all(abs(np.corrcoef(noise)[i, j]) < 5 / np.sqrt(len(noise[0])) for i, j in ((0, 1), (0, 2), (1, 2)))


@pytest.mark.parametrize("shift", [None, "gc_content", "barcode_count"])
def test_the_oracle_is_calibrated_on_streamed_test_sets(shift):
    z = np.concatenate([(p.target - p.truth) ** 2 / p.noise_variance for p in streamed(shift).blocks()])

    assert z.mean() == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("shift", ["gc_content", "motif_effect_rewiring", "assay_noise"])
def test_magnitudes_of_blocks_are_those_of_the_whole(whole, shift):
    shifted = rh.shift(shift).apply(whole, 3, rng_for(1, "x"))
    moved = Moved()
    for part, before in zip(blocks_of(shifted), blocks_of(whole.test), strict=True):
        moved.add(rh.interfaces.Dataset(whole.train, whole.calibration, before, mechanism=whole.mechanism), part)
    expected = achieved(whole, shifted)

    for name, value in moved.found().items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_a_magnitude_that_data_do_not_know_is_missing_in_blocks_too():
    batch = SequenceBatch(np.array(["a", "b"]), np.zeros((2, 4), np.uint8), ("x",), target=np.eye(2, 1, dtype="f4"))
    moved = Moved()
    moved.add(rh.interfaces.Dataset(batch, batch, batch), batch)
    found = moved.found()

    assert np.isnan(found["oracle_correlation"]).all()
    assert np.isnan(found["noise_sd"]).all()
    assert found["target_sd"] == [0.5]


def test_a_streamed_test_set_says_how_far_it_was_moved(whole):
    found = streamed("gc_content").achieved()
    gc = [np.isin(part, (1, 2)).mean() for part in (joined(streamed("gc_content").blocks(), "sequence"),)]

    assert found["gc_moved"] == pytest.approx(gc[0] - np.isin(whole.test.sequence, (1, 2)).mean(), abs=1e-9)
    assert found["effective_sample_size"] == TEST


def test_a_shift_that_needs_the_whole_test_set_is_refused_where_it_streams():
    data = rh.data("simulated_mpra", **DATA)
    with pytest.raises(rh.InputError, match="shift 'gc_quantile' needs the whole test set at once"):
        refuse_whole(data, "gc_quantile", rh.shift("gc_quantile"))


def test_the_plan_refuses_it(tmp_path):
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "name: x\nversion: 1\nseeds: [0]\nmetrics: [mse]\nmodels: [{name: mean, use: mean}]\n"
        f"tasks: [{{name: a, data: {{use: simulated_mpra, with: {{test: {TEST}}}}}, shifts: [{{use: gc_quantile}}]}}]\n"
    )
    catalog = load_catalog()
    with pytest.raises(rh.InputError, match="task 'a': shift 'gc_quantile' needs the whole test set"):
        make_plan(load(str(spec), catalog), catalog)
