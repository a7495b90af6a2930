"""Folders of submissions: who is on a board, by whose word."""

import json

import numpy as np
import pytest
from submissions import content, finished_run, sealed, write

from regharness.catalog import load_catalog
from regharness.errors import InputError
from regharness.parameters import file_digest
from regharness.submission.gathering import gather
from regharness.submission.manifest import Card
from regharness.submission.packing import pack
from regharness.submission.targets import of_run


@pytest.fixture
def run(toys, tmp_path):
    return finished_run(tmp_path)


@pytest.fixture
def folder(run, tmp_path):
    folder = tmp_path / "submissions"
    folder.mkdir()
    pack(run, "constant", folder / "constant.zip", load_catalog())
    return folder


def add(run, folder, slug, model="oracle", **card):
    file = folder / f"{slug}.zip"
    pack(run, model, file, load_catalog(), Card(**{"slug": slug, "display": slug, **card}))
    return file


def only(gathering):
    (results,) = gathering.results
    return results


def test_without_targets_everyone_speaks_for_themselves(folder):
    assert only(gather(folder, load_catalog())).entrants["constant"].badge == "self-reported"


def test_with_targets_scores_are_computed_anew(run, folder):
    assert only(gather(folder, load_catalog(), [of_run(run)])).entrants["constant"].badge == "re-scored"


def test_a_record_stands_for_the_very_file_it_was_made_of(run, folder, tmp_path, regharness):
    add(run, folder, "other")
    records = tmp_path / "records"
    regharness("submission", "verify", folder / "constant.zip", "--targets", run.folder, "--record", records)
    found = only(gather(folder, load_catalog(), records=records))
    assert {name: entrant.badge for name, entrant in found.entrants.items() if ":" not in name} == {
        "constant": "re-scored",
        "other": "self-reported",
    }


def test_controls_are_on_the_board_with_targets_and_without(run, folder):
    for targets in ([], [of_run(run)]):
        found = only(gather(folder, load_catalog(), targets))
        controls = [name for name, entrant in found.entrants.items() if entrant.badge == "control"]
        assert controls == ["control:mean", "control:gc_linear", "control:oracle"]


def test_claims_of_controls_are_those_that_targets_give(run, folder):
    stated, computed = (only(gather(folder, load_catalog(), targets)) for targets in ([], [of_run(run)]))
    np.testing.assert_allclose(stated.scores["crps"].values, computed.scores["crps"].values)


def test_a_forged_file_is_on_no_board_and_its_reason_is_told(run, folder):
    files = content(folder / "constant.zip")
    told = json.loads(files["manifest.json"])
    told["claims"]["tasks"]["t"]["scores"]["mse"]["values"][0][0][0] -= 1e-6
    forged = write(folder / "forged.zip", sealed(files, told))
    found = gather(folder, load_catalog(), [of_run(run)])
    assert "scores: mse" in found.refused[forged][0]
    assert [name for name in only(found).entrants if ":" not in name] == ["constant"]


def test_a_later_file_takes_the_place_of_the_one_it_replaces(run, folder):
    first = add(run, folder, "mine")
    second = folder / "second.zip"
    pack(run, "oracle", second, load_catalog(), Card(slug="mine", display="mine", supersedes=file_digest(first)))
    found = gather(folder, load_catalog())
    assert only(found).entrants["mine"].digest == file_digest(second)
    assert f"{second} replaces {first}" in found.notes


def test_nobody_replaces_the_submission_of_another_name(run, folder):
    add(run, folder, "rival", supersedes=file_digest(folder / "constant.zip"))
    assert {"constant", "rival"} <= only(gather(folder, load_catalog())).entrants.keys()


def test_two_of_the_same_name_are_told_apart_by_their_digests(run, folder):
    again = folder / "again.zip"
    pack(run, "oracle", again, load_catalog(), Card(slug="constant", display="constant"))
    found = only(gather(folder, load_catalog()))
    assert f"constant~{file_digest(again)[:8]}" in found.entrants


def test_names_that_look_alike_are_noted(run, folder):
    add(run, folder, "c0nstant")
    assert any("look alike" in note for note in gather(folder, load_catalog()).notes)


def test_shifts_that_a_card_declares_as_seen_are_known_by_task(run, folder):
    add(run, folder, "mine", exposure={"t": {"*": "unseen", "offset@3": "seen"}})
    assert only(gather(folder, load_catalog())).entrants["mine"].seen == {"t": frozenset({"offset@3"})}


def test_submissions_to_other_test_sets_stand_on_a_board_of_their_own(run, folder, toys, tmp_path):
    other = finished_run(tmp_path, "other", seeds=[5, 6])
    add(other, folder, "later")
    assert len(gather(folder, load_catalog()).results) == 2


def test_a_folder_without_submissions_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match="submission pack' writes one"):
        gather(tmp_path, load_catalog())


def test_downloads_are_named_by_the_model_and_never_by_the_file(run, folder):
    (folder / "constant.zip").rename(folder / "any name.zip")
    found = gather(folder, load_catalog())
    (place,) = found.files
    assert place == f"submissions/constant-{file_digest(found.files[place])[:8]}.zip"
