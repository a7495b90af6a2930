"""From a run to a submission file, and back by whoever has the targets."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import xarray as xr
import zarr
from submissions import chunk, content, finished_run, manifest, sealed, write

import regharness as rh
from regharness.catalog import load_catalog
from regharness.errors import InputError
from regharness.submission.cube_slice import encode_text
from regharness.submission.manifest import Card
from regharness.submission.packing import pack
from regharness.submission.targets import of_run, open_targets, write_targets
from regharness.submission.verification import verify


@pytest.fixture
def run(toys, tmp_path):
    return finished_run(tmp_path)


@pytest.fixture
def packed(run, tmp_path):
    file = tmp_path / "constant.zip"
    pack(run, "constant", file, load_catalog())
    return file


def failed(file, run):
    """The checks that failed, to why."""
    verdict = verify(file, load_catalog(), of_run(run))
    return {check.name: check.reason for check in verdict.checks if check.status == "failed"}


def forged(packed, tmp_path, change):
    """The file after a change, with all digests made to fit."""
    files = content(packed)
    told = json.loads(files["manifest.json"])
    change(files, told)
    return write(tmp_path / "forged.zip", sealed(files, told))


def test_a_packed_model_passes_every_check_against_its_run(run, packed):
    verdict = verify(packed, load_catalog(), of_run(run))
    assert [check.status for check in verdict.checks] == ["passed"] * 12 + ["not checked"]


def test_recomputed_scores_are_those_of_the_run(run, packed):
    scored = verify(packed, load_catalog(), of_run(run)).scored.scores
    theirs = run.scores.sel(model="constant")
    for name in ("mse", "crps", "coverage_90", "aurc"):
        np.testing.assert_allclose(scored[name].transpose(*theirs[name].dims).values, theirs[name].values, rtol=1e-12)


def test_xarray_opens_the_predictions_with_no_help_of_ours(run, packed):
    with zarr.storage.ZipStore(packed, mode="r") as store:
        opened = xr.open_zarr(store, group="cubes/t.zarr", consolidated=False, chunks=None).load()
    cube = run.cube("t").sel(model=["constant"])
    np.testing.assert_array_equal(opened["mean"].values, cube["mean"].values)
    assert opened["example_id"].values[0, 0].tolist() == cube["example_id"].values[0, 0].tolist()
    assert opened["shift"].values.tolist() == cube["shift"].values.tolist()


def test_equal_content_gives_equal_bytes(run, packed, tmp_path):
    pack(run, "constant", tmp_path / "again.zip", load_catalog())
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()


def test_a_submission_holds_no_target(run, packed):
    targets = run.cube("t")["target"].values
    whole = b"".join(content(packed).values())
    assert not any(number.tobytes() in whole for number in targets[np.isfinite(targets)][:200])


def test_what_a_model_does_not_give_is_not_in_its_file(toys, tmp_path):
    plain = tmp_path / "five.txt"
    plain.write_text("0.5")
    models = [{"name": "plain", "use": "from_file", "with": {"path": str(plain)}}]
    run = finished_run(tmp_path, models=models)
    pack(run, "plain", tmp_path / "plain.zip", load_catalog())
    assert manifest(tmp_path / "plain.zip")["cubes"][0]["variables"] == {"mean": "float32"}
    assert not failed(tmp_path / "plain.zip", run)


def test_quantiles_travel_with_their_levels(toys, tmp_path):
    models = [
        {"name": "q", "use": "quantiled", "with": {"levels": [0.05, 0.5, 0.95]}},
        {"name": "oracle", "use": "toy_oracle"},
    ]
    run = finished_run(tmp_path, models=models)
    pack(run, "q", tmp_path / "q.zip", load_catalog())
    assert manifest(tmp_path / "q.zip")["cubes"][0]["levels"] == [0.05, 0.5, 0.95]
    assert not failed(tmp_path / "q.zip", run)


def test_one_prediction_changed_is_refused(run, packed, tmp_path):
    def change(files, told):
        path, numbers = chunk(files, "mean")
        numbers[3] = np.nextafter(numbers[3], np.float32(9)) + np.float32(1e-3)
        files[path] = numbers.tobytes()

    assert list(failed(forged(packed, tmp_path, change), run)) == ["scores"]


def test_one_score_improved_by_a_millionth_is_refused(run, packed, tmp_path):
    def change(files, told):
        told["claims"]["tasks"]["t"]["scores"]["crps"]["values"][0][0][0] -= 1e-6

    assert "crps" in failed(forged(packed, tmp_path, change), run)["scores"]


def test_a_changed_manifest_does_not_fit_its_own_digest(run, packed, tmp_path):
    files = content(packed)
    told = json.loads(files["manifest.json"])
    told["claims"]["tasks"]["t"]["scores"]["crps"]["values"][0][0][0] -= 1e-6
    file = write(tmp_path / "naive.zip", {**files, "manifest.json": json.dumps(told).encode()})
    assert "was changed after it was made" in failed(file, run)["manifest"]


def test_two_ids_swapped_are_refused_with_their_place(run, packed, tmp_path):
    def change(files, told):
        (path,) = (name for name in files if "example_id/c." in name)
        ids = run.cube("t")["example_id"].values.astype(object)
        ids[1, 0, [2, 5]] = ids[1, 0, [5, 2]]
        files[path] = encode_text([str(one) for one in ids.reshape(-1)])

    reason = failed(forged(packed, tmp_path, change), run)["ids"]
    assert "offset@1, seed 0: ids are in another order: example 2 is 'test5', not 'test2'" in reason


def test_the_submission_of_another_benchmark_is_refused(run, toys, packed, tmp_path):
    tasks = [{"name": "t", "data": {"use": "toy", "with": {"test": 33}}, "shifts": [{"use": "half"}]}]
    other = finished_run(tmp_path, "other", tasks=tasks)
    assert "other test sets of 'toy'" in failed(packed, other)["benchmark"]


def test_other_sequences_under_the_same_ids_make_another_benchmark(toys, tmp_path):
    first, second = (finished_run(tmp_path, f"run{i}", seeds=[i, 2]) for i in (0, 1))
    digests = [of_run(run).benchmark.tasks[0].test_sets["identity"] for run in (first, second)]
    assert digests[0][0].inputs_sha256 != digests[1][0].inputs_sha256
    assert digests[0][1].inputs_sha256 == digests[1][1].inputs_sha256


def test_a_new_version_with_the_same_inputs_scores_anew_what_was_submitted(run, packed, tmp_path):
    newer = finished_run(tmp_path, "newer", version=2)
    verdict = verify(packed, load_catalog(), of_run(newer))
    assert verdict.passed
    assert "stated for version 1, computed anew for 2" in next(c.reason for c in verdict.checks if c.name == "scores")


def test_a_metric_of_another_plugin_is_told_and_not_computed(run, packed, monkeypatch):
    from regharness.discovery import own_plugins_only

    with own_plugins_only():
        verdict = verify(packed, load_catalog(), of_run(run))
    assert verdict.passed
    assert "without mean_error, of another plugin" in next(c.reason for c in verdict.checks if c.name == "scores")


def test_public_targets_score_the_public_cells_alone(run, packed, tmp_path):
    write_targets(run, tmp_path / "public.zip", ["seed=0", "shift=identity", "shift=half@1"])
    with open_targets(str(tmp_path / "public.zip")) as targets:
        verdict = verify(packed, load_catalog(), targets)
    assert verdict.passed
    assert verdict.scored.scores.sizes["seed"] == 1
    assert verdict.scored.scores["shift"].values.tolist() == ["identity", "half@1"]


def test_a_file_of_targets_scores_as_the_run_does(run, packed, tmp_path):
    write_targets(run, tmp_path / "targets.zip")
    with open_targets(str(tmp_path / "targets.zip")) as targets:
        xr.testing.assert_allclose(
            verify(packed, load_catalog(), targets).scored.scores,
            verify(packed, load_catalog(), of_run(run)).scored.scores,
        )


def test_targets_are_no_submission(run, tmp_path):
    write_targets(run, tmp_path / "targets.zip")
    assert failed(tmp_path / "targets.zip", run) == {"manifest": "it holds targets, not predictions"}


def test_a_submission_is_no_file_of_targets(packed):
    with pytest.raises(InputError, match="holds no targets: it is a submission"), open_targets(str(packed)):
        pass


def test_a_model_with_a_failed_cell_is_not_packed(toys, tmp_path):
    models = [{"name": "broken", "use": "constant", "with": {"fault": "nan"}}, {"name": "oracle", "use": "toy_oracle"}]
    run = finished_run(tmp_path, models=models)
    with pytest.raises(InputError, match=r"8 of 8 cells of 'broken' in task 't' are not done, identity, seed 0 among"):
        pack(run, "broken", tmp_path / "broken.zip", load_catalog())
    assert not (tmp_path / "broken.zip").exists()


def test_an_unknown_model_is_told_its_nearest(run, tmp_path):
    with pytest.raises(InputError, match="did you mean 'constant'"):
        pack(run, "constnat", tmp_path / "x.zip", load_catalog())


def test_the_same_model_run_again_predicts_the_same(run, packed, tmp_path):
    again = finished_run(tmp_path, "again")
    verdict = verify(packed, load_catalog(), rerun=again)
    assert {c.name: c.status for c in verdict.checks}["re-run"] == "passed"


def test_another_model_of_that_name_does_not(run, packed, tmp_path):
    models = [{"name": "constant", "use": "constant", "with": {"offset": 0.1}}]
    again = finished_run(tmp_path, "again", models=models)
    reason = {c.name: c.reason for c in verify(packed, load_catalog(), rerun=again).checks}["re-run"]
    assert "the means are up to 0.1 apart" in reason


def test_without_targets_the_scores_stay_claims(packed):
    verdict = verify(packed, load_catalog())
    assert verdict.passed
    assert {c.name: c.status for c in verdict.checks}["scores"] == "not checked"
    assert verdict.claimed is not None


def test_a_card_names_shifts_that_there_are(run, tmp_path):
    card = Card(slug="mine", display="Mine", exposure={"t": {"offset@9": "seen"}})
    pack(run, "constant", tmp_path / "mine.zip", load_catalog(), card)
    assert "exposure names shift 'offset@9' of task 't'" in failed(tmp_path / "mine.zip", run)["card"]


def test_the_command_refuses_a_forgery_with_status_3_and_a_reason(run, packed, tmp_path, regharness):
    def change(files, told):
        told["claims"]["tasks"]["t"]["scores"]["mse"]["values"][0][0][0] -= 1e-6

    file = forged(packed, tmp_path, change)
    done = regharness("submission", "verify", file, "--targets", run.folder, check=3)
    assert "is claimed" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_packing_never_overwrites(run, packed, tmp_path, regharness):
    before = packed.read_bytes()
    done = regharness("submission", "pack", run.folder, "--model", "oracle", "-o", packed, check=2)
    assert "is there already" in done.stderr
    assert packed.read_bytes() == before


def test_records_bind_a_badge_to_the_file_and_keep_the_first_date(run, packed, tmp_path, regharness):
    records = tmp_path / "records"
    regharness("submission", "verify", packed, "--record", records)
    (path,) = records.glob("*.json")
    first = json.loads(path.read_text())
    regharness("submission", "verify", packed, "--targets", run.folder, "--record", records)
    again = json.loads(path.read_text())
    assert (first["badge"], again["badge"]) == ("self-reported", "re-scored")
    assert first["first_verified"] == again["first_verified"]


def test_a_record_with_scores_is_not_replaced_by_one_without(run, packed, tmp_path, regharness):
    records = tmp_path / "records"
    regharness("submission", "verify", packed, "--targets", run.folder, "--record", records)
    before = {path.name: path.read_text() for path in records.iterdir()}
    done = regharness("submission", "verify", packed, "--record", records, "--json")
    assert json.loads(done.stdout)["badge"] == "re-scored"
    assert {path.name: path.read_text() for path in records.iterdir()} == before


@pytest.mark.slow
def test_a_model_that_was_run_again_stays_so_when_it_is_scored_again(run, packed, tmp_path, regharness):
    words = ("submission", "verify", packed, "--targets", run.folder, "--record", tmp_path / "records", "--json")
    assert json.loads(regharness(*words, "--rerun", run.folder).stdout)["badge"] == "re-run"
    assert json.loads(regharness(*words).stdout)["badge"] == "re-run"


@pytest.mark.slow
def test_what_was_sound_before_the_targets_existed_is_prospective(run, packed, tmp_path, regharness):
    records = tmp_path / "records"
    regharness("submission", "verify", packed, "--record", records)
    (path,) = records.glob("*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "first_verified": "2020-01-01T00:00:00Z"}))
    done = regharness("submission", "verify", packed, "--targets", run.folder, "--record", records, "--json")
    assert json.loads(done.stdout)["badge"] == "prospective"


@pytest.mark.slow
def test_verifying_imports_no_framework(run, packed):
    code = (
        "import sys; from pathlib import Path\n"
        "from regharness.catalog import load_catalog\n"
        "from regharness.submission.targets import open_targets\n"
        "from regharness.submission.verification import verify\n"
        f"with open_targets({str(run.folder)!r}) as targets:\n"
        f"    assert verify(Path({str(packed)!r}), load_catalog(), targets).passed\n"
        "print({'torch', 'tensorflow', 'keras', 'onnxruntime'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_run_of_an_earlier_version_says_what_to_do(run, tmp_path):
    file = run.folder / "test_sets.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        del line["inputs_sha256"]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(InputError, match="run its spec into another folder"):
        of_run(rh.open_run(run.folder))


def test_numbers_are_stored_as_they_are_and_cannot_expand(packed):
    with zipfile.ZipFile(packed) as archive:
        how = {info.compress_type for info in archive.infolist() if "/mean/c." in info.filename}
    assert how == {zipfile.ZIP_STORED}
