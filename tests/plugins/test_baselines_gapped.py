"""The gapped k-mer kernel against counting in text, and its regression against a Gaussian process."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import load_file
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import DotProduct
from sklearn.linear_model import Ridge

import regharness as rh
from regharness import InputError
from regharness.testing import ModelAdapterContract, make_dataset
from regharness_baselines.gapped import GappedKmerKernel

CONTEXT = rh.RunContext(device="cpu")
COMPLEMENT = np.array([3, 2, 1, 0, 4], np.uint8)
SEQUENCES = arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(0, 15)), elements=st.integers(0, 4))


class TestGappedKmer(ModelAdapterContract):
    def make_model(self):
        return rh.model("gapped_kmer", length=4, k=3, landmarks=50)


def words(row, length):
    """Words of both strands as text, but those that hold N."""
    texts = ["".join("ACGTN"[code] for code in strand) for strand in (row, COMPLEMENT[row[::-1]])]
    found = [text[i : i + length] for text in texts for i in range(len(text) - length + 1)]
    return [word for word in found if "N" not in word]


def in_text(one, other, length, k):
    """The cosine of the counts of all gapped k-mers, such as "A--C", found as text."""
    counts = []
    for row in (one, other):
        shown = [
            "".join(word[p] if p in places else "-" for p in range(length))
            for word in words(row, length)
            for places in combinations(range(length), k)
        ]
        counts.append({text: shown.count(text) for text in shown})
    a, b = counts
    norm = np.sqrt(float(sum(v * v for v in a.values())) * sum(v * v for v in b.values()))
    return sum(v * b.get(text, 0) for text, v in a.items()) / norm if norm else 0.0


# The first example pays for loading the compiled loops.
@settings(deadline=None, max_examples=40)
@given(one=SEQUENCES, other=SEQUENCES, shape=st.sampled_from([(4, 2), (4, 4), (5, 3), (3, 1)]))
def test_the_kernel_is_that_of_gapped_kmers_found_in_text(one, other, shape):
    expected = [[in_text(row, landmark, *shape) for landmark in other] for row in one]
    np.testing.assert_allclose(GappedKmerKernel(other, *shape)(one), expected, rtol=1e-12, atol=1e-15)


def test_words_share_as_many_gapped_kmers_as_choices_among_the_places_where_they_agree():
    # Ghandi et al. 2014, equation 3: the sum over pairs of words of comb(length - mismatches, k).
    one, other = np.random.default_rng(0).integers(0, 4, (2, 200), dtype=np.uint8)

    def kernel(a, b):
        letters = [np.array([list(word) for word in words(row, 8)]) for row in (a, b)]
        agreeing = (letters[0][:, None] == letters[1][None]).sum(axis=2)
        return sum(comb(n, 6) * int((agreeing == n).sum()) for n in range(6, 9))

    expected = kernel(one, other) / np.sqrt(kernel(one, one) * kernel(other, other))
    np.testing.assert_allclose(GappedKmerKernel(other[None], 8, 6)(one[None])[0, 0], expected, rtol=1e-12)


@settings(deadline=None)
@given(sequence=SEQUENCES)
def test_both_strands_are_as_one(sequence):
    landmarks = np.random.default_rng(0).integers(0, 4, (3, 20), dtype=np.uint8)
    kernel = GappedKmerKernel(landmarks, 4, 3)
    np.testing.assert_array_equal(kernel(COMPLEMENT[sequence[:, ::-1]]), kernel(sequence))


def test_more_landmarks_than_are_tabulated_at_once_change_no_value():
    sequence = np.random.default_rng(0).integers(0, 4, (150, 30), dtype=np.uint8)
    alone = [GappedKmerKernel(row[None], 4, 3)(sequence) for row in sequence]
    np.testing.assert_array_equal(GappedKmerKernel(sequence, 4, 3)(sequence), np.hstack(alone))


def fitted(data, **parameters):
    model = rh.model("gapped_kmer", **{"length": 5, "k": 3, **parameters})
    model.fit(data.train, data.calibration, CONTEXT)
    return model


def test_with_every_training_sequence_a_landmark_it_is_the_gaussian_process_of_the_kernel():
    # The intercept is free, so the process is that of centred gapped k-mers: an inner product about their mean.
    data = make_dataset(train=80, test=30)
    train, test = data.train, data.test
    mine = fitted(data, landmarks=80).predict(test.inputs(), CONTEXT)
    both = np.vstack([train.sequence, test.sequence])
    inner = GappedKmerKernel(both, 5, 3)(both)
    value, vector = np.linalg.eigh(inner)
    x = vector * np.sqrt(np.maximum(value, 0.0))
    x, at = np.split(x - x[:80].mean(axis=0), [80])
    y = train.target[:, 0].astype(float)
    noise = mine.aleatoric_variance[0, 0]
    unit = np.square(x).sum() / 79
    processes = [
        GaussianProcessRegressor(noise / (p * unit) * DotProduct(0.0, "fixed"), alpha=noise, optimizer=None)
        for p in 10.0 ** np.arange(-3, 3.5, 0.5)
    ]
    means = [process.fit(x, y - y.mean()).predict(at) + y.mean() for process in processes]
    best = int(np.argmin([np.abs(mean - mine.mean[:, 0]).max() for mean in means]))
    np.testing.assert_allclose(mine.mean[:, 0], means[best], atol=1e-5)
    sd = processes[best].predict(at, return_std=True)[1]
    np.testing.assert_allclose(mine.epistemic_variance[:, 0], sd**2 + noise / 80, rtol=1e-3)


def test_with_few_landmarks_it_is_ridge_regression_on_their_kernel_in_its_own_metric(tmp_path):
    data = make_dataset()
    model = fitted(data, landmarks=40)
    model.save(tmp_path)
    landmarks = load_file(tmp_path / "landmarks.safetensors")["landmarks"]
    assert len(landmarks) == 40
    kernel = GappedKmerKernel(landmarks, 5, 3)
    # Any root of the landmarks' kernel gives the same inner products; the model's is not Cholesky's.
    root = np.linalg.cholesky(kernel(landmarks))
    x, at = (np.linalg.solve(root, kernel(batch.sequence).T).T for batch in (data.train, data.test))
    unit = np.square(x - x.mean(axis=0)).sum() / 40
    mean = model.predict(data.test.inputs(), CONTEXT).mean[:, 0]
    choices = [Ridge(10.0**p * unit).fit(x, data.train.target[:, 0]).predict(at) for p in np.arange(-3, 3.5, 0.5)]
    assert min(np.abs(choice - mean).max() for choice in choices) < 1e-5


def test_it_learns_a_motif_and_its_intervals_cover():
    data = make_dataset(train=2000, test=1000)
    p = fitted(data, length=6, k=5, landmarks=500).predict(data.test.inputs(), CONTEXT)
    variance = p.aleatoric_variance + p.epistemic_variance
    scores = rh.evaluate(data.test.target[:, 0], p.mean[:, 0], variance[:, 0], ["pearson_r", "coverage_90"])
    assert scores["pearson_r"] > 0.8
    assert 0.86 < scores["coverage_90"] < 0.94


@pytest.mark.parametrize("landmarks", [250, 400, 500])
def test_intervals_cover_however_few_training_sequences_are_no_landmarks(landmarks):
    # What a new sequence has beyond the landmarks is in the residuals of the other training sequences only.
    data = make_dataset(train=500, test=2000)
    p = fitted(data, length=8, k=6, landmarks=landmarks).predict(data.test.inputs(), CONTEXT)
    variance = p.aleatoric_variance + p.epistemic_variance
    scores = rh.evaluate(data.test.target[:, 0], p.mean[:, 0], variance[:, 0], ["coverage_90"])
    assert 0.86 < scores["coverage_90"] < 0.97


def test_its_epistemic_variance_falls_with_more_training_data():
    few, many = (
        fitted(make_dataset(train=n, test=500), length=6, k=4, landmarks=100).predict(
            make_dataset(test=500).test.inputs(), CONTEXT
        )
        for n in (150, 3000)
    )
    assert np.median(many.epistemic_variance) < 0.5 * np.median(few.epistemic_variance)


def test_it_is_less_sure_of_sequences_unlike_those_of_training():
    data = make_dataset()
    data.train.sequence[data.train.sequence == 0] = 1
    data.train.sequence[data.train.sequence == 3] = 2
    model = fitted(data, landmarks=60)
    known, unknown = (model.predict(batch.inputs(), CONTEXT) for batch in (data.train, data.test))
    assert unknown.epistemic_variance.min() > np.median(known.epistemic_variance)


def test_training_sequences_without_a_word_leave_the_mean():
    data = make_dataset(train=20)
    data.train.sequence[:] = 4
    prediction = fitted(data, landmarks=5).predict(data.test.inputs(), CONTEXT)
    np.testing.assert_allclose(prediction.mean[:, 0], data.train.target.mean(), rtol=1e-5)


def test_more_bases_than_a_word_has_are_refused():
    with pytest.raises(InputError, match="'k' compares 6 bases of a word of 'length' 5"):
        rh.model("gapped_kmer", length=5)
