"""What every installed shift operator keeps, on simulated data and, where it can, on data without a mechanism."""

import functools
from dataclasses import replace

import numpy as np
import pytest

import regharness as rh
from regharness.catalog import load_catalog
from regharness.magnitude import achieved
from regharness.seeding import rng_for
from regharness.sequences import cpg_ratio, gc_content
from regharness.testing import make_dataset
from regharness.testing.shift_contract import assert_same

CATALOG = load_catalog()
SIMULATED, TABLE = "simulated", "table"
SETTINGS = {
    "gc_content": [{"direction": "up"}, {"direction": "down"}],
    "gc_tilt": [{"direction": "up"}, {"direction": "down"}],
    "gc_quantile": [{"direction": "high"}, {"direction": "low"}],
    "motif_density": [{"direction": "up"}, {"direction": "down"}],
    "block_mask": [{"fill": "N"}, {"fill": "random"}],
    "covariate_tilt": [{"covariate": "cpg_ratio", "direction": "down"}, {"covariate": "gc_content"}],
    "held_out_group": [{"group": "group"}],
    "compose": [
        {"shifts": [{"use": "gc_quantile"}, {"use": "assay_noise"}]},
        {"shifts": [{"use": "batch_offset"}, {"use": "sequencing_error", "severity": 1}]},
    ],
}


@functools.cache
def dataset(kind):
    """A test set with some N in it."""
    if kind == TABLE:
        return make_dataset(test=2000, length=120)
    data = rh.data("simulated_mpra", train=10, calibration=10, test=2000, cell_types=["A", "B"]).generate(3)
    sequence = data.test.sequence.copy()
    sequence[::50, 40:60] = 4
    covariates = {**data.test.covariates, "gc_content": gc_content(sequence)}
    test = data.assay.recount(replace(data.test, sequence=sequence, covariates=covariates), rng_for(0, "measure"))
    return replace(data, test=test, held_out={"group": data.calibration})


def cases():
    for name in CATALOG.names("shift"):
        for number, parameters in enumerate(SETTINGS.get(name, [{}])):
            needs = rh.shift(name, **parameters).needs
            for kind in (SIMULATED, *([TABLE] if needs <= {"held_out"} else [])):
                yield pytest.param(name, number, kind, id=f"{name}{number or ''}-{kind}")


def operator(name, number, **more):
    return rh.shift(name, **SETTINGS.get(name, [{}])[number], **more)


CASES = [*cases()]


def where(holds):
    """Run a test on the operators for which this holds."""
    kept = [case for case in CASES if holds(case.values[0], operator(*case.values[:2]))]
    return pytest.mark.parametrize(("name", "number", "kind"), kept)


everywhere = where(lambda name, made: True)


@functools.cache
def shifted(name, number, kind, severity):
    return operator(name, number).apply(dataset(kind), severity, rng_for(1, name, severity))


def severities(name, number):
    return operator(name, number).severities


def original(batch, test):
    """Rows of the test set that the examples of a batch were; a resampled one has a ~2 after its id."""
    row = {name: place for place, name in enumerate(test.ids.tolist())}
    return np.array([row[name.split("~")[0]] for name in batch.ids.tolist()])


@everywhere
def test_severity_0_is_the_test_set(name, number, kind):
    assert_same(operator(name, number).apply(dataset(kind), 0, rng_for(1, "zero")), dataset(kind).test)


@everywhere
def test_a_seed_reproduces_a_shift(name, number, kind):
    last = severities(name, number)[-1]
    again = operator(name, number).apply(dataset(kind), last, rng_for(1, name, last))
    assert_same(again, shifted(name, number, kind, last))


@everywhere
def test_a_shift_keeps_alphabet_length_types_and_outputs(name, number, kind):
    test = dataset(kind).test
    for severity in severities(name, number):
        batch = shifted(name, number, kind, severity)
        assert (batch.sequence.dtype, batch.target.dtype) == (np.uint8, np.float32)
        assert batch.sequence.shape[1] == test.sequence.shape[1]
        assert batch.sequence.max() <= 4
        assert batch.outputs == test.outputs
        assert np.isfinite(batch.target).all()
        assert not (batch.noise_variance < 0).any()
        np.testing.assert_allclose(batch.covariates["gc_content"], gc_content(batch.sequence))


@where(lambda name, made: made.label_preserving)
def test_a_label_preserving_shift_keeps_every_label(name, number, kind):
    test = dataset(kind).test
    for severity in severities(name, number):
        batch = shifted(name, number, kind, severity)
        rows = original(batch, test)
        np.testing.assert_array_equal(batch.target, test.target[rows])
        np.testing.assert_array_equal(batch.truth, test.truth[rows])
        np.testing.assert_array_equal(batch.noise_variance, test.noise_variance[rows])


# What the others change depends on their parts, or on the data.
@where(lambda name, made: name not in ("compose", "held_out_group"))
def test_a_shift_changes_what_its_type_says(name, number, kind):
    made, test = operator(name, number), dataset(kind).test
    batch = shifted(name, number, kind, made.severities[-1])
    if made.shift_type == "noise":
        assert (batch.sequence == test.sequence).all()
        assert (batch.truth == test.truth).all()
        assert (batch.target != test.target).any()
    elif made.shift_type == "concept":
        assert (batch.sequence == test.sequence).all()
        assert (batch.truth != test.truth).any()
    elif made.shift_type == "input":
        assert made.label_preserving
        assert (batch.sequence != test.sequence).any()
    elif made.label_preserving:
        assert (batch.sequence == test.sequence[original(batch, test)]).all()
    else:
        np.testing.assert_array_equal(batch.truth, dataset(kind).mechanism.activity(batch.sequence))


@where(lambda name, made: made.shift_type in ("noise", "concept") or name == "sequencing_error")
def test_an_unknown_base_stays_unknown_in_sequences_that_are_kept(name, number, kind):
    test = dataset(kind).test
    batch = shifted(name, number, kind, severities(name, number)[-1])
    np.testing.assert_array_equal(batch.sequence == 4, test.sequence[original(batch, test)] == 4)


# How far a concept shift can go depends on its strongest level.
@where(lambda name, made: made.levels and made.shift_type != "concept")
def test_a_grid_of_ones_own_is_the_same_shift_by_number(name, number, kind):
    alone = operator(name, number, levels=[operator(name, number).levels[2]])
    assert alone.severities == (1,)
    assert_same(alone.apply(dataset(kind), 1, rng_for(1, name, 3)), shifted(name, number, kind, 3))


@pytest.mark.parametrize("name", ["motif_effect_rewiring", "pwm_perturbation"])
def test_a_concept_shift_reaches_the_correlations_it_is_asked_for(name):
    data, levels = dataset(SIMULATED), [0.95, 0.8, 0.5]
    made = rh.shift(name, levels=levels)
    found = [1 - decorrelation(data, made.apply(data, severity, rng_for(2, name))) for severity in (1, 2, 3)]
    np.testing.assert_allclose(found, levels, atol=0.05)


def moved_gc(data, batch):
    return abs(achieved(data, batch)["gc_moved"])


def noise(data, batch):
    return achieved(data, batch)["noise_sd"].mean()


def decorrelation(data, batch):
    return 1 - achieved(data, batch)["oracle_correlation"].mean()


def changed_bases(data, batch):
    return (batch.sequence != data.test.sequence).mean()


def changed_targets(data, batch):
    return np.square(batch.target - data.test.target[original(batch, data.test)]).mean()


def motif_content(data, batch):
    before, after = (data.mechanism.motif_content(part.sequence).mean() for part in (data.test, batch))
    return abs(after - before)


def uneven_usage(data, batch):
    """Sum of squared shares of the motifs: 1 over their number where all are used alike."""
    share = data.mechanism.annotations(batch)["motif"].value_counts(normalize=True)
    return np.square(share).sum()


def fewer_cpg(data, batch):
    return -np.nanmean(cpg_ratio(batch.sequence))


def less_worth(data, batch):
    return -(batch.effective_size or len(batch))


MAGNITUDE = {
    **dict.fromkeys(["gc_content", "gc_tilt", "gc_quantile"], moved_gc),
    "covariate_tilt": less_worth,
    "cpg_depletion": fewer_cpg,
    "motif_density": motif_content,
    "motif_usage": uneven_usage,
    **dict.fromkeys(["evolutionary_turnover", "indels"], changed_bases),
    **dict.fromkeys(
        ["motif_effect_rewiring", "pwm_perturbation", "tf_concentration", "cell_type", "grammar_spacing"], decorrelation
    ),
    **dict.fromkeys(
        ["assay_noise", "sequencing_depth", "barcode_count", "barcode_dispersion", "library_gc_skew"], noise
    ),
    **dict.fromkeys(["batch_offset", "batch_gain", "gc_amplification", "barcode_chimera", "compose"], changed_targets),
    **dict.fromkeys(["sequencing_error", "window_offset", "adapter_contamination", "block_mask"], changed_bases),
}
ONE_LEVEL = {"reverse_complement", "held_out_group"}


@where(lambda name, made: name not in ONE_LEVEL)
def test_what_an_operator_moves_moves_further_with_each_severity(name, number, kind):
    data, measure = dataset(kind), MAGNITUDE[name]
    found = [measure(data, shifted(name, number, kind, severity)) for severity in (1, 2, 3, 4, 5)]
    assert measure(data, data.test) < found[0]
    assert (np.diff(found) > 0).all(), found


@pytest.mark.parametrize("name", CATALOG.names("shift"))
def test_every_operator_has_a_magnitude_or_one_severity(name):
    ours = CATALOG.owner("shift", name).distribution == "regharness"
    assert not ours or name in MAGNITUDE or (name in ONE_LEVEL and severities(name, 0) == (1,))


@pytest.mark.parametrize("kind", [SIMULATED, TABLE])
def test_no_shift_touched_the_data(kind):
    for name, number, other, *_ in (case.values for case in CASES):
        if other == kind:
            shifted(name, number, kind, severities(name, number)[-1])
    fresh = dataset.__wrapped__(kind)
    assert_same(dataset(kind).test, fresh.test)
    assert_same(dataset(kind).train, fresh.train)
