import json

import jsonschema
import pytest
from builders import spec, write


def test_a_run_prints_its_leaderboard_and_where_the_report_is(toys, regharness, tmp_path):
    done = regharness("run", write(tmp_path, spec()))
    assert "constant" in done.stdout
    assert str(tmp_path / "runs" / "toy" / "report.html").removeprefix(str(tmp_path) + "/") in done.stdout


def test_a_run_leaves_the_files_that_the_contract_names(toys, regharness, tmp_path):
    regharness("run", write(tmp_path, spec()))
    names = {path.name for path in (tmp_path / "runs" / "toy").iterdir()}
    expected = {
        "spec.yaml",
        "run.json",
        "cubes",
        "scores.zarr",
        "models",
        "leaderboard.json",
        "report.html",
        "log.jsonl",
    }
    assert expected <= names


def test_a_run_with_failed_cells_ends_with_1_and_lists_them(toys, regharness, tmp_path):
    models = [{"name": "bad", "use": "constant", "with": {"fault": "nan"}}, {"name": "ok", "use": "constant"}]
    done = regharness("run", write(tmp_path, spec(models=models)), check=1)
    assert "failed: t: bad, identity, seed 0: mean is NaN or infinite for 1 of 32 examples" in done.stderr
    assert "bad" in done.stdout


def test_json_is_all_that_a_json_run_writes_to_stdout(toys, regharness, tmp_path):
    done = regharness("run", write(tmp_path, spec()), "--json")
    assert json.loads(done.stdout)["failures"] == []


def test_quiet_says_nothing_on_stderr(toys, regharness, tmp_path):
    assert regharness("run", write(tmp_path, spec()), "--quiet").stderr == ""


def test_a_wrong_spec_ends_with_2_a_caret_and_no_traceback(toys, regharness, tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text(
        "name: x\ntasks: [{name: t, data: {use: tyo}}]\nmodels: [{name: m, use: constant}]\nmetrics: [mse]\n"
    )
    done = regharness("run", file, check=2)
    lines = done.stderr.splitlines()
    assert lines[0] == f"{file}:2:31: no data generator named 'tyo'; did you mean 'toy'?"
    assert lines[2].index("^") - 4 == lines[1].strip("\n").index("tyo") - 4
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_debug_shows_the_traceback(toys, regharness, tmp_path):
    assert "Traceback" in regharness("run", tmp_path / "none.yaml", "--debug", check=1).stderr


def test_validate_lists_the_problems_of_every_spec(toys, regharness, tmp_path):
    good, bad = write(tmp_path, spec(), "good.yaml"), write(tmp_path, spec(seeds=[]), "bad.yaml")
    done = regharness("validate", good, bad, check=2)
    assert done.stdout == f"{good}: valid\n"
    assert f"{bad}:" in done.stderr


def test_validate_writes_problems_as_json(toys, regharness, tmp_path):
    bad = write(tmp_path, spec(seeds=[]), "bad.yaml")
    report = json.loads(regharness("validate", bad, "--json", check=2).stdout)
    assert (report[0]["valid"], len(report[0]["problems"])) == (False, 1)


def test_plan_counts_the_cells_that_are_done(toys, regharness, tmp_path):
    file = write(tmp_path, spec())
    regharness("run", file, "--only", "model=oracle")
    plan = json.loads(regharness("plan", file, "--json").stdout)
    assert (plan["tasks"]["t"]["cells"], plan["tasks"]["t"]["done"]) == (16, 8)


def test_plan_makes_no_folder(toys, regharness, tmp_path):
    regharness("plan", write(tmp_path, spec()))
    assert not (tmp_path / "runs").exists()


def test_the_schema_accepts_a_valid_spec_and_refuses_a_wrong_parameter(toys, regharness):
    schema = json.loads(regharness("schema").stdout)
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    assert validator.is_valid(spec())
    assert not validator.is_valid(spec(models=[{"name": "m", "use": "constant", "with": {"ofset": 1}}]))
    assert not validator.is_valid(spec(models=[{"name": "m", "use": "constnat"}]))


def test_score_computes_other_metrics_from_the_stored_predictions(toys, regharness, tmp_path):
    regharness("run", write(tmp_path, spec()))
    regharness("score", "runs/toy", "--metrics", "mae,rmse")
    import regharness as rh

    assert {"mae", "rmse"} <= set(rh.open_run(tmp_path / "runs" / "toy").scores.data_vars)


@pytest.mark.parametrize("form", ["markdown", "csv", "json"])
@pytest.mark.parametrize("by", ["model", "shift", "severity"])
def test_the_leaderboard_has_a_row_for_each_model_in_every_form(toys, regharness, tmp_path, form, by):
    regharness("run", write(tmp_path, spec()))
    text = regharness("leaderboard", "runs/toy", "--format", form, "--by", by).stdout
    assert "constant" in text
    assert "oracle" in text


def test_the_leaderboard_can_be_written_to_a_file(toys, regharness, tmp_path):
    regharness("run", write(tmp_path, spec()))
    regharness("leaderboard", "runs/toy", "--format", "csv", "-o", "board.csv")
    assert "oracle" in (tmp_path / "board.csv").read_text()


def test_a_leaderboard_of_nothing_says_how_to_make_a_run(regharness):
    assert "no run at nowhere" in regharness("leaderboard", "nowhere", check=2).stderr


def test_an_unknown_metric_is_refused_with_those_there_are(toys, regharness, tmp_path):
    regharness("run", write(tmp_path, spec()))
    assert "mse" in regharness("leaderboard", "runs/toy", "--metric", "msr", check=2).stderr


@pytest.mark.parametrize(
    "what", ["models", "shifts", "data", "metrics", "uncertainty", "executors", "reports", "plugins"]
)
def test_list_writes_json_of_every_kind(regharness, what):
    assert json.loads(regharness("list", what, "--json").stdout)


def test_show_lists_the_keys_of_a_parameter_that_is_a_mapping(regharness):
    shown = regharness("show", "torch_cnn").stdout
    assert "      VREx:\n        method: 'vrex', required\n" in shown


def test_show_explains_a_component_with_its_parameters(toys, regharness):
    text = regharness("show", "offset").stdout
    assert "Add the severity to every target" in text
    assert "broken: bool, default False" in text


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("coverage_90", ["``mean(|e| <= q sigma)``", "direction: 0.9\n", "needs_variance: True\n"]),
        ("pit_histogram", ["dimension: bin\n", "labels: 0.05, 0.15, 0.25,"]),
        ("within_group", ["needs: covariates.element\n", "direction: higher\n"]),
        ("excess_risk", ["needs: noise_variance\n"]),
    ],
)
def test_show_tells_what_a_metric_is_and_needs(regharness, name, facts):
    shown = regharness("show", name).stdout
    assert [fact for fact in facts if fact not in shown] == []


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("onnx", "models: [{name: ..., use: onnx, with: {path: ...}}]"),
        ("mc_dropout", "of a model, uncertainty: {use: mc_dropout}"),
    ],
)
def test_show_says_what_to_write_in_a_spec(regharness, name, entry):
    assert f"In a spec: {entry}\n" in regharness("show", name).stdout


@pytest.mark.parametrize("columns", ["80", "120"])
def test_no_name_is_broken_where_the_terminal_is_narrow(regharness, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    text = regharness("list", "uncertainty").stdout
    assert "conformalised_quantiles " in text
    assert "regharness_uncertainty" in text
    assert max(map(len, text.splitlines())) <= int(columns)


def test_an_uncertainty_given_by_its_name_alone_says_how_to_write_it(toys, regharness, tmp_path):
    models = [{"name": "m", "use": "constant", "uncertainty": "split_conformal"}]
    done = regharness("validate", write(tmp_path, spec(models=models)), check=2)
    assert "'uncertainty' is a mapping of use, with, not 'split_conformal'" in done.stderr
    assert "write {use: split_conformal}" in done.stderr


def test_a_method_that_does_not_suit_a_model_names_the_entry(toys, regharness, tmp_path):
    models = [{"name": "m", "use": "constant", "uncertainty": {"use": "mc_dropout"}}]
    done = regharness("plan", write(tmp_path, spec(models=models)), check=2)
    assert "error: model 'm': mc_dropout needs a network with dropout" in done.stderr


def test_show_of_an_unknown_name_suggests_the_nearest(regharness):
    assert "did you mean 'gc_content'?" in regharness("show", "gc_contnt", check=2).stderr


def test_doctor_names_a_plugin_that_failed_and_why(install, regharness):
    install("broken_one", "import a_module_that_is_not_there")
    done = regharness("doctor", check=1)
    assert "broken_one: not usable: ModuleNotFoundError: No module named 'a_module_that_is_not_there'" in done.stdout


def test_a_plugin_can_be_switched_off(toys, regharness):
    done = regharness("-p", "no:regharness_toys", "show", "offset", check=2)
    assert "no component named 'offset'" in done.stderr


def test_a_mistyped_command_suggests_the_nearest(regharness):
    assert "Did you mean 'leaderboard'?" in regharness("leaderbord", check=2).stderr


def test_a_plugin_that_replaces_a_verb_is_refused(install, regharness):
    source = "import click\nfrom regharness import hookimpl\n@hookimpl\ndef regharness_commands(cli):\n"
    install("greedy", source + "    cli.add_command(click.Command('run'))")
    assert "replaces the verb 'run'" in regharness("doctor", check=1).stdout
    assert "Compute what is missing" in regharness("run", "--help").stdout


def test_a_run_goes_on_when_nobody_reads_its_progress(toys, tmp_path):
    import os
    import subprocess
    import sys

    import xarray as xr

    file = write(tmp_path, spec(seeds=[0, 1, 2]))
    command = [sys.executable, "-m", "regharness", "run", str(file), "-o", str(tmp_path / "r")]
    read, unread = os.pipe()
    os.close(read)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=unread, timeout=120)
    os.close(unread)
    assert (xr.open_zarr(tmp_path / "r" / "cubes" / "t.zarr").status == 1).all()


def test_an_interrupted_run_ends_with_130_and_keeps_its_state(toys, tmp_path):
    import os
    import signal
    import subprocess
    import sys
    import time

    slow = [{"name": "slow", "use": "constant", "with": {"seconds": 0.3}}]
    file = write(tmp_path, spec(models=slow))
    command = [sys.executable, "-m", "regharness", "run", str(file), "-o", str(tmp_path / "r")]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
        # A test suite in the background of a shell hands on that interrupts are ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    records = tmp_path / "r" / "cells.jsonl"
    deadline = time.monotonic() + 60
    while not records.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; what was computed is kept" in said
    assert "Traceback" not in said
    assert (tmp_path / "r" / "run.json").exists()


def test_score_with_no_metric_keeps_the_scores_that_there_are(toys, regharness, tmp_path):
    regharness("run", write(tmp_path, spec()))
    done = regharness("score", "runs/toy", "--metrics", " , ", check=2)
    assert done.stderr.startswith("error: --metrics names none")
    assert "constant" in regharness("leaderboard", "runs/toy").stdout


@pytest.mark.parametrize("words", [["leaderboard"], ["compare", "--models", "constant", "oracle"]])
def test_a_file_that_cannot_be_written_is_said_to_be_so(toys, regharness, tmp_path, words):
    regharness("run", write(tmp_path, spec()))
    done = regharness(*words, "runs/toy", "-o", "nowhere/board.md", check=2)
    assert done.stderr.startswith("error: cannot write nowhere/board.md: No such file or directory")


def test_a_metric_that_the_data_cannot_give_is_said_to_have_no_score(toys, regharness, tmp_path):
    done = regharness("run", write(tmp_path, spec(metrics=["mse", "variant_auroc"])))
    assert "no score of 'variant_auroc', which needs the covariate 'p_value'" in done.stderr


def test_compare_sets_two_models_against_each_other(toys, regharness, tmp_path):
    models = [{"name": "one", "use": "constant"}, {"name": "two", "use": "constant"}]
    regharness("run", write(tmp_path, spec(models=models)))
    table = regharness("compare", "runs/toy", "--models", "one", "two").stdout
    values = json.loads(regharness("compare", "runs/toy", "--models", "one", "two", "--json").stdout)

    assert "one less two" in table
    assert values["models"] == ["one", "two"]


def test_compare_refuses_a_model_that_the_run_has_not(toys, regharness, tmp_path):
    regharness("run", write(tmp_path, spec()))
    done = regharness("compare", "runs/toy", "--models", "constant", "constnt", check=2)
    assert "no model named 'constnt'" in done.stderr


@pytest.mark.parametrize("kind", ["spec", "leaderboard", "matrix", "comparison", "log"])
def test_schemas_are_json_schemas(regharness, kind):
    jsonschema.Draft202012Validator.check_schema(json.loads(regharness("schema", "--kind", kind).stdout))


def test_the_leaderboard_shows_the_columns_asked_for(toys, regharness, tmp_path):
    regharness("run", write(tmp_path, spec(metrics=["mse", "mae", "rmse"])))
    assert "rmse" in regharness("leaderboard", "runs/toy", "--columns", "rmse").stdout
    assert "'rms'" in regharness("leaderboard", "runs/toy", "--columns", "rms", check=2).stderr


def test_scoring_again_writes_the_leaderboard_and_the_report_again(toys, regharness, tmp_path):
    regharness("run", write(tmp_path, spec()))
    regharness("score", "runs/toy", "--metrics", "mae")

    assert json.loads((tmp_path / "runs" / "toy" / "leaderboard.json").read_text())["rank_by"] == "mae"
    assert "Ranked by mae" in (tmp_path / "runs" / "toy" / "report.html").read_text()
