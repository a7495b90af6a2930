"""The template repository of a community leaderboard: its workflows run here, against a real repository of git."""

import json
import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import click
import pandas as pd
import pytest
from ruamel.yaml import YAML

from regharness.cli import cli

ROOT = Path(__file__).parents[2]
COMMUNITY = ROOT / "community"
WORKFLOWS = {path.stem: YAML(typ="safe").load(path) for path in (COMMUNITY / ".github" / "workflows").glob("*.yml")}
ONE = "One new submission, and nothing else"


def steps(workflow):
    return [step for job in WORKFLOWS[workflow]["jobs"].values() for step in job["steps"]]


def triggers(workflow):
    # YAML 1.2 reads 'on' as the word that it is.
    return WORKFLOWS[workflow]["on"]


def git(folder, *words):
    names = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for who in ("AUTHOR", "COMMITTER"):
        names |= {f"GIT_{who}_NAME": "someone", f"GIT_{who}_EMAIL": "someone@example.org"}
    done = subprocess.run(["git", *words], cwd=folder, env={**os.environ, **names}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


SHIMS = {
    # What 'python3 -m venv .venv' makes, with the regharness of this test in it.
    "python3": 'mkdir -p .venv/bin && cp "$SHIMS/pip" .venv/bin/pip && cp "$SHIMS/regharness" .venv/bin/regharness\n',
    "pip": "exit 0\n",
    "regharness": f'exec {sys.executable} -m regharness "$@"\n',
    "sudo": '[ "$1" != --user ] || shift 2\nexec "$@"\n',
    "unshare": '[ "$1 $2" = "--net --" ] || exit 1\nshift 2\nexec "$@"\n',
    "gh": 'cat "$PRIVATE"\n',
}


class Runner:
    """A machine that runs steps as GitHub does: bash, with -e and pipefail."""

    def __init__(self, folder):
        self.folder, self.temp = folder, folder / "temp"
        self.temp.mkdir(parents=True)
        self.shims = folder / "shims"
        self.shims.mkdir()
        for name, text in SHIMS.items():
            (self.shims / name).write_text("#!/bin/bash\n" + text)
            (self.shims / name).chmod(0o755)

    def step(self, workflow, name, at, **given):
        (step,) = [step for step in steps(workflow) if step.get("name") == name]
        script, output = self.folder / "step.sh", self.folder / "output"
        script.write_text(step["run"])
        output.write_text("")
        literal = {key: str(value) for key, value in step.get("env", {}).items() if "${{" not in str(value)}
        expected = set(step.get("env", {})) - set(literal)
        assert expected <= set(given), f"{expected} must be given"
        around = {
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_OUTPUT": str(output),
            "SHIMS": str(self.shims),
            "PATH": f"{self.shims}{os.pathsep}{os.environ['PATH']}",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=at,
            env={**os.environ, **literal, **around, **given},
            capture_output=True,
            text=True,
        )
        return done, dict(line.split("=", 1) for line in output.read_text().splitlines())


@pytest.fixture
def runner(tmp_path):
    return Runner(tmp_path / "runner")


@pytest.fixture
def repository(tmp_path):
    """A clone of the template repository with one submission in it."""
    folder = tmp_path / "repository"
    shutil.copytree(COMMUNITY, folder)
    (folder / "submissions" / "first.zip").write_bytes(b"PK first")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Begin")
    return folder


def added(path, content=b"PK new", mode=0o644):
    def change(folder):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(mode)

    return change


def linked(folder):
    (folder / "submissions" / "link.zip").symlink_to("../benchmark/spec.yaml")


def both(*changes):
    return lambda folder: [change(folder) for change in changes]


def proposed(folder, change):
    """The commits that a pull request is of: base and head, when main has gone on meanwhile."""
    git(folder, "checkout", "--quiet", "-b", "theirs")
    change(folder)
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Submit")
    head = git(folder, "rev-parse", "HEAD")
    git(folder, "checkout", "--quiet", "main")
    (folder / "records" / "later.json").write_text("{}\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Score another")
    return {"BASE": git(folder, "rev-parse", "HEAD"), "HEAD": head}


def test_one_new_submission_is_let_through_as_it_is(runner, repository):
    commits = proposed(repository, added("submissions/my-model.zip", b"PK mine"))
    done, output = runner.step("verify", ONE, repository, **commits)
    assert done.returncode == 0, done.stdout + done.stderr
    assert output == {"file": "submissions/my-model.zip"}
    assert (runner.temp / "submission.zip").read_bytes() == b"PK mine"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (both(added("submissions/a.zip"), added("records/a.json")), "exactly one file"),
        (both(added("submissions/a.zip"), added("requirements.txt", b"evil")), "exactly one file"),
        (both(added("submissions/a.zip"), added(".github/workflows/verify.yml", b"on: push")), "exactly one file"),
        (both(added("submissions/a.zip"), added("submissions/b.zip")), "exactly one file"),
        (
            lambda folder: (folder / "submissions/first.zip").rename(folder / "submissions/second.zip"),
            "exactly one file",
        ),
        (lambda folder: None, "exactly one file"),
        (lambda folder: (folder / "submissions/first.zip").unlink(), "new and plain"),
        (added("submissions/first.zip", b"PK other"), "new and plain"),
        (added("submissions/a.zip", mode=0o755), "new and plain"),
        (linked, "new and plain"),
        (added("records/a.zip"), "call it"),
        (added("submissions/deeper/a.zip"), "call it"),
        (added("submissions/A.zip"), "call it"),
        (added("submissions/a.zip.exe"), "call it"),
        (added("submissions/-a.zip"), "call it"),
        (added("submissions/é.zip"), "call it"),
        (added("submissions/a\n::set-output name=file::x.zip"), "call it"),
        (added("submissions/$(touch pwned).zip"), "call it"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_else_a_pull_request_does_is_refused(runner, repository, change, told):
    done, output = runner.step("verify", ONE, repository, **proposed(repository, change))
    assert done.returncode == 1
    assert re.fullmatch(rf"::error::[^\n]*{told}[^\n]*\n", done.stdout)
    assert output == {}
    assert not (repository / "pwned").exists()


def test_a_large_file_is_refused(runner, repository):
    commits = proposed(repository, added("submissions/a.zip", b"PK" + bytes(1000)))
    done, _ = runner.step("verify", ONE, repository, **commits, MOST_BYTES="1000")
    assert done.returncode == 1
    assert "more than 1000 bytes" in done.stdout


def test_a_history_of_its_own_is_refused(runner, repository):
    base = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "--quiet", "--orphan", "theirs")
    git(repository, "commit", "--quiet", "--message", "Alone")
    done, output = runner.step("verify", ONE, repository, BASE=base, HEAD=git(repository, "rev-parse", "HEAD"))
    assert done.returncode != 0
    assert output == {}


def test_the_privileged_workflow_makes_the_same_check():
    ours, theirs = (next(step for step in steps(name) if step.get("name") == ONE) for name in ("verify", "score"))
    assert ours == theirs


@pytest.mark.parametrize("workflow", sorted(WORKFLOWS))
def test_no_expression_of_github_reaches_a_shell(workflow):
    assert [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("workflow", sorted(WORKFLOWS))
def test_every_action_is_pinned_to_a_commit_whose_version_is_told(workflow):
    used = re.findall(r"uses: (.*)", (COMMUNITY / ".github" / "workflows" / f"{workflow}.yml").read_text())
    assert [line for line in used if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    assert len(used) == sum("uses" in step for step in steps(workflow))


@pytest.mark.parametrize("workflow", sorted(WORKFLOWS))
def test_no_checkout_leaves_its_token_behind_or_takes_the_strangers_branch(workflow):
    used = [step["with"] for step in steps(workflow) if "checkout@" in step.get("uses", "")]
    assert all(given.get("persist-credentials") is False and "ref" not in given for given in used)


def test_what_runs_the_strangers_branch_can_only_read_and_has_no_secret():
    assert "pull_request" in triggers("verify")
    assert "pull_request_target" not in triggers("verify")
    assert WORKFLOWS["verify"]["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in WORKFLOWS["verify"]["jobs"].values())
    text = (COMMUNITY / ".github" / "workflows" / "verify.yml").read_text()
    assert not re.search(r"\$\{\{\s*(secrets|github\.token)", text)


def test_what_has_secrets_waits_for_the_label_of_a_maintainer():
    assert triggers("score") == {"pull_request_target": {"types": ["labeled"]}}
    assert WORKFLOWS["score"]["permissions"] == {}
    (job,) = WORKFLOWS["score"]["jobs"].values()
    assert job["if"] == "github.event.label.name == 'score'"
    assert job["permissions"] == {"contents": "write"}
    assert "env" not in job


def test_the_step_that_reads_the_strangers_file_has_no_network_and_no_secret():
    (step,) = [step for step in steps("score") if step.get("name") == "Score"]
    assert "env" not in step
    assert "sudo unshare --net --" in step["run"]


def console(document):
    found = re.findall(r"^ *```console\n(.*?)^ *```$", (COMMUNITY / document).read_text(), re.MULTILINE | re.DOTALL)
    return [line.strip().removeprefix("$ ") for block in found for line in block.splitlines()]


@pytest.mark.parametrize("document", ["README.md", "MAINTAINING.md"])
def test_what_is_shown_and_not_run_is_a_command_with_options_that_it_has(document):
    shown = re.findall(r"^```sh\n(.*?)^```$", (COMMUNITY / document).read_text(), re.MULTILINE | re.DOTALL)
    for line in re.findall(r"regharness ([^;\n]*)", "\n".join(shown)):
        verb, words = cli, line.split()
        while isinstance(verb, click.Group):
            verb = verb.commands[words.pop(0)]
        assert verb.make_context(verb.name, words)
    assert shown


def call(at, line):
    done = subprocess.run([sys.executable, "-m", *line.split()], cwd=at, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """What the pages tell, done: a leaderboard set up, two submissions made, one of them sent, scored and merged."""
    folder = tmp_path_factory.mktemp("community")
    runner, ours = Runner(folder / "runner"), folder / "ours"
    shutil.copytree(COMMUNITY, ours)
    for line in console("MAINTAINING.md"):
        call(ours, line)
    private = shutil.move(ours / "targets.zip", folder / "targets.zip")
    git(ours, "init", "--quiet", "--initial-branch", "main")
    git(ours, "add", "--all")
    git(ours, "commit", "--quiet", "--message", "Begin")
    upstream = folder / "upstream.git"
    git(folder, "clone", "--quiet", "--bare", str(ours), str(upstream))
    git(upstream, "config", "uploadpack.allowAnySHA1InWant", "true")

    theirs = folder / "theirs"
    git(folder, "clone", "--quiet", str(upstream), str(theirs))
    with ZipFile(theirs / "benchmark" / "template.zip") as archive:
        archive.extractall(theirs)
    inputs = pd.read_csv(theirs / "inputs.csv", dtype={"id": str}, keep_default_na=False)
    table = inputs[["shift", "seed", "id"]].assign(mean=inputs["sequence"].str.count("[GC]") / 100, sd=1.0)
    table.to_csv(theirs / "predictions.csv", index=False)
    card = (theirs / "card.yaml").read_text()
    (theirs / "card.yaml").write_text(card.replace('slug: ""', "slug: mine").replace('display: ""', "display: Mine"))
    (theirs / "mine.yaml").write_text(
        re.findall(r"```yaml\n(.*?)```", (COMMUNITY / "README.md").read_text(), re.DOTALL)[0]
    )
    said = {line.split()[2] + " " + line.split()[-1]: call(theirs, line) for line in console("README.md")}

    git(theirs, "checkout", "--quiet", "-b", "my-model")
    git(theirs, "add", "submissions/my-model.zip")
    git(theirs, "commit", "--quiet", "--message", "Submit my model")
    git(theirs, "push", "--quiet", "origin", "HEAD:refs/pull/1/head")
    commits = {"BASE": git(ours, "rev-parse", "HEAD"), "HEAD": git(theirs, "rev-parse", "HEAD")}
    steps_done = {}

    def done(workflow, name, at, **given):
        ended, output = runner.step(workflow, name, at, **given)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        steps_done[workflow, name] = ended.stdout
        return output

    merged = folder / "merged"
    git(folder, "clone", "--quiet", str(upstream), str(merged))
    git(merged, "fetch", "--quiet", "origin", commits["HEAD"])
    git(merged, "merge", "--quiet", "--no-ff", commits["HEAD"], "--message", "As GitHub tries it")
    for name in (ONE, "Install", "Verify"):
        done("verify", name, merged, **commits)

    scoring, remote = folder / "scoring", {"REMOTE": str(upstream), "BRANCH": "main"}
    git(folder, "clone", "--quiet", str(upstream), str(scoring))
    done("score", "Fetch the commit, and check nothing out", scoring, REMOTE=str(upstream), HEAD=commits["HEAD"])
    one = done("score", ONE, scoring, **commits)
    done("score", "Install", scoring)
    secret = {"GH_TOKEN": "x", "TARGETS_REPOSITORY": "lab/targets", "PRIVATE": str(private)}
    done("score", "Fetch the hidden targets", scoring, **secret)
    done("score", "Score", scoring)
    assert not (scoring / "submissions" / "my-model.zip").exists()
    done("score", "Keep the record", scoring, FILE=one["file"], **remote)

    git(ours, "pull", "--quiet", str(upstream), "main")
    git(ours, "pull", "--quiet", "--no-rebase", "--no-edit", str(upstream), "refs/pull/1/head")
    done("site", "Install", ours)
    built = done("site", "Build", ours)
    return {"ours": ours, "theirs": theirs, "steps": steps_done, "said": said, "built": built, "private": private}


@pytest.mark.slow
def test_both_ways_of_taking_part_make_files_that_pass(story):
    verified = [text for words, text in story["said"].items() if words.startswith("verify")]
    assert len(verified) == 2
    assert all(": passed," in text for text in verified)


@pytest.mark.slow
def test_the_public_checks_score_against_the_public_targets(story):
    assert "of the cells whose targets were given" in story["steps"]["verify", "Verify"]


@pytest.mark.slow
def test_the_record_is_bound_to_the_file_and_says_who_vouches(story):
    digest = sha256((story["ours"] / "submissions" / "my-model.zip").read_bytes()).hexdigest()
    record = json.loads((story["ours"] / "records" / f"{digest[:16]}.json").read_text())
    assert (record["sha256"], record["badge"]) == (digest, "re-scored")
    assert digest in git(story["ours"], "log", "--format=%B", "--grep", "Score submissions/my-model.zip")


@pytest.mark.slow
def test_hidden_targets_are_in_no_commit(story):
    with ZipFile(story["private"]) as archive:
        (name,) = [one for one in archive.namelist() if "/target/c." in one]
        numbers = archive.read(name)[:64]
    blobs = git(story["ours"], "rev-list", "--objects", "--all").splitlines()
    for line in blobs:
        content = subprocess.run(
            ["git", "cat-file", "-p", line.split()[0]], cwd=story["ours"], capture_output=True, check=True
        ).stdout
        if not line.endswith("benchmark/targets.zip"):
            assert numbers not in content, line


@pytest.mark.slow
def test_the_site_shows_the_submission_as_scored_here(story):
    assert story["built"] == {"built": "true"}
    digest = sha256((story["ours"] / "submissions" / "my-model.zip").read_bytes()).hexdigest()
    site = story["ours"] / "site"
    assert sha256((site / "submissions" / f"mine-{digest[:8]}.zip").read_bytes()).hexdigest() == digest
    (row,) = re.findall(r"<tr[^>]*>(?:(?!</tr>).)*>Mine<.*?</tr>", (site / "index.html").read_text(), re.DOTALL)
    assert "re-scored" in row


def test_before_there_is_a_submission_no_site_is_built(runner, repository):
    (repository / "submissions" / "first.zip").unlink()
    done, output = runner.step("site", "Build", repository)
    assert (done.returncode, output) == (0, {})
    assert done.stdout == "no submission yet, so no site\n"
