"""The zip of a submission: a plain one is read, and whatever else a stranger may send is refused with its reason."""

import hashlib
import io
import os
import stat
import subprocess
import sys
import zipfile

import pytest
from forging import Forged, deflate, forge, shared_kernel
from hypothesis import given
from hypothesis import strategies as st

from regharness.errors import InputError
from regharness.submission.archive import open_archive
from regharness.submission.refusal import Refused

GOOD = [Forged(b"manifest.json", b"{}"), Forged(b"predictions/c/0/0", b"abcd" * 9, method=8)]


def names(path) -> list[str]:
    with open_archive(path) as archive:
        return list(archive.names)


def test_a_zip_by_pythons_own_library_is_read_as_that_library_reads_it(tmp_path):
    content = {"manifest.json": b"{}", "a/b/c/0": os.urandom(700_000), "a/b/zeros": b"\0" * 900_000, "empty": b""}
    with zipfile.ZipFile(tmp_path / "s.zip", "w", zipfile.ZIP_DEFLATED) as made:
        for name, bytes_ in content.items():
            made.writestr(name, bytes_)
        made.writestr(zipfile.ZipInfo("stored"), b"as it is")
    with open_archive(tmp_path / "s.zip") as archive, zipfile.ZipFile(tmp_path / "s.zip") as expected:
        assert dict(archive.names) == {info.filename: info.file_size for info in expected.infolist()}
        assert {name: archive.read(name) for name in archive.names} == {n: expected.read(n) for n in archive.names}


@given(content=st.dictionaries(st.from_regex("[a-z]{1,3}(/[a-z]{1,3}){0,2}9", fullmatch=True), st.binary(max_size=50)))
def test_what_was_packed_comes_back(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("packed") / "s.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("manifest", "")
        for name, bytes_ in content.items():
            made.writestr(name, bytes_)
    with open_archive(path) as archive:
        assert {name: archive.read(name) for name in archive.names} == {"manifest": b"", **content}


def test_digests_are_sha256_of_the_file_and_of_a_members_content(tmp_path):
    path = forge(tmp_path / "s.zip", GOOD)
    with open_archive(path) as archive:
        assert archive.digest == hashlib.sha256(path.read_bytes()).hexdigest()
        assert archive.sha256("predictions/c/0/0") == hashlib.sha256(b"abcd" * 9).hexdigest()


def test_a_member_larger_than_its_reader_takes_is_refused(tmp_path):
    with (
        open_archive(forge(tmp_path / "s.zip", GOOD)) as archive,
        pytest.raises(Refused, match="member 'predictions/c/0/0' is of 36 bytes; at most 35 are read"),
    ):
        archive.read("predictions/c/0/0", limit=35)


def test_a_member_that_is_not_there_is_named(tmp_path):
    with (
        open_archive(forge(tmp_path / "s.zip", GOOD)) as archive,
        pytest.raises(Refused, match=r"there is no member 'a<U\+001B>'"),
    ):
        archive.read("a\x1b")


def test_a_file_that_is_not_there_is_the_users_mistake(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        open_archive(tmp_path / "s.zip")


HOSTILE_NAMES = {
    "zip slip": (b"../../etc/cron.d/x", "leads out of the archive"),
    "two dots inside": (b"a/../b", "leads out of the archive"),
    "two dots of windows": (b"..\\..\\x", "leads out of the archive"),
    "absolute": (b"/etc/passwd", "absolute path"),
    "drive": (b"C:/x", "names are of parts"),
    "network share": (b"\\\\host\\x", "names are of parts"),
    "backslash": (b"a\\b", "names are of parts"),
    "folder": (b"a/", "is a folder"),
    "empty part": (b"a//b", "names are of parts"),
    "dot": (b"./a", "names are of parts"),
    "hidden": (b"a/.zattrs", "names are of parts"),
    "empty": (b"", "names are of parts"),
    "deep": (b"a/" * 16 + b"a", "has a path of 17 parts; at most 16"),
    "option": (b"-rf", "names are of parts"),
    "escape sequence": (b"a\x1b]0;owned\x07", r"a<U\+001B>\]0;owned<U\+0007>'"),
    "newline at the end": (b"a\n", r"a<U\+000A>'"),
    "zero": (b"a\0.json", r"a<U\+0000>.json"),
    "look-alike": ("mаnifest.json".encode(), r"m<U\+00D0><U\+00B0>nifest"),
    "markup": (b"[link=x]a", "names are of parts"),
    "long": (b"a" * 201, "more than 200 characters"),
}


@pytest.mark.parametrize(("name", "reason"), HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_a_member_whose_name_is_no_plain_path_is_refused(tmp_path, name, reason):
    with pytest.raises(Refused, match=reason) as refused:
        names(forge(tmp_path / "s.zip", [*GOOD, Forged(name)]))
    assert str(refused.value).isprintable()


HOSTILE_MEMBERS = {
    "link": (Forged(b"a", b"/etc/passwd", attributes=(stat.S_IFLNK | 0o777) << 16), "member 'a' is a link"),
    "device": (Forged(b"a", attributes=(stat.S_IFCHR | 0o600) << 16), "member 'a' is a link, folder or device"),
    "folder by attribute": (Forged(b"a", attributes=0x10), "member 'a' is a link, folder or device"),
    "encrypted": (Forged(b"a", flags=0x1), "member 'a' is encrypted"),
    "strongly encrypted": (Forged(b"a", flags=0x41), "member 'a' is encrypted"),
    "hidden header": (Forged(b"a", flags=0x2000), "member 'a' is encrypted"),
    "patch": (Forged(b"a", flags=0x20), "has flags that are not known: 0x0020"),
    "streamed": (Forged(b"a", flags=0x8), "has its sizes behind its content"),
    "lzma": (Forged(b"a", method=14), "packed by method 14; only deflate"),
    "zip64 by size": (Forged(b"a", size=0xFFFFFFFF, method=8), "member 'a' is of a zip64"),
    "zip64 by field": (Forged(b"a", extra=b"\1\0\x10\0" + bytes(16)), "member 'a' has extra fields"),
    "another name as unicode": (Forged(b"a", extra=b"up\6\0\1\0\0\0\0b"), "member 'a' has extra fields"),
    "comment": (Forged(b"a", comment=b"<script>"), "member 'a' has extra fields or a comment"),
    "another part": (Forged(b"a", disk=1), "member 'a' is in another part"),
    "the same name": (Forged(b"manifest.json", b"[]"), "members 'manifest.json' and 'manifest.json' have the same"),
    "the same name in capitals": (Forged(b"MANIFEST.json"), "members 'manifest.json' and 'MANIFEST.json' have the"),
    "a file as a folder": (Forged(b"manifest.json/a"), "member 'manifest.json' is a file and the folder of"),
    "stored in two sizes": (Forged(b"a", b"abc", size=9), "member 'a' is stored and declares two sizes"),
    "another name in its header": (Forged(b"a", local={"name": b"b"}), "the header of member 'a' is not what"),
    "another size in its header": (Forged(b"a", local={"size": 7}), "the header of member 'a' is not what"),
    "another method in its header": (Forged(b"a", local={"method": 8}), "the header of member 'a' is not what"),
    "another checksum in its header": (Forged(b"a", local={"crc": 7}), "the header of member 'a' is not what"),
    "encrypted in its header": (Forged(b"a", local={"flags": 1}), "the header of member 'a' is not what"),
    "extra fields in its header": (Forged(b"a", local={"extra": b"\1\0\0\0"}), "the header of member 'a' is not what"),
    "another's place": (Forged(b"a", b"{}", offset=0), "overlaps another"),
    "a place in the directory": (Forged(b"a", b"{}", offset=2**31), "bytes before member 'a' that belong to no"),
    "bytes behind": (Forged(b"a", behind=b"hidden"), "bytes before the zip's directory that belong to no member"),
    "large": (Forged(b"a", size=2**28 + 1, method=8), "would expand to 268435457 bytes; at most 268435456"),
    "large together": (Forged(b"a", size=2**27, method=8), "the members would expand to 134217766 bytes; from a file"),
}


@pytest.mark.parametrize(("member", "reason"), HOSTILE_MEMBERS.values(), ids=HOSTILE_MEMBERS)
def test_a_member_that_is_no_plain_file_is_refused(tmp_path, member, reason):
    with pytest.raises(Refused, match=reason):
        names(forge(tmp_path / "s.zip", [*GOOD, member]))


HOSTILE_FILES = {
    "program before": (GOOD, {"prefix": b"#!/bin/sh\n"}, "bytes before member 'manifest.json' that belong to no"),
    "program before, unheeded": (GOOD, {"prefix": b"#!/bin/sh\n", "shift": -10}, "directory is not right before"),
    "bytes before the directory": (GOOD, {"gap": b"x"}, "bytes before the zip's directory that belong to no"),
    "page after": (GOOD, {"suffix": b"<script>"}, "does not end as a zip without a comment"),
    "comment": (GOOD, {"comment": b"x" * 30}, "does not end as a zip without a comment"),
    "several parts": (GOOD, {"disk": 1}, "the zip is of several parts"),
    "fewer here": (GOOD, {"here": 1}, "the zip is of several parts"),
    "more told": (GOOD, {"count": 3}, "fewer members than it says"),
    "fewer told": (GOOD, {"count": 1}, "more than the members that it says"),
    "zip64": (GOOD, {"count": 0xFFFF}, "the file is a zip64"),
    "zip64 by place": (GOOD, {"start": 0xFFFFFFFF}, "the file is a zip64"),
    "long directory": (GOOD, {"length": 8_000_001}, "directory is of 8000001 bytes"),
    "directory elsewhere": (GOOD, {"start": 0}, "directory is not right before its end"),
    "nothing": ([], {}, "the zip has 0 members"),
    "many": ([Forged(b"%d" % i) for i in range(20_001)], {}, "the zip has 20001 members; 1 to 20000 are taken"),
}


@pytest.mark.parametrize(("members", "lies", "reason"), HOSTILE_FILES.values(), ids=HOSTILE_FILES)
def test_a_file_that_another_reader_could_see_differently_is_refused(tmp_path, members, lies, reason):
    with pytest.raises(Refused, match=reason):
        names(forge(tmp_path / "s.zip", members, **lies))


HOSTILE_CONTENTS = {
    "more than declared": (Forged(b"a", b"x" * 99, method=8, size=98), "expands to more than the 98 bytes"),
    "less than declared": (Forged(b"a", b"x" * 99, method=8, size=100), "expands to 99 bytes and declares 100"),
    "bomb that declares little": (
        Forged(b"a", method=8, packed=deflate(bytes(300_000_000)), size=100),
        "expands to more than the 100 bytes",
    ),
    "other bytes": (Forged(b"a", b"x" * 99, crc=1), "member 'a' is damaged: its checksum"),
    "bytes after its end": (Forged(b"a", b"x", method=8, packed=deflate(b"x") + b"y"), "has bytes after its content"),
    "cut": (Forged(b"a", b"x" * 99, method=8, packed=deflate(b"x" * 99)[:-1]), "ends in the middle of its content"),
    "noise": (Forged(b"a", method=8, packed=b"\xff" * 40, size=99), "member 'a' cannot be expanded"),
}


@pytest.mark.parametrize(("member", "reason"), HOSTILE_CONTENTS.values(), ids=HOSTILE_CONTENTS)
@pytest.mark.parametrize("how", ["read", "sha256"])
def test_content_that_is_not_what_is_declared_is_refused(tmp_path, member, reason, how):
    with (
        open_archive(forge(tmp_path / "s.zip", [*GOOD, member])) as archive,
        pytest.raises(Refused, match=reason),
    ):
        getattr(archive, how)("a")


def test_members_that_share_their_content_are_refused(tmp_path):
    kernel = deflate(bytes(1000))
    (tmp_path / "s.zip").write_bytes(shared_kernel(1000, kernel, 1000))
    with pytest.raises(Refused, match="member '00001' overlaps another"):
        names(tmp_path / "s.zip")


def test_a_zip_in_a_zip_stays_packed(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("zeros", bytes(10_000_000))
    with open_archive(forge(tmp_path / "s.zip", [Forged(b"inner.zip", inner.getvalue())])) as archive:
        assert archive.read("inner.zip") == inner.getvalue()


@pytest.mark.parametrize("content", [b"", b"PK\5\6", b"PK\3\4" * 30, b"\x80\4\x95" + bytes(90), b"<html>" * 9])
def test_a_file_that_is_no_zip_is_refused(tmp_path, content):
    (tmp_path / "s.zip").write_bytes(content)
    with pytest.raises(Refused, match=r"the file is no zip|does not end as a zip"):
        names(tmp_path / "s.zip")


def test_a_file_beyond_its_limit_is_refused_unread(tmp_path):
    with (tmp_path / "s.zip").open("wb") as file:
        file.truncate(2**30 + 1)
    with pytest.raises(Refused, match="the file is of 1073741825 bytes; at most 1073741824 are taken"):
        names(tmp_path / "s.zip")


def test_a_link_to_a_submission_is_refused(tmp_path):
    forge(tmp_path / "s.zip", GOOD)
    (tmp_path / "link.zip").symlink_to("s.zip")
    with pytest.raises(Refused, match="the file is a link"):
        names(tmp_path / "link.zip")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_that_would_never_end_is_refused(tmp_path):
    os.mkfifo(tmp_path / "s.zip")
    with pytest.raises(Refused, match="this is no file"):
        names(tmp_path / "s.zip")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(Refused, match="this is no file"):
        names(tmp_path)


@given(data=st.data())
def test_a_file_with_any_byte_changed_is_refused_or_reads_as_itself(tmp_path_factory, data):
    path = forge(tmp_path_factory.mktemp("changed") / "s.zip", GOOD)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        with open_archive(path) as archive:
            read = {name: archive.read(name) for name in archive.names}
    except Refused:
        return
    # Only fields that mean nothing here (times, versions, rights) may differ.
    assert read == {member.name.decode(): member.content for member in GOOD}


@given(content=st.binary(max_size=300))
def test_noise_of_any_kind_is_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("noise") / "s.zip"
    path.write_bytes(content + b"PK\5\6" + content[:18].ljust(18, b"\0"))
    with pytest.raises(Refused, match=r"zip|member"):
        names(path)


WORST = {
    "as many members as are taken, their names long": lambda path: forge(
        path, [Forged((b"%05d/" % i + b"a/" * 14).ljust(200, b"a")) for i in range(20_000)]
    ),
    "members that share their content": lambda path: path.write_bytes(
        shared_kernel(20_000, deflate(bytes(3_000)), 3_000)
    ),
    "a bomb that declares what is taken": lambda path: forge(
        path, [Forged(b"a", method=8, packed=deflate(bytes(400_000_000)), size=60_000_000)]
    ),
    "content of nothing but empty blocks": lambda path: forge(
        path, [Forged(b"a", method=8, packed=b"\0\0\0\xff\xff" * 20_000_000, size=1)]
    ),
}
# What getrusage tells of memory includes the process that this one was forked from.
MEASURED = r"""
import re, sys, time
from regharness.submission.archive import open_archive
from regharness.submission.refusal import Refused
start = time.perf_counter()
try:
    with open_archive(sys.argv[1]) as archive:
        for name in archive.names:
            archive.read(name)
except Refused as refused:
    pass
print(time.perf_counter() - start, int(re.search("VmHWM:\\s+([0-9]+)", open("/proc/self/status").read())[1]) * 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("make", WORST.values(), ids=WORST)
def test_the_worst_is_over_within_five_seconds_and_half_a_gigabyte(tmp_path, make):
    make(tmp_path / "s.zip")
    done = subprocess.run([sys.executable, "-c", MEASURED, tmp_path / "s.zip"], capture_output=True, check=True)
    seconds, memory = map(float, done.stdout.split())
    assert seconds < 5
    assert memory < 500e6
