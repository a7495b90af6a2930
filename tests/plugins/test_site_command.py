"""The verb ``site``: from submission files to pages."""

import json

import pytest
from click.testing import CliRunner
from pages import Parser

import regharness as rh
from regharness.errors import InputError
from regharness.submission.packing import pack
from regharness_report.site_command import site

SPEC = {
    "name": "toy",
    "tasks": [{"name": "t", "data": {"use": "toy"}, "shifts": [{"use": "offset", "severity": [1, 5]}]}],
    "models": [{"name": "m", "use": "constant"}],
    "metrics": ["mse"],
}


@pytest.fixture
def submissions(toys, tmp_path):
    """A folder with one submission, made from the run beside it."""
    (tmp_path / "s.yaml").write_text(json.dumps(SPEC))
    run = rh.run(tmp_path / "s.yaml", tmp_path / "run")
    (tmp_path / "submissions").mkdir()
    pack(run, "m", tmp_path / "submissions" / "m.zip", toys)
    return tmp_path / "submissions"


@pytest.fixture
def build(submissions, tmp_path):
    def build(*words):
        command = [str(submissions), "-o", str(tmp_path / "pages"), *map(str, words)]
        return CliRunner().invoke(site, command, obj=(), standalone_mode=False)

    return build


def index(tmp_path):
    return Parser((tmp_path / "pages" / "index.html").read_text()).text


def test_a_folder_of_submissions_becomes_a_site(build, tmp_path):
    done = build()
    assert (done.exception, done.return_value) == (None, 0)
    assert done.stdout == f"{tmp_path / 'pages' / 'index.html'}\n"
    assert "self-reported" in index(tmp_path)


def test_with_its_targets_scores_are_computed_again(build, tmp_path):
    assert build("--targets", tmp_path / "run").return_value == 0
    assert "re-scored" in index(tmp_path)


def test_a_file_that_does_not_pass_is_on_no_board_and_is_told(build, submissions, tmp_path):
    (submissions / "bad.zip").write_bytes(b"not a zip")
    done = build()
    assert done.return_value == 3
    assert f"refused: {submissions / 'bad.zip'}: " in done.stderr
    assert (tmp_path / "pages" / "toy-v1" / "models" / "m.html").is_file()


def test_the_submission_lies_in_the_site(build, submissions, tmp_path):
    build()
    (copied,) = (tmp_path / "pages" / "submissions").iterdir()
    assert copied.read_bytes() == (submissions / "m.zip").read_bytes()


def test_a_folder_that_is_no_site_is_left_alone(build, tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "mine").touch()
    with pytest.raises(InputError, match="holds something else than a site"):
        raise build().exception
