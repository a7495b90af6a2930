"""Metrics of a spec that cannot be computed beside each other are refused before anything is computed."""

import pytest

from regharness.catalog import load_catalog
from regharness.metric_checks import metric_problems
from regharness.spec import BenchmarkSpec


def problems(metrics, **leaderboard):
    spec = BenchmarkSpec.model_validate(
        {
            "name": "s",
            "tasks": [{"name": "t", "data": {"use": "simulated_mpra"}}],
            "models": [{"name": "cnn", "use": "mean"}],
            "metrics": metrics,
            "leaderboard": leaderboard,
        }
    )
    return [problem.message for problem in metric_problems(spec, load_catalog())]


MSE = {"use": "mse"}
CURVE = {"use": "pit_histogram"}


@pytest.mark.parametrize(
    ("metrics", "leaderboard", "message"),
    [
        (
            [MSE, {"use": "mce", "with": {"of": "mae"}}],
            {},
            "metric 'mce' compares scores of 'mae', but there is no metric named 'mae'",
        ),
        (
            [MSE, {"use": "mce", "with": {"of": "mse", "reference": "cn"}}],
            {},
            "metric 'mce' compares with 'cn', but there is no model named 'cn'; did you mean 'cnn'?",
        ),
        (
            [MSE, CURVE],
            {"columns": ["pit_histogram"]},
            "leaderboard: columns: 'pit_histogram' gives a curve, not one number",
        ),
        (
            [MSE, CURVE],
            {"rank_by": "pit_histogram"},
            "leaderboard: rank_by: 'pit_histogram' gives a curve, not one number",
        ),
        (
            [MSE, {"use": "degradation"}],
            {"rank_by": "degradation"},
            "metric 'degradation' compares scores of 'degradation', but there is no metric named 'degradation'",
        ),
    ],
)
def test_what_cannot_be_computed_is_refused(metrics, leaderboard, message):
    found = problems(metrics, **leaderboard)
    assert len(found) == 1
    assert found[0].startswith(message)


def test_metrics_that_go_together_have_no_problem():
    metrics = [{"use": "mse"}, {"use": "mce", "with": {"reference": "cnn"}}, {"use": "ood_auroc"}]
    assert problems(metrics, rank_by="mse", columns=["mce"]) == []
