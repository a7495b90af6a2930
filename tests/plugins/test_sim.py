"""Distribution facts of the simulation, against the values that its literature states."""

from dataclasses import replace

import numpy as np
import pytest

import regharness as rh
from regharness import InputError
from regharness.catalog import load_catalog
from regharness.testing.data_contract import DataGeneratorContract

SIZE = {"train": 4000, "calibration": 500, "test": 4000}


@pytest.fixture(scope="module")
def world():
    return rh.data("simulated_mpra", **SIZE).generate(0)


class TestSimulatedMPRA(DataGeneratorContract):
    def make_data_generator(self):
        return rh.data("simulated_mpra", train=40, calibration=20, test=30, length=80)


def test_gc_content_has_the_mean_and_spread_of_its_parameters():
    # Without planted motifs and CpG depletion, content is the drawn rate plus binomial sampling.
    data = rh.data("simulated_mpra", train=4000, calibration=2, test=2, motif_density=0.0, cpg_factor=1.0).generate(0)
    gc = data.train.covariates["gc_content"]
    assert gc.mean() == pytest.approx(0.47, abs=4 * 0.088 / np.sqrt(4000))
    assert gc.std() == pytest.approx(np.sqrt(0.08**2 + 0.47 * 0.53 / 200), rel=0.05)


def test_g_after_c_is_rarer_by_the_cpg_factor():
    data = rh.data("simulated_mpra", train=4000, calibration=2, test=2, motif_density=0.0, gc_sd=0.0).generate(0)
    sequence = data.train.sequence
    after_c = (sequence[:, 1:] == 2)[sequence[:, :-1] == 1].mean()
    others = (sequence[:, 1:] == 2)[sequence[:, :-1] == 0].mean()
    # After C the frequencies are divided by what is left: .6 g / (1 - .4 g), g being .235.
    assert others == pytest.approx(0.235, abs=0.005)
    assert after_c == pytest.approx(0.6 * 0.235 / (1 - 0.4 * 0.235), abs=0.005)


def test_planted_instances_are_poisson_at_most_eight(world):
    planted = world.train.covariates["n_planted"]
    # E[min(Poisson(4), 8)] by summing its probabilities.
    from scipy.stats import poisson

    expected = sum(min(k, 8) * poisson.pmf(k, 4) for k in range(60))
    assert planted.max() == 8
    assert planted.mean() == pytest.approx(expected, abs=4 * 2 / np.sqrt(4000))


def test_planting_more_than_fits_ends():
    data = rh.data("simulated_mpra", train=50, calibration=2, test=2, length=20, motif_density=40.0, max_motifs=50)
    assert data.generate(0).train.covariates["n_planted"].max() <= 20 // 8


def test_labels_have_the_spread_that_the_ceiling_leaves(world):
    # 3 tanh(x / 3) of x ~ N(0, .9) has an SD of 0.83, by numerical integration.
    x = np.linspace(-9, 9, 20001)
    density = np.exp(-((x / 0.9) ** 2) / 2)
    expected = np.sqrt((density * (3 * np.tanh(x / 3)) ** 2).sum() / density.sum())
    assert world.test.truth.std(axis=0) == pytest.approx(expected, rel=0.06)


def test_cell_types_share_about_half_of_their_program():
    generator = rh.data("simulated_mpra", train=2, calibration=2, test=1000)
    r = [np.corrcoef(generator.generate(seed).test.truth.T)[0, 1] for seed in range(12)]
    assert 0.45 < np.mean(r) < 0.65


def test_pairs_explain_their_share_of_the_label_variance(world):
    mechanism = world.mechanism.mechanism
    without = replace(mechanism.program, pair_effect=np.zeros_like(mechanism.program.pair_effect))
    both = mechanism.features.occupancy, mechanism.features.paired
    motifs = np.einsum("nko,ko->no", both[0], without.effect)
    pairs = np.einsum("npo,po->no", both[1], mechanism.program.pair_effect)
    assert 0.15 < (pairs.var(axis=0) / (motifs.var(axis=0) + pairs.var(axis=0))).mean() < 0.20


def test_replicates_agree_as_in_lentimpra(world):
    for output in range(2):
        r = np.corrcoef(world.test.replicates.target[:, output].T)
        assert r[np.triu_indices(3, 1)].min() > 0.92
        assert r[np.triu_indices(3, 1)].max() < 0.98


def test_the_measurement_scatters_around_the_truth_as_its_noise_variance_says(world):
    test = world.test
    z = (test.target - test.truth) / np.sqrt(test.noise_variance)
    n = z.size
    assert np.square(z).mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / n) + 0.01)


def test_noise_differs_between_examples(world):
    low, high = np.quantile(world.test.noise_variance, [0.05, 0.95])
    assert high / low > 1.5


def test_fewer_barcodes_make_more_noise():
    few, many = (
        rh.data("simulated_mpra", train=2, calibration=2, test=500, barcodes=b).generate(0) for b in (5.0, 66.0)
    )
    assert few.test.noise_variance.mean() > 5 * many.test.noise_variance.mean()


def test_counts_give_back_the_activity(world):
    test = world.test
    ratio = np.log2(test.rna_count / test.dna_count)
    assert np.corrcoef(ratio[:, 0], test.target[:, 0])[0, 1] > 0.995


def test_a_larger_data_set_begins_with_the_smaller_one():
    small, large = (rh.data("simulated_mpra", train=n, calibration=2, test=2).generate(0).train for n in (10, 5000))
    assert (large.sequence[:10] == small.sequence).all()


def test_an_examples_activity_does_not_depend_on_the_others(world):
    sequence = world.test.sequence
    activity = world.mechanism.mechanism.activity
    assert (activity(sequence[:7]) == activity(sequence)[:7]).all()


def test_the_oracles_error_is_the_noise_floor(world):
    prediction = rh.model("oracle").predict(world.test, rh.RunContext())
    scores = rh.evaluate(world.test.target, prediction.mean, prediction.aleatoric_variance, ["mse", "coverage_95"])
    floor = world.test.noise_variance.mean(axis=0)
    np.testing.assert_allclose(scores["mse"], floor, rtol=0.1)
    np.testing.assert_allclose(scores["coverage_95"], 0.95, atol=0.02)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"length": 20, "motifs": "long.jaspar"}, "the motif TOY has 24 positions and a sequence only 20"),
        ({"barcodes": 0}, "barcodes: input should be greater than or equal to 1"),
        ({"cell_types": []}, "cell_types: list should have at least 1 item"),
        ({"cell_types": ["a", "a"]}, "names one cell type twice"),
        ({"train": 0}, "train: input should be greater than or equal to 2"),
        ({"motifs": "none.jaspar"}, r"no file at .*none\.jaspar"),
        ({"lenght": 100}, "unknown key 'lenght'; did you mean 'length'?"),
    ],
)
def test_parameters_that_cannot_work_are_refused(tmp_path, parameters, message):
    row = " ".join(["5"] * 24)
    (tmp_path / "long.jaspar").write_text(f">M1\tTOY\nA [ {row} ]\nC [ {row} ]\nG [ {row} ]\nT [ {row} ]\n")
    with pytest.raises(InputError, match=message):
        load_catalog().create("data", "simulated_mpra", parameters, tmp_path)
