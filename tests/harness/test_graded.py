"""Severities: tables, users' own grids, what is refused; resampling; how far a shift moved the test set."""

from dataclasses import replace

import numpy as np
import pytest
from builders import spec, write

import regharness as rh
from regharness import InputError
from regharness.api import run as run_spec
from regharness.graded import GradedShift, within_reach
from regharness.magnitude import achieved
from regharness.resampling import effective_size, resampled
from regharness.seeding import rng_for
from regharness.testing import make_batch, make_dataset
from regharness.testing.shift_contract import assert_same

DATA = make_dataset()


class Shrink(GradedShift):
    """Multiply targets by less and less."""

    levels = (0.9, 0.6, 0.3)
    severities = (1, 2, 3)
    level_meaning = "what is left"
    level_range = (0.0, 1.0)

    def shifted(self, dataset, level, rng):
        target = (dataset.test.target * level).astype(np.float32)
        return replace(dataset, test=replace(dataset.test, target=target))


@pytest.mark.parametrize(("severity", "level"), [(1, 0.9), (2, 0.6), (3, 0.3)])
def test_a_severity_is_a_row_of_the_table(severity, level):
    shifted = Shrink().apply(DATA, severity, rng_for(0, "x"))
    np.testing.assert_allclose(shifted.target, level * DATA.test.target, rtol=1e-6)


def test_severity_0_is_the_test_set():
    assert_same(Shrink().apply(DATA, 0, rng_for(0, "x")), DATA.test)


def test_a_grid_of_ones_own_replaces_the_table():
    made = Shrink(levels=[0.8, 0.4])
    assert (made.levels, made.severities) == ((0.8, 0.4), (1, 2))
    np.testing.assert_allclose(made.apply(DATA, 2, rng_for(0, "x")).target, 0.4 * DATA.test.target, rtol=1e-6)


@pytest.mark.parametrize("severity", [-1, 4])
def test_a_severity_beyond_the_table_is_refused(severity):
    with pytest.raises(InputError, match=rf"Shrink has no severity {severity} \(it has 0 to 3\)"):
        Shrink().apply(DATA, severity, rng_for(0, "x"))


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([0.3, 0.9], r"they must descend, and \[0\.3, 0\.9\] do not"),
        ([0.3, 0.3], "they must descend"),
        ([1.1], r"1\.1 is outside 0 to 1 \(what is left\).*severity 1-3 usually are 0\.9, 0\.6, 0\.3"),
        ([float("nan")], "nan is outside 0 to 1"),
    ],
)
def test_a_grid_that_goes_the_wrong_way_or_too_far_is_refused(levels, message):
    with pytest.raises(InputError, match=message):
        Shrink(levels=levels)


@pytest.mark.parametrize(
    ("levels", "message"), [([], "at least 1 item"), ([float("inf")], "finite number"), ([1.0] * 101, "at most 100")]
)
def test_a_grid_that_is_no_grid_is_refused_by_its_parameters(levels, message):
    with pytest.raises(InputError, match=message):
        rh.shift("assay_noise", levels=levels)


def test_asking_for_one_severity_of_an_operator_checks_that_it_has_it():
    assert rh.shift("reverse_complement", 1).severities == (1,)
    assert rh.shift("assay_noise", 0).apply(DATA, 0, rng_for(0, "x")) is DATA.test
    with pytest.raises(InputError, match=r"no severity named '2'.*it has: 1"):
        rh.shift("reverse_complement", 2)


@pytest.mark.parametrize(
    ("levels", "furthest", "start", "aims"),
    [
        ([0.1, 0.2, 0.3], 0.5, 0.0, [0.1, 0.2, 0.3]),
        ([0.1, 0.2, 0.3], 0.15, 0.0, [0.1, 0.125, 0.15]),
        ([0.1, 0.2], 0.04, 0.0, [0.02, 0.04]),
        ([0.9, 0.5, 0.1], 0.7, 1.0, [0.9, 0.8, 0.7]),
    ],
)
def test_levels_out_of_reach_are_spread_over_what_is_left(levels, furthest, start, aims):
    np.testing.assert_allclose(within_reach(levels, furthest, start), aims)


def test_kishs_effective_size():
    # (1 + 1 + 2)^2 / (1 + 1 + 4); equal weights are worth their number.
    assert effective_size(np.array([1.0, 1.0, 2.0])) == pytest.approx(16 / 6)
    assert effective_size(np.full(7, 3.0)) == pytest.approx(7)


def test_an_example_of_three_times_the_mean_weight_is_drawn_three_times():
    batch = make_batch(60)
    weights = np.ones(60)
    weights[10] = 3.0
    weights[20:22] = 0.0001
    drawn = resampled(batch, np.log(weights), rng_for(0, "x"))
    times = np.bincount([batch.ids.tolist().index(name.split("~")[0]) for name in drawn.ids], minlength=60)
    # Systematic resampling: n w / sum w, rounded up or down.
    exact = 60 * weights / weights.sum()
    assert len(drawn) == 60
    assert ((times == np.floor(exact)) | (times == np.ceil(exact))).all()
    assert drawn.effective_size == pytest.approx(weights.sum() ** 2 / (weights**2).sum())


def test_an_example_drawn_again_has_an_id_of_its_own_and_the_same_label():
    batch = make_batch(60)
    drawn = resampled(batch, np.where(np.arange(60) == 5, 1.0, 0.0), rng_for(0, "x"))
    assert {"e5", "e5~2"} <= set(drawn.ids.tolist())
    rows = dict(zip(drawn.ids.tolist(), drawn.target[:, 0], strict=True))
    assert rows["e5"] == rows["e5~2"]


def test_weights_that_leave_too_little_are_refused():
    with pytest.raises(
        InputError, match=r"the 60 test examples are worth only 1\.0 once weighted, below the floor of 30"
    ):
        resampled(make_batch(60), np.where(np.arange(60) == 5, 20.0, 0.0), rng_for(0, "x"))


def test_achieved_magnitudes_are_those_of_the_batches():
    gc = np.isin(DATA.test.sequence, (1, 2)).sum(axis=1) / (DATA.test.sequence < 4).sum(axis=1)
    shifted = rh.shift("gc_quantile").apply(DATA, 3, rng_for(0, "x"))
    found = achieved(DATA, shifted)
    assert found["gc_moved"] == pytest.approx(shifted.covariates["gc_content"].mean() - gc.mean())
    assert found["effective_sample_size"] == len(shifted)
    np.testing.assert_allclose(found["target_sd"], shifted.target.std(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found["noise_sd"], 0.1, rtol=1e-5)
    assert np.isnan(found["oracle_correlation"]).all()


def test_the_oracles_correlation_is_of_the_truth_before_and_after():
    data = rh.data("simulated_mpra", train=10, calibration=10, test=500).generate(0)
    shifted = rh.shift("motif_effect_rewiring").apply(data, 3, rng_for(0, "x"))
    pairs = zip(data.test.truth.T, shifted.truth.T, strict=True)
    expected = [np.corrcoef(before, after)[0, 1] for before, after in pairs]
    np.testing.assert_allclose(achieved(data, shifted)["oracle_correlation"], expected, atol=1e-5)


def test_noise_that_is_known_of_some_examples_is_theirs():
    noise = DATA.test.noise_variance.copy()
    noise[::2] = np.nan
    found = achieved(DATA, replace(DATA.test, noise_variance=noise))
    np.testing.assert_allclose(found["noise_sd"], 0.1, rtol=1e-5)


def test_cube_and_scores_say_how_far_each_shift_moved_the_test_set(toys, tmp_path):
    run = run_spec(write(tmp_path, spec()), tmp_path / "r")
    cube = run.cube("t").load()
    assert cube["effective_sample_size"].dims == ("shift", "seed")
    assert cube["target_sd"].dims == ("shift", "seed", "output")
    assert cube["effective_sample_size"].sel(shift="half@1", seed=0) == 16
    np.testing.assert_allclose(cube["target_sd"], cube["target"].std("example"), rtol=1e-4)
    np.testing.assert_allclose(cube["noise_sd"], 0.1, rtol=1e-5)
    assert (cube["gc_moved"].sel(shift="offset@3") == 0).all()
    for name in ("gc_moved", "effective_sample_size", "target_sd", "noise_sd", "oracle_correlation"):
        assert name in run.scores.coords
        found = run.scores[name].sel(task="t").transpose(*cube[name].dims)
        np.testing.assert_allclose(found, cube[name], rtol=1e-6)
