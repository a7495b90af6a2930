"""The page on plugins shows what `regharness new plugin` writes, of every kind."""

import shlex
from pathlib import Path

import pytest
from stories import blocks

from regharness.catalog import load_catalog
from regharness.new_plugin import KINDS, plugin_files

COMMANDS = [shlex.split(text)[1:] for language, text in blocks("plugins.md") if language == "console"]
FILES = [text.split("\n", 1) for language, text in blocks("plugins.md") if language == "python"]
WRITTEN = {f"# my-{kind}/{path}": text for kind in KINDS for path, text in plugin_files(f"my-{kind}", kind).items()}


def test_the_page_starts_a_plugin_of_every_kind():
    expected = [["regharness", "new", "plugin", f"my-{kind}", "--kind", kind] for kind in KINDS]
    assert sorted(COMMANDS) == sorted(expected)


@pytest.mark.parametrize(("head", "text"), FILES, ids=[head for head, _ in FILES])
def test_a_file_of_the_page_is_what_is_written(head, text):
    if head in WRITTEN:
        assert text == WRITTEN[head]
    else:
        assert head == "# my-model/src/my_model/parameters.py"


def test_the_parameters_of_the_page_check_and_describe_what_the_model_takes(install):
    text = dict(FILES)["# my-model/src/my_model/parameters.py"]
    hook = WRITTEN["# my-model/src/my_model/__init__.py"].replace(
        '"my_model.model:MyModel",', '"my_model:MyModel", parameters="my_model:MyModelParameters",'
    )
    install("my_model", hook + text + "\n\n" + WRITTEN["# my-model/src/my_model/model.py"])
    catalog = load_catalog()
    (field,) = catalog.parameters("model", "my_model").model_fields.values()
    assert field.description == "Keeps the coefficients small."
    assert catalog.create("model", "my_model", {"penalty": 0.5}).penalty == 0.5


def test_the_table_of_the_page_names_every_file(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()
    assert [path for path in plugin_files("my-model", "model") if f"| `{path}` |" not in page] == []
