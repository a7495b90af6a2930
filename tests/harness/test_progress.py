"""How a run is shown while it goes. Expectations are counted by hand from a clock that the tests turn."""

import os
import pty
import re
import sys
from types import SimpleNamespace

import pytest
from builders import spec, write
from rich.console import Console

from regharness.cli.display import Display
from regharness.cli.progress import Lines
from regharness.cli.tally import Tally, duration, summary

CELL = {"task": "t", "model": "m", "shift": "identity", "seed": 0}


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tally(clock):
    return Tally(clock)


def compute(tally, clock, seconds, count=1, worker="w", examples=0):
    for _ in range(count):
        tally.begin(worker, f"cell of {worker}")
        clock.now += seconds
        tally.finish(worker, f"cell of {worker}", seconds, examples, failed=False)


def test_nothing_is_said_to_be_left_before_a_cell_has_ended(tally, clock):
    tally.start(10, 0, 1)
    clock.now = 100
    assert tally.left() is None


def test_the_time_left_is_that_of_the_cells_that_are_left(tally, clock):
    tally.start(10, 0, 1)
    compute(tally, clock, 3.0, count=4)
    assert tally.left() == pytest.approx(6 * 3.0)


def test_cells_done_before_tell_nothing_of_the_time_left(tally, clock):
    tally.start(1000, 990, 1)
    compute(tally, clock, 3.0, count=4)
    assert tally.left() == pytest.approx(6 * 3.0)


def test_slow_cells_after_quick_ones_are_expected_to_go_on(tally, clock):
    tally.start(80, 0, 1)
    compute(tally, clock, 1.0, count=40)
    compute(tally, clock, 10.0, count=20)
    # Of 60 cells the last 30 count: ten of a second and twenty of ten.
    assert tally.left() == pytest.approx(20 * 210 / 30)


def test_the_first_of_many_workers_to_end_a_cell_does_not_speak_for_itself_alone(tally, clock):
    tally.start(40, 0, 4)
    for name in "abcd":
        tally.begin(name, f"cell of {name}")
    clock.now = 10.0
    tally.finish("a", "cell of a", 10.0, 0, failed=False)
    # Four workers have done a cell each in ten seconds, or nearly: 36 are left, four at a time.
    assert tally.left() == pytest.approx(90.0)


def test_the_time_left_grows_while_a_cell_takes_longer_than_those_before(tally, clock):
    tally.start(10, 0, 1)
    compute(tally, clock, 1.0, count=5)
    tally.begin("w", "cell")
    clock.now += 1.0
    before = tally.left()
    clock.now += 60.0
    assert tally.left() > before


def test_examples_a_second_are_told_of_the_run_and_of_each_worker(tally, clock):
    tally.start(4, 0, 2)
    compute(tally, clock, 2.0, worker="a", examples=100)
    compute(tally, clock, 2.0, worker="b", examples=300)
    tally.end()
    assert tally.rate == pytest.approx(400 / 4)
    assert [tally.worker_rate(worker) for worker in tally.workers()] == pytest.approx([100 / 4, 300 / 2])


def test_a_worker_that_is_first_heard_of_at_its_cells_end_has_been_there_for_the_cell(tally, clock):
    tally.start(4, 0, 1)
    clock.now = 10.0
    tally.finish("w", "cell", 2.0, 50, failed=False)
    assert tally.worker_rate(tally.workers()[0]) == pytest.approx(25.0)


def test_a_worker_that_calls_itself_otherwise_than_its_executor_does_is_one_worker(tally, clock):
    tally.start(4, 0, 1)
    tally.begin("process 1", "cell")
    clock.now = 10.0
    tally.finish("host:123", "cell", 10.0, 50, failed=False)
    assert [(worker.name, worker.cells, worker.at) for worker in tally.workers()] == [("process 1", 1, "")]


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (62, "1:02"), (3600, "1:00:00"), (90061, "25:01:01")])
def test_durations_have_hours_only_where_there_are_any(seconds, text):
    assert duration(seconds) == text


def test_the_summary_of_many_workers_is_their_range(tally, clock):
    tally.start(9, 0, 9)
    for index in range(9):
        tally.begin(f"w{index}", f"cell {index}")
    clock.now = 10.0
    for index in range(9):
        tally.finish(f"w{index}", f"cell {index}", 10.0, 100 * (index + 1), failed=False)
    tally.end()
    assert summary(tally, 0, interrupted=False) == [
        "finished: 9/9 cells, 0 failed, in 0:10, 0.9 cells/s, 450 examples/s",
        "  9 workers: 10 to 90 examples/s, median 50",
    ]


def test_the_summary_of_a_run_with_nothing_to_do_has_no_rate(tally):
    tally.start(9, 9, 1)
    tally.end()
    assert summary(tally, 0, interrupted=False) == ["finished: 9/9 cells, 0 failed"]


def shown(tally, width, height=30, colours=None):
    """What a terminal of this size would show, as lines."""
    size = {"width": width, "height": height, "force_terminal": True, "color_system": colours}
    with open(os.devnull, "w") as nowhere:
        display = Display(Console(**size, file=nowhere), tally)
        frame = display.frame()
        display.close()
        console = Console(**size, file=nowhere)
        with console.capture() as capture:
            console.print(frame)
    return capture.get().rstrip("\n").split("\n")


def busy_tally(clock, workers):
    tally = Tally(clock)
    tally.start(300, 100, workers)
    for index in range(workers):
        compute(tally, clock, 1.0, worker=f"worker-{index}", examples=1000)
        tally.begin(f"worker-{index}", f"simulation: a_model_with_quite_a_long_name, gc_content@3, seed {index}")
    tally.finish("worker-0", "simulation: a_model_with_quite_a_long_name, gc_content@3, seed 0", 1.0, 0, failed=True)
    return tally


def test_the_display_shows_the_bar_and_what_each_worker_is_at(clock):
    lines = shown(busy_tally(clock, 3), 120)
    assert lines[0].startswith("cells ")
    assert "104/300" in lines[0]
    assert "examples/s" in lines[0]
    assert lines[0].endswith("1 failed")
    assert [line.split()[0] for line in lines[1:3]] == ["worker-1", "worker-2"]
    assert "gc_content@3" in lines[1]
    assert "1 cell " in lines[1]
    assert "examples/s" in lines[1]


def test_of_a_hundred_workers_those_that_were_longest_at_their_cells_are_shown_and_the_others_counted(clock):
    lines = shown(busy_tally(clock, 100), 120)
    assert [line.split()[0] for line in lines[1:9]] == [f"worker-{index}" for index in range(1, 9)]
    assert lines[9:] == ["  and 92 more workers, 91 of them at a cell"]


def test_the_display_is_no_higher_than_the_terminal(clock):
    assert len(shown(busy_tally(clock, 100), 120, height=8)) <= 8


@pytest.mark.parametrize("width", [12, 20, 40, 60, 79, 200])
def test_no_line_of_the_display_is_wider_than_the_terminal(clock, width):
    lines = shown(busy_tally(clock, 30), width)
    assert len(lines) == 10
    assert max(map(len, lines)) <= width


def test_no_color_takes_the_colours_away(clock, monkeypatch):
    coloured = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|9[0-7])[;\d]*m")
    assert coloured.search("".join(shown(busy_tally(clock, 3), 120, colours="truecolor")))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured.search("".join(shown(busy_tally(clock, 3), 120, colours="truecolor")))


def test_the_display_shows_how_far_a_fit_is(tally, clock):
    tally.start(2, 0, 1)
    tally.begin("main", "t: m, identity, seed 0")
    tally.watch("t: m, identity, seed 0", "fit", 0.4)
    assert "fit 40%" in shown(tally, 80)[1]


def test_the_display_shows_how_far_scoring_is(tally):
    tally.start(300, 300, 1)
    tally.step = ("scoring t", 120, 300)
    assert shown(tally, 80)[0].startswith("scoring t ")
    assert "120/300 cells" in shown(tally, 80)[0]


def tell(lines, **changes):
    facts = {**CELL, "status": "done", "reason": "", "seconds": 1.0, "worker": "w", "examples": 10, **changes}
    lines.regharness_cell_finished(**facts)


def test_plain_lines_say_when_a_model_and_seed_begin_and_what_failed(capsys):
    lines = Lines()
    lines.regharness_run_started("runs/x", 3, 1, 2)
    for shift in ("identity", "offset@1"):
        lines.regharness_cell_started("t", "m", shift, 0, "w")
        tell(lines, shift=shift)
    tell(lines, status="failed", reason="no luck")
    err = capsys.readouterr().err.splitlines()
    assert err == [
        "runs/x: 3 cells, 1 done before, 2 workers",
        "[1/3] t: m, seed 0",
        "failed: t: m, identity, seed 0: no luck",
    ]


def test_plain_lines_give_a_sign_of_life_with_the_rate_and_the_time_left(capsys, monkeypatch):
    monkeypatch.setattr("regharness.cli.progress.HEARTBEAT", -1.0)
    lines = Lines()
    lines.regharness_run_started("runs/x", 3, 0, 1)
    tell(lines)
    said = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch(r"\[1/3\] cells, [\d,]+ examples/s, about \d+:\d\d left", said)
    lines.step("scoring t", 5, 9)
    assert capsys.readouterr().err == "scoring t: 5/9 cells\n"


def test_plain_lines_say_that_a_worker_died_and_its_cell_is_tried_again(capsys):
    lines = Lines()
    lines.regharness_cell_lost(**CELL, reason="killed by signal 9", again=True)
    assert capsys.readouterr().err == "lost: t: m, identity, seed 0: killed by signal 9; it is tried again\n"


def test_plain_lines_hear_of_the_local_worker_without_its_cells_begun(capsys):
    lines = Lines()
    lines.regharness_run_started("runs/x", 3, 0, 1)
    lines.watch(SimpleNamespace(**CELL), "fit", 0.0)
    assert capsys.readouterr().err.splitlines()[-1] == "[0/3] t: m, seed 0"


def in_a_terminal(folder, words, **variables):
    """Everything that a command writes to a terminal, which the reading end of a pseudo-terminal sees."""
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(folder)
        os.environ.update({"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30", **variables})
        os.execv(sys.executable, [sys.executable, "-m", "regharness", *words])
    said = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        said += part
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, said.decode()
    return said.decode()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_on_a_terminal_a_run_moves_the_cursor_and_leaves_a_summary(toys, tmp_path):
    said = in_a_terminal(tmp_path, ["run", str(write(tmp_path, spec())), "-o", "r"])
    assert "\x1b[?25l" in said  # The cursor is hidden ...
    assert "\x1b[?25h" in said  # ... and shown again.
    assert "finished: 16/16 cells, 0 failed, in 0:0" in said


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(toys, tmp_path):
    said = in_a_terminal(tmp_path, ["run", str(write(tmp_path, spec())), "-o", "r"], TERM="dumb")
    assert "\x1b" not in said
    assert "[0/16] t: constant, seed 0" in said
