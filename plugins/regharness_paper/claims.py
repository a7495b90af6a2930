"""Own the claims of the abstract of Yang (2026), in words of ours, and what it takes for each to hold.

Each claim is a list of tests; a test asks the same of several models, and counts for each whether its 95% interval lies
on the side that the claim says. Where the abstract says no number, ours is stated with the test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from regharness_paper.evidence import Measured, Scores, Values, measured

ARCHITECTURES = ("cnn", "bilstm", "transformer")
PRIORS = {"simulation": "motifs", "mpra": "gc"}
MILD = ("gc_up@1", "gc_up@2", "gc_down@1", "gc_down@2")
"""GC content moved by at most .06."""
GENOMIC = {
    "simulation": ("gc_up@5", "gc_down@5", "evolutionary_turnover@5"),
    "mpra": ("gc_unseen@1", "gc_high@5", "gc_low@5"),
}
CONCEPT = ("motif_effect_rewiring@5", "pwm_perturbation@5", "cell_type@5")
NOISE = ("assay_noise@5",)

Verdict = Literal["holds", "holds in part", "does not hold"]


@dataclass(frozen=True)
class Test:
    """One thing that must be so for a claim to hold.

    Attributes
    ----------
    asks
        In words, with the number that is asked for.
    measure
        Gives a value a seed of a model.
    models
        Whom it is asked of.
    above, below
        What the interval must lie above, or below.
    """

    __test__ = False

    asks: str
    measure: Callable[[Scores, str], Values]
    models: Sequence[str]
    above: float = -math.inf
    below: float = math.inf

    def evidence(self, scores: Scores) -> Iterator[tuple[Measured, bool]]:
        """What was measured of each model, and whether the claim is right about it."""
        for model in self.models:
            found = measured(model, self.measure(scores, model))
            low, high = (found.value if end is None else end for end in (found.low, found.high))
            yield found, low > self.above and high < self.below


@dataclass(frozen=True)
class Claim:
    """A claim of the abstract, and its tests."""

    text: str
    tests: tuple[Test, ...]


def verdict(outcomes: Sequence[bool]) -> Verdict:
    """Whether a claim holds, of all, some or none of what it was tested on."""
    if all(outcomes):
        return "holds"
    return "holds in part" if any(outcomes) else "does not hold"


def _ratio(metric: str, task: str, shifts: Sequence[str]) -> Callable[[Scores, str], Values]:
    """A score under shifts over the same on identity."""
    return lambda scores, model: scores.of(task, model, metric, shifts) / scores.of(task, model, metric)


def _value(metric: str, task: str, shifts: Sequence[str]) -> Callable[[Scores, str], Values]:
    return lambda scores, model: scores.of(task, model, metric, shifts)


def _lowest(metric: str, task: str, shifts: Sequence[str]) -> Callable[[Scores, str], Values]:
    """The lowest of the scores under several shifts, seed by seed."""
    return lambda scores, model: np.min([scores.of(task, model, metric, [shift]) for shift in shifts], axis=0)


def _most(metric: str, task: str, shifts: Sequence[str]) -> Callable[[Scores, str], Values]:
    """The highest ratio to identity under several shifts, seed by seed."""
    return lambda scores, model: np.max([_ratio(metric, task, [shift])(scores, model) for shift in shifts], axis=0)


def _with_prior(metric: str, task: str, shifts: Sequence[str]) -> Callable[[Scores, str], Values]:
    """A score with the prior over the same without; a model stands for its architecture."""
    prior = PRIORS[task]
    return lambda scores, model: (
        scores.of(task, f"{model}+{prior}", metric, shifts) / scores.of(task, model, metric, shifts)
    )


def _kept(task: str, shifts: Sequence[str]) -> Callable[[Scores, str], Values]:
    """The risk of the half that a model is most certain of, over that of all."""
    return lambda scores, model: (
        scores.of(task, model, "selective_risk_50", shifts) / scores.of(task, model, "mse", shifts)
    )


def _kept_more(task: str, shifts: Sequence[str]) -> Callable[[Scores, str], Values]:
    """That ratio under shifts, less that on identity."""
    return lambda scores, model: _kept(task, shifts)(scores, model) - _kept(task, ["identity"])(scores, model)


CLAIMS = (
    Claim(
        "Under mild shifts of GC content models stay accurate and reasonably calibrated.",
        (
            Test(
                "simulation: mse at most 1.15 of identity's (GC moved by .03 and .06, worst)",
                _most("mse", "simulation", MILD),
                ARCHITECTURES,
                below=1.15,
            ),
            Test(
                "simulation: coverage_95 at least .92 (the same)",
                _lowest("coverage_95", "simulation", MILD),
                ARCHITECTURES,
                above=0.92,
            ),
        ),
    ),
    Claim(
        "Under rewired motif effects errors are higher, variances badly calibrated, and coverage collapses.",
        (
            Test(
                "simulation: mse at least twice that of identity (motif_effect_rewiring@5)",
                _ratio("mse", "simulation", CONCEPT[:1]),
                ARCHITECTURES,
                above=2.0,
            ),
            Test(
                "simulation: z_mean_square at least 2, where 1 is calibrated (motif_effect_rewiring@5)",
                _value("z_mean_square", "simulation", CONCEPT[:1]),
                ARCHITECTURES,
                above=2.0,
            ),
            Test(
                "simulation: coverage_95 below .80 (motif_effect_rewiring@5)",
                _value("coverage_95", "simulation", CONCEPT[:1]),
                ARCHITECTURES,
                below=0.80,
            ),
        ),
    ),
    Claim(
        "The same happens where noise dominates.",
        (
            Test(
                "simulation: mse at least twice that of identity (assay_noise@5)",
                _ratio("mse", "simulation", NOISE),
                ARCHITECTURES,
                above=2.0,
            ),
            Test(
                "simulation: z_mean_square at least 2 (assay_noise@5)",
                _value("z_mean_square", "simulation", NOISE),
                ARCHITECTURES,
                above=2.0,
            ),
            Test(
                "simulation: coverage_95 below .80 (assay_noise@5)",
                _value("coverage_95", "simulation", NOISE),
                ARCHITECTURES,
                below=0.80,
            ),
            Test(
                "mpra: coverage_95 below .80 (assay_noise@5)",
                _value("coverage_95", "mpra", NOISE),
                ARCHITECTURES,
                below=0.80,
            ),
        ),
    ),
    Claim(
        "An evaluation on data like those of training does not show these gaps.",
        (
            Test(
                "simulation: coverage_95 at least .92 on identity",
                _value("coverage_95", "simulation", ["identity"]),
                ARCHITECTURES,
                above=0.92,
            ),
        ),
    ),
    Claim(
        "Structural priors improve the error on data like those of training.",
        (
            Test(
                "simulation: mse with motif features below that without (identity)",
                _with_prior("mse", "simulation", ["identity"]),
                ARCHITECTURES,
                below=1.0,
            ),
            Test(
                "mpra: mse with GC content below that without (identity)",
                _with_prior("mse", "mpra", ["identity"]),
                ARCHITECTURES,
                below=1.0,
            ),
        ),
    ),
    Claim(
        "They make models more robust under shifts that genomes undergo.",
        (
            Test(
                "simulation: mse with motif features below that without (GC content, turnover, @5)",
                _with_prior("mse", "simulation", GENOMIC["simulation"]),
                ARCHITECTURES,
                below=1.0,
            ),
            Test(
                "simulation: the same (motif effects, binding preferences, cell type, @5)",
                _with_prior("mse", "simulation", CONCEPT),
                ARCHITECTURES,
                below=1.0,
            ),
            Test(
                "mpra: mse with GC content below that without (GC unseen in training, high, low)",
                _with_prior("mse", "mpra", GENOMIC["mpra"]),
                ARCHITECTURES,
                below=1.0,
            ),
        ),
    ),
    Claim(
        "They protect little against strong assay noise.",
        (
            Test(
                "simulation: mse with motif features at least .8 of that without (assay_noise@5)",
                _with_prior("mse", "simulation", NOISE),
                ARCHITECTURES,
                above=0.8,
            ),
            Test(
                "mpra: mse with GC content at least .8 of that without (assay_noise@5)",
                _with_prior("mse", "mpra", NOISE),
                ARCHITECTURES,
                above=0.8,
            ),
        ),
    ),
    Claim(
        "Keeping the predictions that a model is certain of leaves a subset of low risk.",
        (
            Test(
                "simulation: mse of the most certain half below .9 of that of all (identity)",
                _kept("simulation", ["identity"]),
                ARCHITECTURES,
                below=0.9,
            ),
            Test("mpra: the same (identity)", _kept("mpra", ["identity"]), ARCHITECTURES, below=0.9),
        ),
    ),
    Claim(
        "So it does where GC content is out of distribution.",
        (
            Test(
                "simulation: mse of the most certain half below .9 of that of all (gc_up@5, gc_down@5)",
                _kept("simulation", ["gc_up@5", "gc_down@5"]),
                ARCHITECTURES,
                below=0.9,
            ),
            Test(
                "mpra: the same (GC content unseen in training)",
                _kept("mpra", ["gc_unseen@1"]),
                ARCHITECTURES,
                below=0.9,
            ),
        ),
    ),
    Claim(
        "That gain diminishes where noise dominates.",
        (
            Test(
                "simulation: the ratio of the two is higher than on identity (assay_noise@5)",
                _kept_more("simulation", NOISE),
                ARCHITECTURES,
                above=0.0,
            ),
            Test("mpra: the same (assay_noise@5)", _kept_more("mpra", NOISE), ARCHITECTURES, above=0.0),
        ),
    ),
)
