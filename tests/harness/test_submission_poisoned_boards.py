"""What a self-reported entry says must not change how those are shown whose scores somebody stands for."""

import copy
import json
import shutil

import numpy as np
import pytest
from builders import write as write_spec
from submissions import OWN_SPEC, Bench, content, manifest, sealed, write

import regharness as rh
from regharness.parameters import file_digest
from regharness.submission.gathering import gather
from regharness.submission.manifest import Card
from regharness.submission.packing import pack
from regharness.submission.score_records import write_record
from regharness.submission.verification import verify


class Board:
    """A folder with one submission that was scored anew, its record, and what a test puts beside."""

    def __init__(self, bench, folder):
        self.bench, self.folder, self.records = bench, folder / "submissions", folder / "records"
        self.folder.mkdir()
        self.honest = shutil.copy(bench.folder / "line.zip", self.folder / "line.zip")
        found = verify(self.honest, bench.catalog, bench.targets)
        write_record(self.records, found.digest, found.manifest.benchmark, {"line": found.scored}, "re-scored")

    def add(self, change=lambda files, told: None, **card):
        """A self-reported entry, changed and sealed again; its name puts it before all others."""
        file = self.folder / "0-first.zip"
        told = {"slug": "0-first", "display": "0-first", **card}
        pack(self.bench.run, "flat", file, self.bench.catalog, Card(**told))
        files = content(file)
        told = json.loads(files["manifest.json"])
        change(files, told)
        return write(file, sealed(files, told))

    def gathered(self):
        return gather(self.folder, self.bench.catalog, records=self.records)

    def results(self):
        (found,) = self.gathered().results
        return found


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture
def board(bench, tmp_path):
    return Board(bench, tmp_path)


def scores_of(told):
    return told["claims"]["tasks"]["t"]["scores"]


def test_it_cannot_turn_round_what_is_better(board):
    board.add(lambda files, told: scores_of(told)["crps"].update(direction="higher"))
    assert board.results().scores["crps"].attrs["direction"] == "lower"


def test_it_cannot_say_by_what_all_are_ranked(board):
    board.add(lambda files, told: told["claims"].update(rank_by="mse"))
    assert board.results().scores.attrs["rank_by"] == "crps"


def test_it_cannot_add_a_metric(board):
    def change(files, told):
        scores_of(told)["best"] = scores_of(told)["mse"]
        told["claims"]["metrics"].append("best")

    board.add(change)
    assert "best" not in board.results().scores
    assert "best" not in board.results().scores.attrs["metrics"]


def test_it_cannot_push_the_scores_of_others_out_by_dimensions_of_its_own(board):
    board.add(lambda files, told: scores_of(told).update(crps={"dims": ["shift"], "values": [0.0] * 3}))
    found = board.results().scores["crps"].sel(model=["line"])
    assert set(found.dims) == {"task", "model", "shift", "seed", "output"}
    assert np.isfinite(found.values).all()


def test_it_cannot_bring_test_sets_of_its_own(board, tmp_path):
    tasks = copy.deepcopy(OWN_SPEC["tasks"])
    tasks[0]["data"]["with"]["test"] = 49
    other = rh.run(write_spec(tmp_path, {**OWN_SPEC, "tasks": tasks}), tmp_path / "other")
    file = board.folder / "0-first.zip"
    pack(other, "flat", file, board.bench.catalog, Card(slug="0-first", display="0-first"))
    files = content(file)
    told = json.loads(files["manifest.json"])
    told["benchmark"] = manifest(board.honest)["benchmark"]
    write(file, sealed(files, told))
    found = board.gathered()
    assert list(found.results[0].entrants) == ["line"] + [name for name in found.results[0].entrants if ":" in name]
    assert any("0-first.zip has other test sets of 'hostile'" in note for note in found.notes)


def test_it_cannot_replace_what_was_scored_anew(board):
    board.add(slug="line", supersedes=file_digest(board.honest))
    badges = [entrant.badge for name, entrant in board.results().entrants.items() if ":" not in name]
    assert sorted(badges) == ["re-scored", "self-reported"]


def test_it_cannot_raise_the_version_of_the_benchmark(board):
    board.add(lambda files, told: told["benchmark"].update(version=99))
    assert board.results().version == 1
