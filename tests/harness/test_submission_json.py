"""A stranger's JSON: what every reader agrees on is read as the standard library reads it; the rest is refused."""

import json
import math
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regharness.submission.refusal import Refused
from regharness.submission.strict_json import parse

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    # Half of a surrogate pair is no character.
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)


def refused_or_read(content):
    try:
        return None, parse(content, "m")
    except Refused as refused:
        return str(refused), None


@given(VALUES, st.booleans())
def test_what_json_can_say_is_read_as_it_was_written(value, ascii_only):
    content = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert parse(content, "m") == value


@given(st.binary(max_size=60) | st.text('[]{}",:\\ u1-e.dD8', max_size=60).map(str.encode))
def test_noise_is_refused_in_print_or_read_as_the_standard_library_reads_it(content):
    reason, value = refused_or_read(content)
    assert reason.isprintable() if reason else value == json.loads(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "m:1:1: is no JSON: Expecting value"),
        (b'{"a": 1,}', "m:1:9: is no JSON"),
        (b"{} {}", "m:1:4: is no JSON: Extra data"),
        (b"{'a': 1}", "m:1:2: is no JSON"),
        (b'\n"\x1b[31m"', "m:2:2: is no JSON: Invalid control character"),
        (b"\xef\xbb\xbf{}", "is no JSON: Unexpected UTF-8 BOM"),
        (b'{"a": "\xff"}', "m is not UTF-8 at byte 7"),
        ('"é"'.encode("utf-16"), "m is not UTF-8 at byte 0"),
        (b'"\xed\xa0\x80"', "m is not UTF-8 at byte 1"),
        (b'{"a": 1, "a": 2}', "m has the key 'a' twice in one mapping"),
        (b'[{"x": {"a\\u001b": 1, "a\\u001b": 1}}]', "m has the key 'a<U+001B>' twice"),
        (b"[NaN]", "m has NaN, which is no number of JSON"),
        (b'{"a": Infinity}', "m has Infinity"),
        (b"-Infinity", "m has -Infinity"),
        (b"1e999", "m has the number 1e999, which is beyond a float"),
        (b"[-1e400]", "m has the number -1e400"),
        (b"1" * 41, "m has a number of more than 40 digits"),
        (b"0." + b"1" * 41, "m has a number of more than 40 digits"),
        (b'"\\ud800"', "m has half of a surrogate pair"),
        (b'{"\\udfff": 1}', "m has half of a surrogate pair"),
        (b'["\\ud83d\\ude00", "\\uDE00\\uD83D"]', "m has half of a surrogate pair"),
        (b'{"%s": 1}' % (b"x" * 1001), "m has a key of more than 1000 characters"),
        (b"[" * 33 + b"]" * 33, "m is nested 33 deep; at most 32 is read"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "m is nested 33 deep"),
        (b"[" * 500_000, "m is nested 500000 deep"),
        (b'["]]]]", ' + b"[" * 32, "m is nested 33 deep"),
        (b" " * 8_000_001, "m is of 8000001 bytes; at most 8000000 are read"),
        (b"[" + b"0," * 1_000_000 + b"0]", "m has more than 1000000 brackets, commas and colons"),
        (b"]" * 1_000_001, "m has more than 1000000 brackets, commas and colons"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_readers_of_json_disagree_on_or_choke_on_is_refused(content, reason):
    with pytest.raises(Refused, match=re.escape(reason)):
        parse(content, "m")


def test_depth_is_counted_in_brackets_that_are_no_text():
    inside = '[{"' * 40 + '\\"' + "[{" * 40
    assert parse(json.dumps([inside]).encode(), "m") == [inside]


def test_thirty_two_levels_are_read():
    assert parse(b"[" * 32 + b"]" * 32, "m") is not None


def test_a_pair_of_surrogates_is_one_character():
    assert parse(b'"\\ud83d\\ude00"', "m") == "\N{GRINNING FACE}"


def test_a_backslash_before_what_looks_like_a_surrogate_is_text():
    assert parse(b'"\\\\ud800"', "m") == "\\ud800"


def test_the_smallest_number_of_a_float_is_kept():
    assert parse(b"5e-324", "m") == math.ulp(0.0)


MANY = 499_000
WORST = {
    "lists": lambda: b"[" + b"[]," * MANY + b"[]]",
    "mappings": lambda: b"[" + b'{"":{}},' * (MANY // 2) + b"0]",
    "deep mappings": lambda: b"[" + (b'{"":' * 30 + b"1" + b"}" * 30 + b",") * (MANY // 31) + b"0]",
    "texts": lambda: b"[" + b'"aaaaa",' * 990_000 + b'""]',
    "keys": lambda: b"{" + b",".join(b'"%x":1e1' % i for i in range(MANY)) + b"}",
    "wide text": lambda: ('["' + "\N{GRINNING FACE}" * 1_900_000 + '"]').encode(),
    "escaped wide text": lambda: b'["' + b"\\ud83d\\ude00" * 660_000 + b'"]',
    "a text without an end": lambda: b'["' + b'\\"' * 3_900_000,
    "opened": lambda: b"[" * 7_900_000,
    "digits": lambda: b"1" * 7_900_000,
}
# What getrusage tells of memory includes the process that this one was forked from.
MEASURED = r"""
import re, sys, time
from regharness.submission.refusal import Refused
from regharness.submission.strict_json import parse
content = sys.stdin.buffer.read()
start = time.perf_counter()
try:
    parse(content, "m")
except Refused:
    pass
print(time.perf_counter() - start, int(re.search(r"VmHWM:\s+([0-9]+)", open("/proc/self/status").read())[1]) * 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("make", WORST.values(), ids=WORST)
def test_the_worst_is_read_or_refused_within_seconds_and_350_megabytes(make):
    done = subprocess.run([sys.executable, "-c", MEASURED], input=make(), capture_output=True, check=True)
    seconds, memory = map(float, done.stdout.split())
    assert seconds < 5
    assert memory < 350e6
