"""What is simulated of the assay, against counts that were measured and against theory."""

import numpy as np
import pytest
from scipy import special, stats

import regharness as rh
from regharness_sim.count_moments import log2_moments

QUIET = {"barcode_sd": 0.0, "donor_sd": 0.0, "barcode_dropout": 0.0}


def elements(n=4000, seed=0, **parameters):
    return rh.data("simulated_mpra", train=2, calibration=2, test=n, **parameters).generate(seed).test


@pytest.fixture(scope="module")
def measured():
    return elements()


def test_the_replicates_standard_error_understates_the_noise_as_in_inoue_2017(measured):
    # Their elements of some 66 barcodes: .103 between three replicates against .166 around the truth.
    error = measured.replicates.target.std(axis=2, ddof=1) / np.sqrt(3)
    assert np.sqrt(np.square(error).mean()) == pytest.approx(0.103, rel=0.15)
    assert (measured.target - measured.truth).std() == pytest.approx(0.166, rel=0.15)


@pytest.mark.parametrize(
    ("low", "high", "sd"),
    [
        (20, 50, 0.48),
        (50, 100, 0.42),
        (100, 200, 0.26),
        (200, 500, 0.19),
        (500, 1000, 0.13),
        (1000, 3000, 0.089),
        (3000, 10_000, 0.069),
    ],
)
def test_replicates_scatter_with_dna_count_as_in_tewhey_2016(low, high, sd):
    # Replicates of one cell line, and libraries of few to very many barcodes.
    parts = [elements(600, barcodes=b, donor_sd=0.05).replicates for b in (3, 7, 15, 40, 90, 250, 600)]
    dna = np.concatenate([part.dna_count.mean(axis=2).ravel() for part in parts])
    scatter = np.concatenate([part.target.var(axis=2, ddof=1).ravel() for part in parts])
    bin_ = (dna >= low) & (dna < high)
    assert np.sqrt(scatter[bin_].mean()) == pytest.approx(sd, rel=0.3)


@pytest.mark.parametrize("dispersion", [0.04, 0.09, 0.2])
def test_rna_counts_of_a_barcode_are_dispersed_as_stated(dispersion):
    # Many reads: what is left of the replicates' variance is that of the log of a gamma variable.
    batch = elements(4000, barcodes=1, dna_median=1e5, dispersion=dispersion, **QUIET)
    variance = batch.replicates.target.var(axis=2, ddof=1).mean() * np.log(2) ** 2
    expected = special.polygamma(1, 1 / dispersion)
    assert variance == pytest.approx(expected, rel=4 * np.sqrt(2 / batch.target.size) + 0.02)


def test_dna_counts_are_log_normal_between_elements_of_one_barcode():
    batch = elements(4000, barcodes=1, dna_median=1e4, **QUIET)
    log_count = np.log(batch.replicates.dna_count[:, 0, 0])
    assert np.median(log_count) == pytest.approx(np.log(1e4), abs=4 * 1.25 * 1.1 / np.sqrt(4000))
    assert log_count.std() == pytest.approx(1.1, rel=0.05)


def test_the_noise_variance_holds_at_every_depth_and_number_of_barcodes():
    for parameters in ({}, {"barcodes": 1, "dna_median": 1}, {"depth": 0.02}, {"barcodes": 4}, {"dispersion": 3.0}):
        batch = elements(4000, **parameters)
        z = (batch.target - batch.truth) / np.sqrt(batch.noise_variance)
        assert np.square(z).mean() == pytest.approx(1.0, abs=0.1), parameters


@pytest.mark.parametrize("seed", range(3))
def test_the_oracles_error_equals_the_noise_floor_within_sampling_error(seed):
    batch = elements(8000, seed)
    squared = np.square(batch.target - batch.truth).mean(axis=1)
    floor = batch.noise_variance.mean()
    assert squared.mean() == pytest.approx(floor, abs=4 * squared.std() / np.sqrt(len(batch)))


def test_replicates_average_to_the_target_and_their_counts_add_up(measured):
    np.testing.assert_allclose(measured.replicates.target.mean(axis=2), measured.target, atol=1e-5)
    np.testing.assert_allclose(measured.replicates.dna_count.sum(axis=2), measured.dna_count)
    np.testing.assert_allclose(measured.replicates.rna_count.sum(axis=2), measured.rna_count)


def test_a_replicates_activity_is_the_log_ratio_of_its_counts(measured):
    counts = measured.replicates
    expected = np.log2((counts.rna_count + 1) / (counts.dna_count + 1))
    np.testing.assert_allclose(counts.target, expected, atol=1e-4)


def test_donors_depart_from_the_truth_by_their_sd_and_average_to_it():
    batch = elements(4000, donor_sd=0.5, barcodes=5000, dna_median=500, dispersion=0.0, barcode_sd=0.0)
    departure = batch.replicates.target - batch.truth[:, :, None]
    assert departure.std() == pytest.approx(0.5, rel=0.1)
    assert np.abs(departure.mean(axis=2)).max() < 0.02


def test_donors_agree_more_across_cell_types_than_with_each_other():
    batch = elements(4000, donor_sd=0.5, barcodes=5000, dna_median=500, dispersion=0.0, barcode_sd=0.0)
    departure = batch.replicates.target - batch.truth[:, :, None]
    across = np.corrcoef(departure[:, 0, 0], departure[:, 1, 0])[0, 1]
    # Half of a donor's variance is over all cell types; three donors that sum to zero correlate at -1/2.
    assert across > 0.2
    assert np.corrcoef(departure[:, 0, 0], departure[:, 0, 1])[0, 1] < 0


def test_batches_add_their_offset_and_gain():
    given = {"batches": 4, "batch_offset_sd": 0.3, "batch_gain_sd": 0.2}
    batch = elements(6000, donor_sd=0.0, **given)
    lines = [
        np.polyfit(batch.truth[batch.covariates["batch"] == b, 0], batch.target[batch.covariates["batch"] == b, 0], 1)
        for b in range(4)
    ]
    gain, offset = np.array(lines).T
    assert offset.std() == pytest.approx(0.3, rel=0.1)
    assert gain.std() == pytest.approx(0.2, rel=0.15)
    z = (batch.target - batch.truth) / np.sqrt(batch.noise_variance)
    assert np.square(z).mean() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("mean", [0.01, 0.3, 2.0, 20.0, 200.0])
@pytest.mark.parametrize("dispersion", [0.0, 0.01, 0.3, 2.0])
def test_moments_of_log_counts_agree_with_scipys_distributions(mean, dispersion):
    if dispersion:
        law = stats.nbinom(1 / dispersion, 1 / (1 + dispersion * mean))
    else:
        law = stats.poisson(mean)
    k = np.arange(int(law.isf(1e-9)) + 2)
    p, value = law.pmf(k), np.log2(k + 1)
    first = (p * value).sum()
    found = log2_moments(np.array([mean]), np.array([dispersion]))
    assert found[0][0] == pytest.approx(first, rel=5e-3, abs=1e-4)
    assert found[1][0] == pytest.approx((p * value**2).sum() - first**2, rel=1e-2)
