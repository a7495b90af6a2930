import pytest

from regharness.errors import InputError
from regharness.yaml_source import parse, read


def test_scalars_follow_yaml_1_2():
    text = "[1, 1e3, NO, yes, 'q', 2001-01-01, ~, 0o17, -5, true, 1_000]"
    assert parse(text, "s").value == [1, 1000.0, "NO", "yes", "q", "2001-01-01", None, 15, -5, True, 1000]


def test_every_value_knows_its_line_and_column():
    document = parse("a:\n  - b: 1\n    c: 2\n", "s")
    mark = document.mark(("a", 0, "c"))
    assert (mark.line, mark.column) == (3, 8)


def test_a_place_that_is_not_there_has_the_mark_of_what_is_around_it():
    document = parse("a:\n  b: 1\n", "s")
    assert document.mark(("a", "x", "y")).line == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\nb: *x", "s:2:4: aliases are not allowed"),
        ("a: !!python/object:os.system 1", "s:1:4: the tag .* is not allowed"),
        ("a: 1\nb: 2\na: 3", "s:3:1: the key 'a' appears twice"),
        ("a: [", "s:1:5: not YAML"),
        ("a: 1\n---\nb: 2", "s:3:1: a second document"),
        ("[" * 33 + "]" * 33, "nested more than 32 levels deep"),
        ("? [a]\n: 1", "a key must be text"),
    ],
)
def test_what_a_spec_must_not_hold_is_refused_with_its_place(text, message):
    with pytest.raises(InputError, match=message):
        parse(text, "s")


def test_an_alias_bomb_is_refused_before_it_grows():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    with pytest.raises(InputError, match="aliases are not allowed"):
        parse("\n".join(rows), "s")


def test_a_file_over_a_million_bytes_is_refused(tmp_path):
    file = tmp_path / "big.yaml"
    file.write_bytes(b"#" * 1_000_001)
    with pytest.raises(InputError, match="larger than 1,000,000 bytes"):
        read(file)


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    file = tmp_path / "latin.yaml"
    file.write_bytes("name: é".encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8 text"):
        read(file)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*none\.yaml: No such file"):
        read(tmp_path / "none.yaml")
