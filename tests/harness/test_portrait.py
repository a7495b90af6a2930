"""What a shift does, as numbers, in the terminal and as a figure."""

import importlib.util
import json

import numpy as np
import pytest
from builders import spec, write

from regharness import InputError
from regharness.catalog import load_catalog
from regharness.cli.portraits import plain, strip
from regharness.examples import Examples
from regharness.interfaces import DataInfo
from regharness.plan import make_plan
from regharness.portrait import distribution, portrait
from regharness.portrait_data import stage
from regharness.portrait_figure import GREY, RAMP, RAMP_ENDS, check_figure, draw
from regharness.spec_loading import load
from regharness.testing import make_dataset

DATA = make_dataset(test=2000)
INFO = DataInfo(("K562",), "log2(RNA/DNA)", 40, {"train": 256, "calibration": 64, "test": 2000})


def portrayed(name, data=DATA, info=INFO, **given):
    return portrait(name, load_catalog().create("shift", name, given), data, info)


@pytest.fixture(scope="module")
def noisy():
    return portrayed("assay_noise")


@pytest.fixture(scope="module")
def misread():
    return portrayed("sequencing_error")


def test_identity_comes_first(noisy):
    assert noisy.severities == (0, 1, 2, 3, 4, 5)


def test_a_level_stands_beside_each_severity_but_identity(noisy):
    assert noisy.levels == (None, 0.15, 0.3, 0.6, 1.0, 1.5)


def test_independent_noise_adds_in_squares(noisy):
    # The builder's measurement has an SD of 0.1.
    expected = np.sqrt(0.1**2 + np.array([0, 0.15, 0.3, 0.6, 1.0, 1.5]) ** 2)
    np.testing.assert_allclose(noisy.achieved["noise_sd"], expected, rtol=1e-5)


def test_the_noise_shown_has_the_sd_that_was_added(noisy):
    # The SD of an SD from n normal numbers is near SD / sqrt(2 n): 2,000 give 1.6%.
    np.testing.assert_allclose(noisy.distributions["noise"].sd, noisy.achieved["noise_sd"], rtol=0.07)


def test_noise_edits_no_sequence(noisy):
    assert not noisy.edited.any()


def test_misread_bases_are_counted_as_edited(misread):
    levels = np.array([0, 0.001, 0.005, 0.02, 0.05, 0.1])
    sd = np.sqrt(levels * (1 - levels) / (2000 * 40))
    assert (np.abs(misread.edited - levels) <= 4 * sd).all()


def test_new_examples_have_no_edit_distance():
    info = DataInfo(INFO.outputs, INFO.unit, INFO.length, INFO.sizes, frozenset({"held_out"}), ("group",))
    assert np.isnan(portrayed("held_out_group", info=info, group="group").edited[1])


def test_bases_hidden_behind_n_are_told_apart_from_edited_ones():
    made = portrayed("block_mask", fill="N", levels=[10])
    assert made.hidden[1] >= 10 / 40
    assert made.edited[1] == 0


def test_motif_content_is_left_out_and_said_so_where_no_mechanism_tells_it(noisy):
    assert "no mechanism" in noisy.left_out["motif_content"]


def test_an_operator_is_refused_data_that_lack_what_it_needs():
    with pytest.raises(InputError, match="'gc_content' needs mechanism"):
        portrayed("gc_content")


def test_a_density_integrates_to_one_where_all_values_are_binned():
    values = np.arange(21) / 20
    made = distribution("x", "x", "", [values, values[:7]], step=1 / 20)
    np.testing.assert_allclose((made.density * np.diff(made.edges)).sum(axis=1), 1.0)


def test_every_bin_holds_as_many_multiples_of_the_step():
    values = np.arange(200) / 200
    made = distribution("x", "x", "", [values], step=1 / 200)
    # The last bin may reach beyond the last value.
    np.testing.assert_allclose(made.density[0][:-1], 1.0)


def test_a_constant_quantity_has_a_distribution():
    made = distribution("x", "x", "", [np.full(5, 3.0)])
    assert made.mean[0] == 3.0
    np.testing.assert_allclose((made.density * np.diff(made.edges)).sum(), 1.0)


def test_a_strip_has_its_full_block_where_all_the_mass_is():
    assert strip(np.array([5.0, 0.0, 0.0, 0.0]), width=4) == "█   "


def test_a_strip_never_blanks_what_is_not_zero():
    assert strip(np.array([1000.0, 1.0]), width=2) == "█▁"


def test_a_strip_splits_bins_that_straddle_two_characters():
    assert strip(np.array([1.0, 1.0, 1.0]), width=2) == "██"


def test_plain_values_are_json(noisy):
    assert json.loads(json.dumps(plain(noisy), allow_nan=False))["severities"][5]["level"] == 1.5


def test_data_come_from_the_plugin_of_the_operator(toys):
    assert stage(toys, "offset").task == "toy"


def test_what_has_no_default_asks_for_a_spec():
    with pytest.raises(InputError, match="'held_out_group' needs group") as caught:
        stage(load_catalog(), "held_out_group")
    assert "--data" in caught.value.problems[0].help


def test_no_generator_with_what_is_needed_asks_for_a_spec():
    with pytest.raises(InputError, match=r"no installed data generator .* needs: held_out"):
        stage(load_catalog(), "held_out_group", given={"group": "chromosome"})


def test_a_spec_gives_the_severities_of_its_shift(toys, tmp_path):
    assert stage(toys, "offset", str(write(tmp_path, spec()))).operator.severities == (1, 3)


def test_of_several_tasks_one_must_be_named(toys, tmp_path):
    two = spec(tasks=[{"name": name, "data": {"use": "toy"}} for name in ("a", "b")])
    with pytest.raises(InputError, match="has 2 tasks") as caught:
        stage(toys, "offset", str(write(tmp_path, two)))
    assert "toy.yaml:a" in caught.value.problems[0].help


def test_an_unknown_task_is_refused_with_the_nearest(toys, tmp_path):
    one = spec(tasks=[{"name": "retina", "data": {"use": "toy"}}])
    with pytest.raises(InputError, match="did you mean 'retina'"):
        stage(toys, "offset", f"{write(tmp_path, one)}:retinas")


def test_a_portrait_of_a_spec_shows_the_test_sets_of_its_run(toys, tmp_path):
    path = write(
        tmp_path, spec(tasks=[{"name": "t", "data": {"use": "toy"}, "shifts": [{"use": "half", "name": "h"}]}])
    )
    found = stage(toys, "half", str(path))
    info, data = found.generator.describe(), found.generator.generate(1)
    made = portrait(found.label, found.operator, data, info, task=found.task, seed=1)
    run = Examples(make_plan(load(path, toys), toys).tasks).test_set("t", 1, "h@1")
    assert made.distributions["target"].mean[1] == pytest.approx(run.target[:, 0].mean(), rel=1e-6)


def test_equal_portraits_give_equal_figures(noisy, tmp_path):
    for name in ("one.svg", "two.svg", "one.png", "two.png"):
        draw(noisy, tmp_path / name)
    for suffix in ("svg", "png"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()


def test_a_figure_names_the_quantities_with_their_units(noisy, tmp_path):
    draw(noisy, tmp_path / "noise.svg")
    text = (tmp_path / "noise.svg").read_text()
    assert all(word in text for word in ("GC content", "target, K562", "log2(RNA/DNA)", "5  (1.5)", "identity"))


def test_a_figure_needs_matplotlib_and_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="'matplotlib', which is not installed") as caught:
        check_figure(tmp_path / "a.svg")
    assert "regharness[report]" in caught.value.problems[0].help


def test_a_figure_of_unknown_format_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"ends in \.svg or \.png"):
        check_figure(tmp_path / "a.gif")


def test_a_figure_in_no_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        check_figure(tmp_path / "nowhere" / "a.svg")


def luminance(colour):
    """Relative luminance of an sRGB colour, WCAG 2.2."""
    from matplotlib.colors import to_rgb

    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(channels, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("page", ["white", "#0d1117"])
def test_text_has_the_contrast_of_graphics_and_large_text_on_any_page(page):
    light, dark = sorted((luminance(GREY), luminance(page)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3.9


def test_severities_get_lighter_one_by_one():
    from matplotlib import colormaps

    assert (np.diff([luminance(colour) for colour in colormaps[RAMP](np.linspace(*RAMP_ENDS, 5))]) > 0).all()


def test_show_plot_has_a_row_a_severity_and_writes_no_file(toys, regharness, tmp_path):
    lines = regharness("show", "offset", "--plot").stdout.splitlines()
    assert [line.split()[0] for line in lines if line[:8] == "identity" or line[:1].isdigit()] == [
        *("identity", "1", "2", "3", "4", "5")
    ] * 2
    assert not list(tmp_path.glob("*.svg"))


def test_show_plot_draws_a_figure_where_it_is_told_to(toys, regharness, tmp_path):
    regharness("show", "offset", "--plot", "-o", "offset.svg")
    assert "<svg" in (tmp_path / "offset.svg").read_text()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["mse", "--plot"], "'mse' is a metric"),
        (["offset", "-o", "a.svg"], "-o goes with --plot"),
        (["offset", "--seed", "0"], "--seed goes with --plot"),
    ],
)
def test_show_plot_refuses_what_it_cannot_show(toys, regharness, words, reason):
    assert reason in regharness("show", *words, check=2).stderr


def test_a_terminal_without_block_characters_gets_plain_ones(toys, regharness, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert regharness("show", "offset", "--plot").stdout.isascii()
