"""Own what strangers may call things: slugs, texts and links, and which names look alike. Mends none.

What is wrong is said as a phrase that goes on from "name 'X' ...", printable whatever the text was. The rules on
scripts follow UTS #39, Unicode Security Mechanisms, section 5.2, "highly restrictive".
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata

MOST_LINK = 500
MOST_MARKS = 4

_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_DEVICES = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.ASCII | re.IGNORECASE)
_AFTER_HOST = re.compile(r"(?:[/?#](?:[A-Za-z0-9._~:/?#@!$&()*+,;=-]|%[0-9A-Fa-f]{2})*)?", re.ASCII)

# How a tag begins in HTML, and in the markup of rich; both leave a comparison and a number in brackets alone.
_MARKUP = re.compile(r"</?[A-Za-z!?]|\[[a-z#/@]", re.ASCII)

_CATEGORIES = {
    "Cc": "a control character",
    "Cf": "an invisible formatting character",
    "Co": "a character of private use",
    "Cs": "half a surrogate pair",
    "Cn": "an unassigned character",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
    "Zs": "a blank that is no plain space",
}
# Unicode's Default_Ignorable_Code_Point outside Cf, and the blank of Braille: letters and marks that show nothing.
_UNSEEN = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
_UNSEEN |= {*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}

_EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO", "HANGUL"}
# Greek letters that stand as symbols in Latin words (NF-κB, TGFβ) and that nobody takes for a Latin letter.
_SYMBOLS = frozenset("βδεζθκλμµπφψωΓΔΘΛΞΠΣΦΨΩ")
# Characters of compatibility that scientific text is written with: log₂, R², 10⁻³, µM.
_NOTATION = frozenset("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻₀₁₂₃₄₅₆₇₈₉₊₋µ…")
_LATIN_WHOLE = frozenset("ÆæÐðÞþŒœØøßẞĐđĦħŁłŊŋı")

# UTS #39 section 4, skeletons, cut down to what can be confused within Latin and with its nearest kin.
_ALIKE: dict[int, int | str] = {ord("æ"): "ae", ord("œ"): "oe"}
_ALIKE |= str.maketrans("01i|!5$ıĸøđðħłŋþ", "ollllsslkoddhlnp")
_ALIKE |= str.maketrans("авеікмнорстухјѕԁһԛԝ" + "αβγεικνορτυχω", "abelkmhopctyxlsdhqw" + "abyelkvoptuxw")
_PAIRS = {"rn": "m", "vv": "w"}


def slug_problem(text: str) -> str | None:
    """What is wrong with a name of files and addresses, or None.

    Parameters
    ----------
    text
        1 to 64 of ``a-z 0-9 . _ -``, from a letter or digit on; no ``..``, no dot at the end, no device of Windows.
    """
    if not 0 < len(text) <= 64:
        return "must be of 1 to 64 characters"
    if not _SLUG.fullmatch(text):
        odd = next((c for c in text if not re.fullmatch("[a-z0-9._-]", c)), None)
        if odd is not None:
            return f"has {_called(odd)}; it may hold a-z, 0-9, '.', '_' and '-'"
        return "must begin with a letter or a digit"
    if ".." in text:
        return "has two dots in a row"
    if text.endswith("."):
        return "ends with a dot"
    if text.split(".")[0] in _DEVICES:
        return "is the name of a device on Windows"
    return None


@functools.lru_cache(maxsize=4096)
def text_problem(text: str, *, latin: bool = False, lines: bool = False) -> str | None:
    """What is wrong with a text that people will read, or None.

    Parameters
    ----------
    text
        Any text.
    latin
        Whether only Latin letters and digits are taken: of others, some look like them.
    lines
        Whether it may be of several lines.

    Returns
    -------
    str or None
        That it has a character that is not seen, or of compatibility (full-width, mathematical, a ligature) but for
        those of scientific notation, is not in Unicode's normal form C, piles up marks, begins or ends with a blank,
        mixes scripts in a word, has what could be markup, or, of one line, begins as a formula of a spreadsheet does.
    """
    for character in text:
        if (problem := _character_problem(character, lines)) is not None:
            return problem
    if unicodedata.normalize("NFC", text) != text:
        return "is not in Unicode's normal form C, so that equal names could differ"
    for character in text:
        plain = unicodedata.normalize("NFKC", character)
        if plain != character and (latin or character not in _NOTATION):
            return f"has {_called(character)}, which can be taken for {', '.join(map(_called, plain))}"
    if text != text.strip(" "):
        return "begins or ends with a blank"
    if not lines and text.startswith(("=", "+", "-", "@")):
        return f"begins with '{text[0]}', as a formula of a spreadsheet does"
    return markup_problem(text) or _marks_problem(text) or (_latin_problem(text) if latin else _scripts_problem(text))


def markup_problem(text: str) -> str | None:
    """What in a text could be taken for a tag of HTML or SVG, or of a terminal's markup, or None."""
    found = _MARKUP.search(text)
    return None if found is None else f"has '{found[0]}', which could be markup"


def link_problem(url: str) -> str | None:
    """What is wrong with a link that a page will offer, or None: web addresses of plain host names alone are taken."""
    if len(url) > MOST_LINK:
        return f"is longer than {MOST_LINK} characters"
    scheme = next((scheme for scheme in ("https://", "http://") if url.startswith(scheme)), None)
    if scheme is None:
        return "does not begin with https://"
    rest = url.removeprefix(scheme)
    host = re.split("[/?#]", rest, maxsplit=1)[0]
    if "@" in host:
        return "names a user before the host"
    if not _HOST.fullmatch(host):
        return "has no plain host name, such as example.org, after https://"
    if any(label.lower().startswith("xn--") for label in host.split(".")):
        return "has a host name in punycode (xn--), which can look like another"
    if not _AFTER_HOST.fullmatch(rest.removeprefix(host)):
        odd = next((c for c in rest if not re.fullmatch(r"[A-Za-z0-9._~:/?#@!$&()*+,;=%-]", c)), "%")
        return f"has {_called(odd)}, which must be written as % and two hexadecimal digits"
    return None


def look_alike(a: str, b: str) -> bool:
    """Whether one of the two names can be taken for the other."""
    return _skeleton(a) == _skeleton(b)


def _skeleton(text: str) -> str:
    text = unicodedata.normalize("NFKD", text).casefold().translate(_ALIKE)
    kept = "".join(c for c in text if unicodedata.category(c)[0] not in "MZPC")
    for pair, one in _PAIRS.items():
        kept = kept.replace(pair, one)
    return kept


def _called(character: str) -> str:
    name = unicodedata.name(character, "")
    if " " < character <= "~":
        return f"'{character}'"
    return f"U+{ord(character):04X}" + (f" ({name.lower()})" if name else "")


def _character_problem(character: str, lines: bool) -> str | None:
    if character == " " or (lines and character == "\n"):
        return None
    kind = _CATEGORIES.get(unicodedata.category(character))
    if kind is None and ord(character) in _UNSEEN:
        kind = "a character that does not show"
    return f"has {_called(character)}, {kind}" if kind else None


def _marks_problem(text: str) -> str | None:
    row = 0
    for character in text:
        row = row + 1 if unicodedata.category(character)[0] == "M" else 0
        if row > MOST_MARKS:
            return f"has more than {MOST_MARKS} combining marks in a row"
    return None


def _latin_problem(text: str) -> str | None:
    for character in text:
        if unicodedata.category(character)[0] in "LMN" and not _is_latin(character):
            return f"has {_called(character)}, where only Latin letters and digits are taken"
    return None


def _is_latin(character: str) -> bool:
    return unicodedata.normalize("NFD", character)[0].isascii() or character in _LATIN_WHOLE


def _scripts_problem(text: str) -> str | None:
    for in_word, word in itertools.groupby(text, lambda c: unicodedata.category(c)[0] in "LMN"):
        first: dict[str, str] = {}
        for character in word if in_word else ():
            if character.isalpha() and character not in _SYMBOLS:
                script = unicodedata.name(character, "?").split()[0]
                first.setdefault("EAST ASIAN" if script in _EAST_ASIAN else script, character)
        if len(first) > 1 and set(first) != {"EAST ASIAN", "LATIN"}:
            return f"mixes scripts in one word: {' and '.join(_called(character) for character in first.values())}"
    return None
