"""The community leaderboard as a folder of pages: every link leads somewhere, nothing of a user's is lost."""

import csv
import io
import json
import posixpath
import re
from pathlib import Path

import pytest
from pages import HOSTILE, Parser, make_results

from regharness.errors import InputError
from regharness.submission.manifest import Card, Selection, TrainingData, UncertaintyKind
from regharness_report.cards import BADGES
from regharness_report.site import write_site

CARD = Card(
    slug="cnn",
    display="The Net",
    authors=["Ada L.", "Grace H."],
    licence="MIT",
    links=["https://example.org/paper"],
    parameters=1234567,
    training_data=[TrainingData(dataset="lentiMPRA", assembly="hg38", cell_types=["K562"])],
    overlap="None.\nNone at all.",
    exposure={"task": {"gc_content@1": "seen", "*": "unseen"}},
    external_data=False,
    selection=Selection(split="calibration", configurations_tried=12),
    uncertainty=UncertaintyKind(kind="deep ensemble", calibrated_on="calibration"),
)
ENTRANTS = {
    "cnn": {
        "display": "The Net",
        "badge": "re-scored",
        "card": CARD,
        "seen": {"task": frozenset(["gc_content@1"])},
        "digest": "a" * 64,
        "download": "submissions/cnn.zip",
    },
    "ridge": {"badge": "self-reported"},
    "control:mean": {"display": "mean", "badge": "control"},
}
HOME = "made-v1"


@pytest.fixture
def download(tmp_path):
    path = tmp_path / "cnn.zip"
    path.write_bytes(b"PK")
    return {"submissions/cnn.zip": path}


def results(**options):
    return make_results(list(ENTRANTS), entrants=ENTRANTS, **options)


@pytest.fixture
def site(tmp_path, download):
    write_site([results()], tmp_path / "site", download)
    return tmp_path / "site"


def pages(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*.html"))}


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_there_is_a_page_for_the_whole_for_each_task_each_shift_operator_and_each_model(site):
    assert set(pages(site)) == {
        "index.html",
        "about.html",
        f"{HOME}/tasks/task.html",
        f"{HOME}/shifts/task/gc_content.html",
        f"{HOME}/shifts/task/assay_noise.html",
        f"{HOME}/models/cnn.html",
        f"{HOME}/models/ridge.html",
        *(f"{HOME}/models/{path.name}" for path in (site / HOME / "models").glob("control-mean-*.html")),
    }


def test_every_link_leads_to_a_file_of_the_site(site):
    there = set(files(site))
    for place, text in pages(site).items():
        for link in Parser(text).links:
            if not link.startswith(("#", "https://example.org")):
                assert posixpath.normpath(posixpath.join(posixpath.dirname(place), link.partition("#")[0])) in there


def test_nobody_needs_a_dead_end_to_get_to_any_page(site):
    reached, todo = set(), ["index.html"]
    while todo:
        place = todo.pop()
        if place.endswith(".html") and place not in reached:
            reached.add(place)
            links = Parser(pages(site)[place]).links
            todo += [posixpath.normpath(posixpath.join(posixpath.dirname(place), link)) for link in links]
    assert reached == set(pages(site))


def test_no_page_lets_anything_in_from_elsewhere(site):
    for text in pages(site).values():
        policy = next(attrs["content"] for _, attrs in Parser(text).tags if attrs.get("http-equiv"))
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert not [name for _, attrs in Parser(text).tags for name in attrs if name in ("src", "style", "srcset")]


def test_links_of_strangers_pass_on_no_credit_and_no_address(site):
    tags = Parser(pages(site)[f"{HOME}/models/cnn.html"]).tags
    (link,) = [attrs for tag, attrs in tags if tag == "a" and attrs["href"].startswith("http")]
    assert link == {"href": "https://example.org/paper", "rel": "nofollow noopener noreferrer"}


def test_a_card_is_told_in_full(site):
    text = Parser(pages(site)[f"{HOME}/models/cnn.html"]).text
    for told in (
        "The Net",
        "Ada L.",
        "Grace H.",
        "MIT",
        "1,234,567",
        "lentiMPRA; hg38; K562",
        "None at all.",
        "task: seen gc_content@1",
        "task: unseen all other shifts",
        "on calibration, of 12 configurations",
        "deep ensemble, calibrated on calibration",
        "a" * 64,
        BADGES["re-scored"],
    ):
        assert told in text


def test_what_a_card_does_not_say_is_said_to_be_unsaid(site):
    text = " ".join(Parser(pages(site)[f"{HOME}/models/cnn.html"]).text.split())
    assert "team, contact, adapted from, test sequences used" in text


def test_the_submission_can_be_downloaded(site):
    tags = Parser(pages(site)[f"{HOME}/models/cnn.html"]).tags
    assert ("a", {"href": "../../submissions/cnn.zip", "download": None}) in tags
    assert (site / "submissions/cnn.zip").read_bytes() == b"PK"


def test_the_page_of_a_model_says_its_rank(site):
    text = " ".join(Parser(pages(site)[f"{HOME}/models/cnn.html"]).text.split())
    assert "Ranks 1 of 1: its mse is 1.100 on unshifted data" in text


def test_the_task_says_which_shifts_do_not_count(site):
    text = " ".join(Parser(pages(site)[f"{HOME}/tasks/task.html"]).text.split())
    assert "leave out what a ranked model says it has seen: gc_content@1" in text


def test_alone_self_reported_scores_are_shown_with_a_note(tmp_path):
    write_site(
        [make_results(entrants={"cnn": {"badge": "self-reported"}, "ridge": {"badge": "self-reported"}})],
        tmp_path / "s",
    )
    assert "Nobody has checked these scores yet" in pages(tmp_path / "s")["index.html"]


def test_the_board_comes_as_csv_with_who_is_who(site):
    rows = list(csv.DictReader(io.StringIO((site / HOME / "leaderboard.csv").read_text())))
    assert [
        (row["model"], row["rank"], row["name"], row["badge"], row["not_ranked"], row["licence"]) for row in rows
    ] == [
        ("cnn", "1", "The Net", "re-scored", "", "MIT"),
        ("ridge", "", "ridge", "self-reported", "self-reported", ""),
        ("control:mean", "", "mean", "control", "control", ""),
    ]


def test_the_board_comes_as_json_with_what_counts(site):
    told = json.loads((site / HOME / "leaderboard.json").read_text())
    assert (told["benchmark"], told["version"]) == ("made", 1)
    assert told["counted"] == {"task": ["identity", "gc_content@5", "assay_noise@3"]}
    assert told["models"]["cnn"]["card"]["licence"] == "MIT"
    assert told["leaderboard"]["rows"][0]["model"] == "cnn"


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_cell_of_the_csv_is_a_formula(tmp_path, formula):
    entrants = {formula: {"badge": "re-scored", "display": formula}}
    write_site([make_results([formula, "b"], entrants=entrants)], tmp_path / "site")
    rows = list(csv.reader(io.StringIO((tmp_path / "site" / HOME / "leaderboard.csv").read_text())))
    assert [cell for row in rows for cell in row if cell.endswith(formula)] == ["'" + formula] * 2


def test_hostile_names_stay_text_on_every_page(tmp_path):
    entrants = {HOSTILE: {"display": HOSTILE, "badge": "re-scored"}}
    made = make_results([HOSTILE, "b"], entrants=entrants, shifts=["identity", f"{HOSTILE}@1"], name=HOSTILE)
    write_site([made], tmp_path / "site")
    for text in pages(tmp_path / "site").values():
        assert (text.count("<script"), "\x1b" in text) == (1, False)
    assert all(re.fullmatch(r"[a-z0-9._/-]+", place) for place in files(tmp_path / "site"))
    assert "\x1b" not in "".join(path.read_text() for path in (tmp_path / "site").rglob("leaderboard.csv"))


def test_a_card_that_is_no_better_than_its_checks_stays_text(tmp_path):
    card = CARD.model_copy(update={"links": ['https://example.org/"><script>alert(1)</script>'], "notes": HOSTILE})
    write_site([make_results(entrants={"cnn": {"card": card, "badge": "re-scored"}})], tmp_path / "site")
    text = pages(tmp_path / "site")[f"{HOME}/models/cnn.html"]
    assert (text.count("<script"), "\x1b" in text) == (1, False)


def test_equal_results_give_equal_bytes(tmp_path, download):
    for name in ("one", "two"):
        write_site([results()], tmp_path / name, download)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_benchmarks_lie_beside_each_other_the_first_on_top(tmp_path):
    write_site([make_results(name="zebra"), make_results(name="ant"), make_results(name="ant")], tmp_path / "site")
    index = pages(tmp_path / "site")["index.html"]
    assert index.index("zebra-v1") < index.index("ant-v1") < index.index("ant-v1-2")
    assert {path.name for path in (tmp_path / "site").iterdir() if path.is_dir()} == {"zebra-v1", "ant-v1", "ant-v1-2"}


def test_a_site_takes_the_place_of_the_one_before(site):
    write_site([make_results(["other"])], site)
    assert [path.name for path in (site / HOME / "models").iterdir()] == ["other.html"]
    assert not (site / "submissions").exists()


def test_an_empty_folder_becomes_a_site(tmp_path):
    (tmp_path / "site").mkdir()
    write_site([results()], tmp_path / "site", {"submissions/cnn.zip": Path(__file__)})
    assert (tmp_path / "site" / "index.html").is_file()


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="holds something else than a site"):
        write_site([results()], tmp_path)
    assert files(tmp_path) == {"thesis.tex": b"mine"}


@pytest.mark.parametrize("change", ["add", "edit", "remove"])
def test_a_site_that_somebody_has_changed_is_left_alone(site, change):
    index = site / "index.html"
    {"add": (site / "CNAME").touch, "edit": lambda: index.write_text("mine"), "remove": index.unlink}[change]()
    before = files(site)
    with pytest.raises(InputError, match="has been changed since it was written"):
        write_site([results()], site)
    assert files(site) == before


def test_a_file_where_the_site_should_be_is_left_alone(tmp_path):
    (tmp_path / "site").write_text("mine")
    with pytest.raises(InputError, match="is there already, and is no site"):
        write_site([results()], tmp_path / "site")


def test_a_link_where_the_site_should_be_is_not_followed(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "site").symlink_to(tmp_path / "home")
    with pytest.raises(InputError, match="is there already, and is no site"):
        write_site([results()], tmp_path / "site")


@pytest.mark.parametrize("place", ["../x.zip", "/x.zip", "a/../../x.zip", "a\\x.zip", ""])
def test_nothing_is_copied_out_of_the_site(tmp_path, place):
    with pytest.raises(InputError, match="is no place in a site"):
        write_site([results()], tmp_path / "site", {place: Path(__file__)})
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_copied_over_a_page(tmp_path):
    with pytest.raises(InputError, match=r"two files of the site would lie at index\.html"):
        write_site([results()], tmp_path / "site", {"index.html": Path(__file__)})
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_copied_leaves_no_half_a_site(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_site([results()], tmp_path / "site", {"submissions/gone.zip": tmp_path / "gone.zip"})
    assert list(tmp_path.iterdir()) == []
