from pathlib import Path

import pytest

from regharness.catalog import load_catalog
from regharness.errors import InputError

TOYS = Path(__file__).parent / "toys.py"
ONE_METRIC = """
from regharness import hookimpl

@hookimpl
def regharness_metrics():
    return {{"{name}": "{module}:Metric"}}
"""


def test_a_plugin_that_cannot_be_imported_is_reported_and_hides_nothing(install):
    install("broken_one", "import a_module_that_is_not_there")
    install("good_one", ONE_METRIC.format(name="good_metric", module="good_one"))
    catalog = load_catalog()
    assert "a_module_that_is_not_there" in catalog.plugins.broken["broken_one"]
    assert "good_metric" in catalog.names("metric")


def test_a_hook_that_fails_breaks_its_plugin_alone(install):
    install("raising", "from regharness import hookimpl\n@hookimpl\ndef regharness_metrics():\n    raise OSError('no')")
    assert load_catalog().plugins.broken == {"raising": "regharness_metrics: OSError: no"}


def test_a_misspelt_hook_is_reported(install):
    install("misspelt", "from regharness import hookimpl\n@hookimpl\ndef regharness_metric():\n    return {}")
    assert "unknown hook 'regharness_metric'" in load_catalog().plugins.broken["misspelt"]


def test_an_offer_that_is_no_factory_is_reported(install):
    install("odd", "from regharness import hookimpl\n@hookimpl\ndef regharness_metrics():\n    return {'m': 3}")
    assert "3 is no Component" in load_catalog().plugins.broken["odd"]


def test_a_name_that_two_plugins_offer_is_refused_naming_both(install):
    install("first", ONE_METRIC.format(name="same", module="first"))
    install("second", ONE_METRIC.format(name="same", module="second"))
    with pytest.raises(InputError, match="'same' is offered by several plugins: first and second"):
        load_catalog().component("metric", "same")


def test_switching_one_of_two_clashing_plugins_off_settles_it(install):
    install("first", ONE_METRIC.format(name="same", module="first"))
    install("second", ONE_METRIC.format(name="same", module="second"))
    assert load_catalog(["first"]).owner("metric", "same").name == "second"


def test_switching_off_a_plugin_that_is_not_there_is_refused():
    with pytest.raises(InputError, match=r"no plugin named 'regharness_simm'; did you mean 'regharness_sim'\?"):
        load_catalog(["regharness_simm"])


def test_an_unknown_name_mentions_the_plugins_that_did_not_load(install):
    install("broken_one", "1 / 0")
    with pytest.raises(InputError, match="not loaded: broken_one, see 'regharness doctor'"):
        load_catalog().component("metric", "nothing_like_it")


def test_autoload_can_be_restricted_to_named_plugins(install, monkeypatch):
    install("regharness_toys", TOYS.read_text())
    monkeypatch.setenv("REGHARNESS_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("REGHARNESS_PLUGINS", "regharness_toys")
    assert list(load_catalog().plugins.loaded) == ["regharness_toys"]


def test_a_component_that_lacks_a_member_names_its_plugin_and_the_member(install):
    source = "from regharness import hookimpl\nclass M:\n    pass\n@hookimpl\ndef regharness_model_adapters():\n"
    install("bare", source + "    return {'bare': M}")
    with pytest.raises(
        InputError, match=r"'bare' of the plugin bare .* made a M without trainable, needs, fit, predict"
    ):
        load_catalog().create("model", "bare")


def test_a_target_that_cannot_be_imported_is_named(install):
    install("dangling", ONE_METRIC.format(name="gone", module="dangling"))
    with pytest.raises(InputError, match=r"'gone' of the plugin dangling .* cannot be imported from dangling:Metric"):
        load_catalog().create("metric", "gone")


def test_parameters_are_read_off_a_typed_signature(toys):
    assert list(toys.parameters("data", "toy").model_fields) == ["train", "test", "outputs", "fail"]


def test_first_party_plugins_come_through_the_entry_point_group():
    from importlib.metadata import entry_points

    assert set(load_catalog().plugins.loaded) <= {point.name for point in entry_points(group="regharness")}
