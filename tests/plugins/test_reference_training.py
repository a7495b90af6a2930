"""How reference models of any framework are trained: order, augmentation, schedule, which epoch is kept."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from regharness.errors import CellError
from regharness.testing import make_batch
from regharness_reference.augmentation import evolved, on_random_strands
from regharness_reference.batches import Batches
from regharness_reference.parameters import Evolution, ReferenceParameters
from regharness_reference.scales import Scales
from regharness_reference.training import Learner, fit_network, learning_rate


def rng():
    return np.random.default_rng(0)


def parameters(**given):
    return ReferenceParameters.model_validate({"reverse_complement": False, **given})


def batches(batch, **given):
    features = np.zeros((len(batch), 0), np.float32)
    return Batches(batch, features, Scales.of(batch.target, features), parameters(**given))


class Counter(Learner):
    """Its weight is the number of steps it has taken."""

    def __init__(self, losses=None):
        self.taken, self.losses, self.rates = 0, losses, []

    def training(self):
        return nullcontext()

    def step(self, batch, rate):
        self.taken += 1
        self.rates.append(rate)
        return 0.0

    def weights(self):
        return {"taken": np.array(self.taken)}

    def restore(self, weights):
        self.taken = int(weights["taken"])


def run(judged, **given):
    """A fit whose epochs are judged so; 64 examples, 2 steps an epoch."""
    learner, told = Counter(), iter(judged)
    p = parameters(epochs=len(judged), batch_size=32, **given)
    fit_network(learner, batches(make_batch(64), batch_size=32), lambda: next(told), p, rng(), lambda share: None)
    return learner


def test_the_epoch_that_is_judged_best_is_kept():
    assert run([3.0, 1.0, 2.0]).taken == 4


def test_training_ends_when_it_has_not_improved_for_the_epochs_of_patience():
    learner = run([3.0, 1.0, 2.0, 2.0, 0.5], patience=2)
    assert (learner.taken, len(learner.rates)) == (4, 8)


def test_a_network_that_is_never_a_number_is_refused():
    with pytest.raises(CellError, match="no number for the calibration split"):
        run([np.nan, np.nan])


def test_the_one_cycle_rises_for_a_fifth_of_the_time():
    rates = [learning_rate(parameters(learning_rate=0.1), step, 101) for step in range(101)]
    assert rates[20] == pytest.approx(0.1)
    assert rates[0] == pytest.approx(0.1 / 25)
    assert rates[100] == pytest.approx(0.1 / 250_000)
    assert (np.diff(rates[:21]) > 0).all()
    assert (np.diff(rates[20:]) < 0).all()


def test_the_one_cycle_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.1, total_steps=51, pct_start=0.22, cycle_momentum=False)
    theirs = []
    for _ in range(51):
        theirs.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if len(theirs) < 51:
            schedule.step()
    # PyTorch's rise of .22 x 51 - 1 = 10.2 steps ends at a share of .2044 of them.
    ours = [learning_rate(parameters(learning_rate=0.1), step, 51) for step in range(51)]
    np.testing.assert_allclose(ours, theirs, atol=0.005)


def test_a_cosine_falls_from_the_peak_and_a_constant_does_not():
    cosine, constant = parameters(schedule="cosine", learning_rate=0.1), parameters(schedule="constant")
    assert learning_rate(cosine, 0, 11) == pytest.approx(0.1)
    assert learning_rate(cosine, 5, 11) == pytest.approx(0.05, rel=1e-4)
    assert {learning_rate(constant, step, 11) for step in range(11)} == {constant.learning_rate}


def test_an_epoch_shows_every_example_once():
    batch = make_batch(70)
    shown = np.concatenate([part.sequence for part in batches(batch, batch_size=32).epoch(0, rng())])
    assert sorted(map(bytes, shown)) == sorted(map(bytes, batch.sequence))


@pytest.mark.parametrize(("examples", "size"), [(64, 8), (960, 15), (8000, 64)])
def test_small_training_sets_have_smaller_batches(examples, size):
    made = batches(make_batch(examples, length=20))
    assert len(next(made.epoch(0, rng())).sequence) == size


def test_targets_stay_with_their_sequences():
    batch = make_batch(70)
    where = {bytes(row): i for i, row in enumerate(batch.sequence)}
    scaled = (batch.target - batch.target.mean()) / batch.target.std()
    for part in batches(batch, batch_size=32).epoch(0, rng()):
        rows = [where[bytes(row)] for row in part.sequence]
        np.testing.assert_allclose(part.target, scaled[rows], rtol=1e-4, atol=1e-5)


def test_strands_are_drawn_for_each_sequence():
    sequence = make_batch(400).sequence
    turned = on_random_strands(sequence, rng())
    other = np.array([3, 2, 1, 0, 4], np.uint8)[sequence[:, ::-1]]
    as_it_was, flipped = (turned == sequence).all(axis=1), (turned == other).all(axis=1)
    assert (as_it_was | flipped).all()
    # 400 fair coins: four standard deviations are 40.
    assert 160 < flipped.sum() < 240


@pytest.mark.parametrize("changes", [1, 3])
def test_evolved_sequences_are_bases_of_the_same_length(changes):
    sequence = make_batch(200).sequence
    before = sequence.copy()
    changed = evolved(sequence, Evolution(changes=changes), rng())
    assert changed.shape == sequence.shape
    assert changed.max() <= 4
    np.testing.assert_array_equal(sequence, before)


def test_most_evolved_sequences_share_long_words_with_what_they_were():
    sequence = make_batch(200, length=120).sequence
    changed = evolved(sequence, Evolution(changes=1, longest=10), rng())

    def words(row):
        both = [row, np.array([3, 2, 1, 0, 4], np.uint8)[row[::-1]]]
        return {bytes(strand[i : i + 15]) for strand in both for i in range(len(strand) - 14)}

    shared = [len(words(a) & words(b)) / len(words(a)) for a, b in zip(sequence, changed, strict=True)]
    assert np.mean([share > 0.3 for share in shared]) > 0.9
    assert np.mean([share < 1.0 for share in shared]) > 0.7


def test_the_last_epochs_see_sequences_as_they_are():
    batch = make_batch(64)
    made = batches(batch, epochs=4, evolution={"fine_tuning": 0.25})
    known = set(map(bytes, batch.sequence))
    share = [
        np.mean([bytes(row) in known for part in made.epoch(epoch, rng()) for row in part.sequence])
        for epoch in range(4)
    ]
    assert max(share[:3]) < 0.5
    assert share[3] == 1.0


def test_noise_weights_fall_with_the_noise_and_have_a_mean_of_one():
    batch = make_batch(90)
    noise = np.linspace(0.0, 2.0, 90, dtype=np.float32)[:, None]
    part = next(batches(replace(batch, noise_variance=noise), noise_aware=True, batch_size=128).epoch(0, rng()))
    assert part.weight.mean() == pytest.approx(1.0, rel=1e-5)
    # 1 / (v + median): without noise twice the weight at the median, which is 1.
    assert part.weight.max() / np.median(part.weight) == pytest.approx(2.0, rel=0.02)


def test_groups_by_gc_content_are_equally_large():
    batch = make_batch(500, length=200)
    made = batches(batch, robust={"method": "vrex", "bins": 5}, batch_size=500)
    group = next(made.epoch(0, rng())).group
    assert np.bincount(group, minlength=5).min() > 70


def test_sequences_of_one_gc_content_make_no_groups():
    batch = replace(make_batch(64), sequence=np.zeros((64, 40), np.uint8))
    with pytest.raises(CellError, match="sequences that differ in it"):
        batches(batch, robust={"method": "vrex"})
