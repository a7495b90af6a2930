"""What strangers may call things. Expectations come from Unicode's own tables and from UTS #39."""

import string
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from regharness.submission.names import link_problem, look_alike, slug_problem, text_problem

LATIN = st.text(st.sampled_from(string.ascii_letters + string.digits + " -_.()'éüøßłçñ"), min_size=1)


@pytest.mark.parametrize("slug", ["a", "0", "cnn", "big-model_v1.2", "x" * 64, "console", "com10", "a.con"])
def test_a_plain_slug_is_taken(slug):
    assert slug_problem(slug) is None


@pytest.mark.parametrize(
    ("slug", "problem"),
    [
        ("", "must be of 1 to 64 characters"),
        ("x" * 65, "must be of 1 to 64 characters"),
        (".hidden", "must begin with a letter or a digit"),
        ("-rf", "must begin with a letter or a digit"),
        ("Model", "has 'M'"),
        ("a b", "has U+0020 (space)"),
        ("a\n", "has U+000A"),
        ("a/b", "has '/'"),
        ("a\\b", "has '\\'"),
        ("bаsset", "has U+0430 (cyrillic small letter a)"),
        ("a\x1b", "has U+001B"),
        ("a..b", "has two dots in a row"),
        ("a.", "ends with a dot"),
        ("con", "is the name of a device on Windows"),
        ("nul.txt", "is the name of a device on Windows"),
        ("lpt9", "is the name of a device on Windows"),
    ],
)
def test_a_slug_that_is_no_plain_name_of_a_file_is_refused(slug, problem):
    assert slug_problem(slug).startswith(problem)


@given(LATIN)
def test_text_in_latin_letters_is_taken(text):
    assume(text == text.strip(" ") and text[0] != "-")
    assert text_problem(text, latin=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "Søren Kierkegård",
        "李明",
        "Ирина Петрова",
        "Γιώργος",
        "山田タロウ",
        "김철수",
        "محمد",
        "NF-κB and TGFβ",
        "±2 °C, 5→3",
        "log₂, R², 10⁻³, µM",
        "CNN模型",
    ],
)
def test_names_and_words_of_any_script_are_taken(text):
    assert text_problem(text) is None


@given(st.characters(categories=["Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"]))
def test_a_character_that_is_not_seen_is_refused_wherever_it_stands(character):
    for text in (character, f"a{character}", f"a{character}b"):
        assert f"has U+{ord(character):04X}" in text_problem(text)


@pytest.mark.parametrize("number", [0x34F, 0x115F, 0x1160, 0x17B4, 0x180B, 0x2800, 0x3164, 0xFE0F, 0xFFA0, 0xE0100])
def test_a_letter_or_mark_that_shows_nothing_is_refused(number):
    assert text_problem(f"a{chr(number)}b").startswith(f"has U+{number:04X}")


@pytest.mark.parametrize("blank", ["\xa0", "\u1680", "\u2003", "\u202f", "\u3000"])
def test_of_blanks_the_plain_one_alone_is_taken(blank):
    assert "a blank that is no plain space" in text_problem(f"a{blank}b")


def test_lines_are_taken_where_they_are_allowed_and_nowhere_else():
    assert text_problem("one\ntwo\n", lines=True) is None
    assert "U+000A" in text_problem("one\ntwo")
    assert "U+000D" in text_problem("one\r\ntwo", lines=True)
    assert "U+0009" in text_problem("one\ttwo", lines=True)


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_of_all_forms_of_a_text_no_more_than_one_is_taken_but_for_scientific_notation(text):
    assume(not set(text) & set("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻₀₁₂₃₄₅₆₇₈₉₊₋µ…"))
    taken = {
        form
        for form in (text, *(unicodedata.normalize(f, text) for f in ("NFC", "NFD", "NFKC", "NFKD")))
        if text_problem(form) is None
    }
    assert len(taken) <= 1


@pytest.mark.parametrize("text", ["Ａ", "𝐁asset", "ﬁne", "Ⅳ", "ℂ", "™", "½", "①"])
def test_a_character_of_compatibility_is_refused_and_its_plain_form_told(text):
    assert "which can be taken for" in text_problem(text)


@pytest.mark.parametrize("text", ["R²", "log₂", "µ", "…"])
def test_where_latin_is_asked_for_notation_is_refused_too(text):
    assert text_problem(text, latin=True) is not None


def test_letters_that_are_not_composed_are_refused():
    assert "normal form C" in text_problem("e\u0301")


def test_marks_that_pile_up_are_refused():
    assert text_problem("x" + "\u0324" * 4) is None
    assert "more than 4 combining marks" in text_problem("x" + "\u0324" * 5)


@pytest.mark.parametrize("text", [" a", "a ", " "])
def test_a_blank_at_either_end_is_refused(text):
    assert text_problem(text) == "begins or ends with a blank"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a<!--",
        "</td>",
        "<svg/onload=x>",
        "[red]",
        "[/foo]",
        "[link=x]a",
        "[@click=x]",
        "[#f00]",
    ],
)
def test_what_could_be_markup_is_refused(text):
    assert text_problem(f"a {text}").endswith("which could be markup")
    assert text_problem(f"a {text}", lines=True).endswith("which could be markup")


@pytest.mark.parametrize("text", ["p < .05", "x<5", "5 > 3", "as of [1], [2-4]", "{a}", "a & b", "f(x)=y"])
def test_comparisons_and_references_are_no_markup(text):
    assert text_problem(text) is None


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_what_a_spreadsheet_would_compute_is_refused(text):
    assert text_problem(text) == f"begins with '{text[0]}', as a formula of a spreadsheet does"


def test_a_list_in_notes_is_no_formula():
    assert text_problem("- one\n- two", lines=True) is None


@pytest.mark.parametrize("text", ["Bаsset", "mοdel", "Βasset", "x\u0324а", "model2о", "Ꭺsset", "CΑGE"])
def test_a_word_that_mixes_scripts_is_refused(text):
    assert text_problem(text).startswith("mixes scripts in one word")


@pytest.mark.parametrize("text", ["Ирина", "κ", "模型", "а", "Ꭺ", "ɑ", "ɡ", "ǀ", "١", "a\u0338"])
def test_where_latin_is_asked_for_other_letters_and_digits_are_refused(text):
    assert "where only Latin letters and digits are taken" in text_problem(text, latin=True)


@given(st.text(), st.booleans(), st.booleans())
def test_what_is_wrong_is_said_in_printable_ascii(text, latin, lines):
    for problem in (text_problem(text, latin=latin, lines=lines), slug_problem(text), link_problem(text)):
        assert problem is None or (problem.isascii() and problem.isprintable())


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "http://a-b.example.org/~x/y_z.html?q=1&r=%20;s#t",
        "https://doi.org/10.1101/2024.01.01.000001v1",
        "https://huggingface.co/@user/model",
        "https://EXAMPLE.org/",
    ],
)
def test_a_plain_web_address_is_taken(url):
    assert link_problem(url) is None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("javascript:alert(1)", "does not begin with https://"),
        ("JAVASCRIPT:alert(1)//https://", "does not begin with https://"),
        (" https://example.org", "does not begin with https://"),
        ("data:text/html,x", "does not begin with https://"),
        ("//example.org", "does not begin with https://"),
        ("file:///etc/passwd", "does not begin with https://"),
        ("https:///x", "has no plain host name"),
        ("https://", "has no plain host name"),
        ("https://localhost/", "has no plain host name"),
        ("https://127.0.0.1/", "has no plain host name"),
        ("https://[::1]/", "has no plain host name"),
        ("https://example.org:8080/", "has no plain host name"),
        ("https://exаmple.org/", "has no plain host name"),
        ("https://example.org\\.evil.org/", "has no plain host name"),
        ("https://example.org@evil.org/", "names a user before the host"),
        ("https://xn--exmple-cua.org/", "has a host name in punycode"),
        ("https://www.XN--exmple-cua.org/", "has a host name in punycode"),
        ('https://example.org/"onmouseover=', "has '\"'"),
        ("https://example.org/'x", "has '''"),
        ("https://example.org/a b", "has U+0020 (space)"),
        ("https://example.org/<script>", "has '<'"),
        ("https://example.org/\\x", "has '\\'"),
        ("https://example.org/[/red]", "has '['"),
        ("https://example.org/%zz", "has '%'"),
        ("https://example.org/é", "has U+00E9"),
        ("https://example.org/\x1b", "has U+001B"),
        ("https://example.org/\n", "has U+000A"),
        ("https://example.org/" + "x" * 500, "is longer than 500 characters"),
    ],
)
def test_any_other_link_is_refused(url, problem):
    assert link_problem(url).startswith(problem)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Basset", "basset"),
        ("my-model", "my_model"),
        ("my model", "mymodel"),
        ("deepstarr", "deepstаrr"),
        ("modernet", "modemet"),
        ("wavenet", "vvavenet"),
        ("enformer", "enf0rmer"),
        ("malinois", "ma1inois"),
        ("malinois", "maIinois"),
        ("Basset", "BASSΕΤ"),
        ("basset", "ba55et"),
        ("Müller", "Muller"),
        ("borzoi", "borzoı"),
        ("CNN", "ＣＮＮ"),
        ("ﬁne", "fine"),
    ],
)
def test_names_that_can_be_taken_for_each_other_look_alike(a, b):
    assert look_alike(a, b)
    assert look_alike(b, a)


@pytest.mark.parametrize(("a", "b"), [("cnn-v1", "cnn-v2"), ("basset", "basenji"), ("cnn", "rnn"), ("模型", "型模")])
def test_names_that_differ_to_the_eye_do_not_look_alike(a, b):
    assert not look_alike(a, b)
