import json
import math

import numpy as np
import pytest

from regharness.board_plain import to_json
from regharness.board_reading import from_json
from regharness.leaderboard import build
from regharness.render import BoardView, render
from regharness.testing.scores import make_scores

SHIFTS = ("identity", "gc_content@1", "gc_content@3", "mutation@1")


def board(failed=(), infinite=False, columns=()):
    rng = np.random.default_rng(0)
    models = {name: rng.uniform(0.1, 2.0, (len(SHIFTS), 3)).tolist() for name in ("cnn", "ridge", "gp", "tree")}
    if infinite:
        models["cnn"][1][0] = math.inf
    scores = make_scores({"mse": models, "nll": models}, SHIFTS, failed=failed)
    failures = [{"task": "task", "model": m, "shift": s, "seed": k, "reason": "no"} for m, s, k in failed]
    return build(scores, columns=columns, failures=failures)


CASES = {
    "whole": {},
    "a failed cell": {"failed": [("ridge", "mutation@1", 1)]},
    "an infinite score": {"infinite": True},
    "a chosen column": {"columns": ["nll"]},
}


@pytest.mark.parametrize("form", ["table", "markdown", "csv", "json"])
@pytest.mark.parametrize("case", CASES)
def test_a_stored_leaderboard_is_shown_as_the_computed_one(case, form):
    made = board(**CASES[case])
    assert render([BoardView(from_json(to_json(made)))], form) == render([BoardView(made)], form)


def test_every_number_comes_back_as_it_was():
    assert from_json(to_json(board())) == board()


@pytest.mark.parametrize("text", ["", "{}", "[]", "3", '{"schema_version": 1}', "{"])
def test_what_is_no_leaderboard_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        from_json(text)


def test_a_leaderboard_of_another_version_is_refused():
    with pytest.raises(ValueError, match="another version"):
        from_json(json.dumps({**json.loads(to_json(board())), "schema_version": 0}))
