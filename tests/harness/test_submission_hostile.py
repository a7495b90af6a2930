"""What strangers may send: each attack is refused by the check it meets, with a printable reason, in bounded time.

The digests are made to fit after every change, as those who have read our code would.
"""

import json
import re
import subprocess
import sys
import time

import numpy as np
import pytest
from forging import Forged, deflate, forge, shared_kernel
from numcodecs import VLenUTF8
from submissions import Bench, chunk, content, sealed, write

from regharness.errors import InputError
from regharness.submission.cube_slice import encode_text
from regharness.submission.targets import open_targets, write_targets

EXPANDS = bytes(60_000_000)
ZARR = "cubes/t.zarr"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.mark.parametrize("model", ["line", "flat"])
@pytest.mark.parametrize("targets", [True, False])
def test_an_honest_file_that_was_sealed_again_passes(bench, model, targets):
    assert not bench.failed(bench.forged(lambda files, told: None, model), targets)


def numbers(variable, place, value):
    """Put a value at a place of model x shift x seed x example x output."""

    def change(files, told):
        path, values = chunk(files, variable)
        values.reshape(1, 3, 2, 48, 2)[(0, *place)] = value
        files[path] = values.tobytes()

    return change


def metadata(name, **changes):
    """Replace keys of a ``zarr.json``."""

    def change(files, told):
        path = f"{ZARR}/{name}/zarr.json".replace("//", "/")
        files[path] = json.dumps({**json.loads(files[path]), **changes}).encode()

    return change


def put(path, data):
    return lambda files, told: files.update({path: data})


def card(**changes):
    return lambda files, told: told["card"].update(changes)


def cube(**changes):
    return lambda files, told: told["cubes"][0].update(changes)


def claims(change):
    return lambda files, told: change(told["claims"]["tasks"]["t"], told["claims"])


def ids(change):
    """Change the ids of the test set of the second shift and first seed."""

    def mutate(files, told):
        (path,) = (name for name in files if "example_id/c." in name)
        held = VLenUTF8().decode(files[path]).reshape(3, 2, 48)
        change(held[1, 0])
        files[path] = encode_text(held.reshape(-1).tolist())

    return mutate


def drop(path):
    def change(files, told):
        del files[path]

    return change


def manifest(data):
    return lambda files, told: data


CODEC = [{"name": "bytes", "configuration": {"endian": "little"}}]
MEAN = f"{ZARR}/mean/c.0.0.0.0.0"

ATTACKS = {
    # Numbers.
    "NaN": (numbers("mean", (0, 0, 3, 0), np.nan), "values", r"identity, seed 0, example 3: mean is nan"),
    "NaN on the hardest half": (numbers("mean", (2, 0, slice(24)), np.nan), "values", r"gc_content@3.*23|mean is nan"),
    "infinity": (numbers("mean", (1, 1, 5, 1), np.inf), "values", "gc_content@1, seed 1, example 5: mean is inf"),
    "denormal": (numbers("mean", (0, 0, 3, 0), 1e-42), "values", r"too small for its format \(denormal\)"),
    "absurd number": (numbers("mean", (0, 0, 3, 0), 3e38), "values", "a number beyond 1e\\+09"),
    "negative variance": (numbers("aleatoric_variance", (0, 0, 3, 0), -1), "values", "a negative variance"),
    "infinite variance": (numbers("aleatoric_variance", (0, 0, 3, 0), np.inf), "values", "not finite"),
    "certainty": (
        lambda files, told: (
            numbers("aleatoric_variance", (0, 0), 1e-30)(files, told),
            numbers("epistemic_variance", (0, 0), 0)(files, told),
        ),
        "values",
        "a standard deviation below 1e-06",
    ),
    # Metadata of zarr.
    "pickle codec": (
        metadata("mean", codecs=[{"name": "numcodecs.pickle"}, *CODEC]),
        "arrays",
        "'codecs' in cubes/t.zarr/mean/zarr.json is not",
    ),
    "object codec after vlen-utf8": (
        metadata("example_id", codecs=[{"name": "vlen-utf8"}, {"name": "numcodecs.pickle"}]),
        "arrays",
        "'codecs' in cubes/t.zarr/example_id/zarr.json",
    ),
    "compressed chunk": (metadata("mean", codecs=[*CODEC, {"name": "zstd"}]), "arrays", "'codecs' in"),
    "unknown codec": (metadata("mean", codecs=[{"name": "made_up"}]), "arrays", "'codecs' in"),
    "sharding": (metadata("mean", codecs=[{"name": "sharding_indexed"}]), "arrays", "'codecs' in"),
    "huge shape in the metadata": (metadata("mean", shape=[1, 3, 2, 10**15, 2]), "arrays", "'shape' in"),
    "object type": (metadata("mean", data_type="object"), "arrays", "'data_type' in"),
    "values rewritten at opening": (metadata("mean", attributes={"scale_factor": 0.5}), "arrays", "'attributes' in"),
    "fill value": (metadata("mean", fill_value=0.0), "arrays", "'fill_value' in"),
    "number for a truth": (metadata("severity", fill_value=False), "arrays", "'fill_value' in"),
    "storage transformer": (metadata("mean", storage_transformers=[{"name": "x"}]), "arrays", "'storage_transformers'"),
    "another key": (metadata("mean", extension={"must_understand": False}), "arrays", "'extension' in"),
    "consolidated metadata": (metadata("", consolidated_metadata={}), "arrays", "'consolidated_metadata' in"),
    "attributes of the group": (metadata("", attributes={"task": "t", "x": 1}), "arrays", "'attributes' in"),
    "metadata that are no mapping": (put(f"{ZARR}/mean/zarr.json", b"[]"), "arrays", "is no metadata of zarr"),
    "metadata that are deep": (put(f"{ZARR}/mean/zarr.json", b"[" * 40), "arrays", "nested 40 deep"),
    "a key twice": (put(f"{ZARR}/zarr.json", b'{"a":1,"a":2}'), "arrays", "the key 'a' twice"),
    "other labels": (put(f"{ZARR}/seed/c.0", bytes(16)), "arrays", "does not hold the labels"),
    "short chunk": (put(MEAN, bytes(8)), "arrays", "has 8 bytes, not 2,304"),
    "long chunk": (put(MEAN, EXPANDS), "arrays", "has 60,000,000 bytes, not 2,304"),
    # Files.
    "missing chunk": (drop(MEAN), "files", f"{MEAN} is missing: the shapes that the manifest states need it"),
    "code beside": (put("model.py", b"import os"), "files", "model.py has no place in a file of this kind"),
    "weights beside": (put("weights.pt", b"\x80\x04"), "files", "weights.pt has no place"),
    "an array of zarr 2": (put(f"{ZARR}/mean/zarray", b"{}"), "files", "has no place in a file of this kind"),
    "hidden array of zarr 2": (put(f"{ZARR}/mean/.zarray", b"{}"), "archive", "names are of parts"),
    "targets beside": (put("benchmark.json", b"{}"), "files", "benchmark.json has no place"),
    # Shapes.
    "huge shape": (cube(examples=[[10**9] * 2] * 3), "files|completeness", "states more data|examples are not"),
    "negative size": (cube(examples=[[-1] * 2] * 3), "manifest", "greater than or equal to 1"),
    "path for a task": (cube(task="../../x"), "manifest", "should match pattern"),
    "a thousand tasks": (
        lambda files, told: told.update(cubes=[{**told["cubes"][0], "task": f"t{i}"} for i in range(1000)]),
        "files|completeness",
        "has no place|the benchmark has no task 't0'",
    ),
    "a task twice": (lambda files, told: told["cubes"].append(told["cubes"][0]), "files", "has a task twice"),
    "another variable": (cube(variables={"mean": "float32", "target": "float32"}), "files", "which is none of: mean"),
    "path for a variable": (cube(variables={"mean": "float32", "../x": "float32"}), "manifest", "match pattern"),
    "another format": (cube(variables={"mean": "float64"}), "files", "in float32"),
    "nothing predicted": (cube(variables={"aleatoric_variance": "float32"}), "files", "has no 'mean'"),
    "levels without quantiles": (cube(levels=[0.5]), "files", "levels without quantiles"),
    "a seed beyond every format": (cube(seeds=[0, 10**30]), "manifest", "less than 4294967296"),
    "a severity beyond every format": (cube(shifts=["identity", "a@1", "a@" + "9" * 30]), "manifest", "match pattern"),
    "a severity in other digits": (cube(shifts=["identity", "a@1", "a@፩"]), "manifest", "match pattern"),
    "somebody else's predictions": (cube(model="other"), "files", "is of the model 'other'"),
    # Names and texts.
    "look-alike letters": (card(display="Mаlinois"), "manifest", r"U\+0430 \(cyrillic small letter a\)"),
    "look-alike slug": (card(slug="lіne"), "manifest", r"U\+0456"),
    "a mix of scripts": (card(team="Βroad Institute"), "manifest", "mixes scripts in one word"),
    "full width": (card(display="ＣＮＮ"), "manifest", r"U\+FF23"),
    "zero width": (card(display="CNN\u200b"), "manifest", r"U\+200B"),
    "text turned round": (card(notes="\u202egnp.exe"), "manifest", r"U\+202E"),
    "escape sequence": (card(display="\x1b[2J"), "manifest", r"U\+001B"),
    "clipboard sequence": (card(notes="\x1b]52;c;aGk=\x07"), "manifest", r"U\+001B"),
    "control of eight bits": (card(team="\x9b31m"), "manifest", r"U\+009B"),
    "new line in a name": (card(team="a\nb"), "manifest", r"U\+000A"),
    "marks piled up": (card(team="a" + "\u0324" * 40), "manifest", "combining marks"),
    "markup of a terminal": (card(display="[/foo]"), "manifest", r"has '\[/', which could be markup"),
    "link of a terminal": (card(notes="[link=file:///etc]x"), "manifest", "could be markup"),
    "script": (card(display="<script>alert(1)</script>"), "manifest", "has '<s', which could be markup"),
    "script in notes": (card(notes="x\n</script><script>"), "manifest", "has '</s', which could be markup"),
    "svg": (card(authors=["<svg onload=alert(1)>"]), "manifest", "card.authors.0: has '<s'"),
    "script in a claim": (
        claims(lambda task, _: task["scores"]["mse"].update(long_name="<img src=x onerror=alert(1)>")),
        "claims",
        "has '<i', which could be markup",
    ),
    "formula": (card(display="=HYPERLINK(A1)"), "manifest", "begins with '=', as a formula"),
    "formula by name": (card(team="@SUM(A1)"), "manifest", "begins with '@'"),
    "script as a link": (card(links=["javascript:alert(1)"]), "manifest", "does not begin with https://"),
    "link that breaks out": (card(links=['https://a.org/"><script>']), "manifest", "links.0: has '\"'"),
    "link with a user": (card(links=["https://a.org@b.org"]), "manifest", "names a user"),
    "path as a slug": (card(slug="../../x"), "manifest", "card.slug"),
    "device as a slug": (card(slug="con"), "manifest", "device on Windows"),
    "long name": (card(display="x" * 65), "manifest", "at most 64 characters"),
    "hostile key": (card(**{"x\x1b[31m\u202e\x9b": 1}), "manifest", r"unknown key 'x<U\+001B>\[31m<U\+202E><U\+009B>'"),
    "code": (card(code="import os"), "manifest", "unknown key 'code'"),
    "exposure to what is not there": (card(exposure={"t": {"x": "seen"}}), "card", "shift 'x' of task 't'"),
    "hostile exposure": (card(exposure={"\x1b": {"*": "seen"}}), "manifest", r"U\+001B"),
    "provenance left out": (lambda files, told: told.pop("provenance"), "provenance", "does not say how"),
    # The manifest as JSON.
    "no mapping": (manifest(b"[]"), "manifest", "the whole is a mapping"),
    "no JSON": (manifest(b"\x80\x04\x95"), "manifest", "is not UTF-8"),
    "deep": (manifest(b'{"a":' * 100_000), "manifest", "nested 100000 deep"),
    "manifest with a key twice": (manifest(b'{"kind":"submission","kind":"targets"}'), "manifest", "'kind' twice"),
    "NaN in the manifest": (manifest(b'{"a":NaN}'), "manifest", "NaN, which is no number of JSON"),
    "number beyond a float": (manifest(b'{"a":1e999}'), "manifest", "1e999, which is beyond a float"),
    "half a character": (manifest(b'"\\ud800"'), "manifest", "half of a surrogate pair"),
    "a million brackets": (manifest(b"[" + b"[]," * 600_000 + b"0]"), "manifest", "more than 1000000 brackets"),
    "blanks": (manifest(b" " * 9_000_000), "manifest", "at most 8000000 are read"),
    "another kind": (lambda files, told: told.update(kind="targets"), "manifest", "targets have none"),
    "another schema": (lambda files, told: told.update(schema_version=2), "manifest", "schema_version"),
    # Claims.
    "claims that are ragged": (
        claims(lambda task, _: task["scores"]["mse"].update(values=[[1], [1, 2]])),
        "claims",
        "inhomogeneous",
    ),
    "a score called as a dimension": (
        claims(lambda task, _: task["scores"].update(status=task["scores"]["mse"])),
        "claims",
        "no score can be called 'status'",
    ),
    "a curve called as a count": (
        claims(lambda task, _: task["curves"].update(n_valid=next(iter(task["curves"].values())))),
        "claims",
        "no score can be called 'n_valid'",
    ),
    "a count that is none": (
        claims(lambda task, _: task["scores"]["n_valid"].update(values=[[["inf"] * 2] * 2] * 3)),
        "claims",
        "n_valid is no count",
    ),
    "a curve along nothing": (
        claims(lambda task, _: task.update(curves={"c": {"dims": [], "values": 1, "labels": []}})),
        "claims",
        "is not along shift and its own dimension",
    ),
    "a curve along the tasks": (
        claims(lambda task, _: task.update(curves={"c": {"dims": ["shift", "task"], "values": [], "labels": []}})),
        "claims",
        "is not along shift and its own dimension",
    ),
    "claims of shifts that are not there": (
        claims(lambda task, _: task.update(shifts=["identity", "gc_content@1", "gc_content@9"])),
        "claims",
        "shifts are not those of its predictions",
    ),
    "claims of a seed twice": (claims(lambda task, _: task.update(seeds=[0, 0])), "claims", "seeds are not those"),
    "claims of another task": (
        claims(lambda task, told: told["tasks"].update(other=task)),
        "claims",
        "has no task 'other'",
    ),
    "ranked by what is not there": (claims(lambda _, told: told.update(rank_by="x")), "claims", "none of its metrics"),
    "a control by another name": (
        put("controls.json", b'{"control:<script>": {}}'),
        "claims",
        "has 'control:<script>', which is none of",
    ),
    "controls that are deep": (put("controls.json", b"[" * 100), "claims", "nested 100 deep"),
    # Ids.
    "an id twice": (
        ids(lambda held: held.put(3, held[4])),
        "ids",
        "gc_content@1, seed 0: the id '.*-4' is there twice",
    ),
    "an empty id": (ids(lambda held: held.put(3, "")), "ids", "an id is empty"),
    "an id that is a command": (ids(lambda held: held.put(3, "\x1b[2J")), "ids", "a character that does not print"),
    "ids cut off": (put(f"{ZARR}/example_id/c.0.0.0", b"\x20\x01\x00\x00"), "ids", "is torn"),
    "more ids than are told": (put(f"{ZARR}/example_id/c.0.0.0", b"\xff" * 4), "ids", "does not hold 288 texts"),
    "an id of four gigabytes": (
        put(f"{ZARR}/example_id/c.0.0.0", b"\x20\x01\x00\x00" + b"\xff" * 4),
        "ids",
        "a text that is too long",
    ),
}


@pytest.mark.parametrize(
    "targets", [pytest.param(True, id="against targets"), pytest.param(False, id="by itself", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(("change", "check", "reason"), ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_refused_with_its_reason(bench, change, check, reason, targets):
    failed = bench.failed(bench.forged(change), targets)
    assert len(failed) == 1
    assert re.fullmatch(check, next(iter(failed)))
    assert re.search(reason, next(iter(failed.values())))
    assert next(iter(failed.values())).isprintable()


def quantiles(change):
    def mutate(files, told):
        path, values = chunk(files, "quantiles")
        change(values.reshape(1, 3, 2, 48, 2, -1))
        files[path] = values.tobytes()

    return mutate


QUANTILE_ATTACKS = {
    "endless intervals": (quantiles(lambda held: held.__setitem__((..., -1), np.inf)), "a number that is not finite"),
    "absurdly wide intervals": (quantiles(lambda held: held.__setitem__((..., -1), 1e30)), "a number beyond 1e"),
    "crossing quantiles": (quantiles(lambda held: held.__setitem__((..., 0), 9e8)), "below that of a lower level"),
}


@pytest.mark.parametrize(("change", "reason"), QUANTILE_ATTACKS.values(), ids=QUANTILE_ATTACKS)
def test_intervals_made_to_cover_everything_are_refused(bench, change, reason):
    assert re.search(reason, bench.failed(bench.forged(change, "flat"))["values"])


def improve(values):
    values[0] -= 1e-6


GAMES = {
    "one prediction changed": (numbers("mean", (2, 1, 7, 1), 0.5), "scores", r"seed 1.* is claimed, .* was computed"),
    "one score improved by a millionth": (
        claims(lambda task, _: improve(task["scores"]["crps"]["values"][2][1])),
        "scores",
        "crps at task t, shift gc_content@3, seed 1, output K562: .* is claimed, .* was computed$",
    ),
    "a metric of one's own": (
        claims(lambda task, told: (told["metrics"].append("best"), task["scores"].update(best=task["scores"]["mse"]))),
        "scores",
        "'best' is claimed, which is no metric of the benchmark",
    ),
    "a shift that went further": (
        claims(lambda task, _: task["test_sets"]["gc_moved"]["values"][1].__setitem__(0, 0.9)),
        "scores",
        "gc_moved at task t, shift gc_content@1, seed 0: 0.9 is claimed",
    ),
    "ids swapped": (ids(lambda held: held.put([2, 5], held[[5, 2]].tolist())), "ids", "in another order: example 2"),
    "ids reversed": (ids(lambda held: held.put(range(48), held[::-1].tolist())), "ids", "in another order"),
    "ids of other examples": (ids(lambda held: held.put(0, "chosen")), "ids", "not those of the benchmark"),
    "another benchmark's digest": (
        lambda files, told: told["benchmark"].update(inputs_sha256="0" * 64),
        "benchmark",
        "other test sets of 'hostile': their digest is 000000000000",
    ),
    "another benchmark's name": (lambda files, told: told["benchmark"].update(name="x"), "benchmark", "answers to 'x'"),
    "a version to come": (lambda files, told: told["benchmark"].update(version=2), "benchmark", "is for version 2"),
    "fewer examples": (cube(examples=[[48, 48], [48, 48], [24, 48]]), "completeness", "examples are not those"),
    "an easier order of shifts": (
        cube(shifts=["identity", "gc_content@3", "gc_content@1"]),
        "completeness",
        "shifts are in another order",
    ),
    "another unit": (cube(unit="arcsinh"), "completeness", "unit is 'arcsinh'"),
    "other outputs": (cube(outputs=["K562", "K563"]), "completeness", "outputs lack HepG2"),
}


@pytest.mark.parametrize(("change", "check", "reason"), GAMES.values(), ids=GAMES)
def test_a_game_for_a_better_score_is_refused_by_whoever_has_the_targets(bench, change, check, reason):
    failed = bench.failed(bench.forged(change))
    assert list(failed) == [check]
    assert re.search(reason, failed[check])


def test_leaving_hard_cells_out_is_refused(bench):
    def change(files, told):
        held = told["cubes"][0]
        held.update(shifts=held["shifts"][:2], examples=held["examples"][:2])

    assert "shifts lack gc_content@3" in bench.failed(bench.forged(change))["completeness"]


def zipped(change):
    """A zip of the honest members, as the fields of its headers, after a change."""

    def make(files, path):
        members = [Forged(name.encode(), data) for name, data in files.items()]
        options = change(members) or {}
        return forge(path, members, **options)

    return make


ARCHIVES = {
    "zip slip": (zipped(lambda held: held.append(Forged(b"../../x"))), "leads out of the archive"),
    "absolute path": (zipped(lambda held: held.append(Forged(b"/etc/x"))), "an absolute path"),
    "link to the targets": (
        zipped(lambda held: held.append(Forged(b"x", b"../targets", attributes=0o120777 << 16))),
        "member 'x' is a link",
    ),
    "the last of two wins": (zipped(lambda held: held.append(Forged(b"manifest.json", b"{}"))), "have the same name"),
    "bomb that tells": (
        zipped(lambda held: held.append(Forged(b"x", method=8, packed=deflate(EXPANDS), size=10**8))),
        "would expand to",
    ),
    "bomb that lies": (
        zipped(lambda held: held.append(Forged(b"controls.json", method=8, packed=deflate(EXPANDS), size=9))),
        "have the same name",
    ),
    "bomb of shared content": (
        lambda files, path: path.write_bytes(shared_kernel(9000, deflate(bytes(7000)), 7000)),
        "overlaps another",
    ),
    "encrypted": (zipped(lambda held: held.append(Forged(b"x", flags=1))), "member 'x' is encrypted"),
    "program before": (zipped(lambda held: {"prefix": b"#!/bin/sh\n"}), "belong to no member"),
    "page behind": (zipped(lambda held: {"suffix": b"<script>"}), "does not end as a zip"),
    "zip64": (zipped(lambda held: {"count": 0xFFFF}), "the file is a zip64"),
    "name that is a command": (zipped(lambda held: held.append(Forged(b"\x1b[2J"))), r"<U\+001B>\[2J"),
    "no zip": (lambda files, path: path.write_bytes(b"\x80\x04\x95" * 30), "does not end as a zip"),
}


@pytest.mark.parametrize(("make", "reason"), ARCHIVES.values(), ids=ARCHIVES)
def test_an_archive_that_is_an_attack_is_refused(bench, make, reason):
    make(content(bench.folder / "line.zip"), bench.folder / "forged.zip")
    assert re.search(reason, bench.failed(bench.folder / "forged.zip")["archive"])


def test_content_that_is_more_than_it_declares_is_refused(bench):
    members = [Forged(name.encode(), data) for name, data in content(bench.folder / "line.zip").items()]
    (place,) = (i for i, member in enumerate(members) if member.name == MEAN.encode())
    members[place] = Forged(MEAN.encode(), method=8, packed=deflate(EXPANDS), size=2304)
    failed = bench.failed(forge(bench.folder / "forged.zip", members))
    assert "expands to more than the 2304 bytes that it declares" in failed["files"]


def test_a_link_to_a_submission_is_refused(bench):
    link = bench.folder / "link.zip"
    link.symlink_to("line.zip")
    assert "is a link" in bench.failed(link)["archive"]
    link.unlink()


TARGETS = {
    "shifts that went nowhere": ("magnitudes.json", b"{}", "does not tell how far each shift of 't' went"),
    "shifts that went ragged": ("magnitudes.json", b'{"t":{"gc_moved":[[1],[1,2]]}}', "does not tell how far"),
    "no benchmark": ("benchmark.json", b"{}", "benchmark.json is no benchmark"),
    "deep": ("benchmark.json", b"[" * 100, "nested 100 deep"),
}


@pytest.mark.parametrize(("name", "data", "reason"), TARGETS.values(), ids=TARGETS)
def test_a_hostile_file_of_targets_is_the_mistake_of_who_gives_it(bench, tmp_path, name, data, reason):
    write_targets(bench.run, tmp_path / "targets.zip")
    files = {**content(tmp_path / "targets.zip"), name: data}
    forged = write(tmp_path / "forged.zip", sealed(files))
    with pytest.raises(InputError, match=f"holds no targets: .*{reason}"), open_targets(str(forged)):
        pass


# What getrusage tells of memory includes the process that this one was forked from.
PROGRAM = r"""
import re, sys
from regharness.cli import main
try:
    main(sys.argv[1:])
finally:
    print("memory", re.search(r"VmHWM:\s+([0-9]+)", open("/proc/self/status").read())[1], file=sys.stderr)
"""


def refused_by_the_program(bench, file, *words):
    """What the program says of a file that it must refuse, within time and memory."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "submission", "verify", str(file), *words], capture_output=True, text=True
    )
    assert time.perf_counter() - start < 6.5, "5 s, and what it takes to start a Python"
    *errors, last = done.stderr.splitlines()
    assert done.returncode == 3, done.stdout + done.stderr
    assert int(last.removeprefix("memory ")) * 1024 < 500e6
    assert "Traceback" not in done.stderr
    assert (done.stdout + "".join(errors)).replace("\n", "").isprintable()
    return done.stdout + "\n".join(errors)


@pytest.mark.parametrize("attack", ["hostile key", "pickle codec"])
def test_the_program_refuses_an_attack_with_status_3(bench, attack):
    change, check, reason = ATTACKS[attack]
    told = refused_by_the_program(bench, bench.forged(change), "--targets", str(bench.run.folder))
    assert re.search(rf"failed +{check} ", told)
    assert re.search(reason, " ".join(told.split()))


def test_what_it_found_is_json_that_a_terminal_can_show(bench):
    change, _, _ = ATTACKS["hostile key"]
    found = json.loads(refused_by_the_program(bench, bench.forged(change), "--json"))
    assert [check["name"] for check in found["checks"] if check["status"] == "failed"] == ["manifest"]


def heavy(bench, files, told):
    """A file with so much that cannot be compressed beside that a bomb has leave to expand."""
    members = [Forged(name.encode(), data, method=8) for name, data in sealed(files, told).items()]
    members.append(Forged(b"noise", np.random.default_rng(0).bytes(20_000_000)))
    return forge(bench.folder / "forged.zip", members)


def many(count):
    return {f"k{i:x}": 1 for i in range(count)}


def side_by_side(task, told):
    """Few numbers, of tasks that have no label in common: each takes the room of all."""
    for i in range(60):
        labels = {
            "shifts": [f"s{i}@{j}" for j in range(20)],
            "seeds": list(range(i * 20, i * 20 + 20)),
            "outputs": ["a"],
        }
        score = {"dims": ["shift", "seed", "output"], "values": [[[1.0]] * 20] * 20}
        held = {"n_valid": score, "n_dropped": score}
        told["tasks"][f"t{i}"] = {**labels, "status": [[1] * 20] * 20, "scores": held}


def controls_side_by_side(files, told):
    held = {"rank_by": "mse", "metrics": ["mse"], "tasks": {}}
    side_by_side(None, held)
    files["controls.json"] = json.dumps({"control:mean": held}).encode()


BLANKS = b" " * 250_000_000
HEAVY = {
    "blanks for controls": put("controls.json", BLANKS),
    "blanks for metadata": put(f"{ZARR}/mean/zarr.json", BLANKS),
    "blanks for labels": put(f"{ZARR}/seed/c.0", BLANKS),
    "blanks for numbers": put(MEAN, BLANKS),
    "zeros for ids": put(f"{ZARR}/example_id/c.0.0.0", bytes(250_000_000)),
}
LARGE = {
    "unknown keys": card(**many(300_000)),
    "a long key": card(**{"x" * 7_000_000: 1}),
    "a long slug": card(slug="a" * 7_000_000),
    "a long text": card(notes="a" * 7_000_000),
    "exposure": card(exposure={"t": dict.fromkeys(many(300_000), "seen")}),
    "wrong exposure": card(exposure={"t": many(300_000)}),
    "files": lambda files, told: files.update({f"f/{i}": b"" for i in range(19_000)}),
    "claims of nothing": claims(lambda task, told: told.update(tasks=many(300_000))),
    "claims of much": claims(lambda task, _: task["scores"]["mse"].update(values=[0.5] * 900_000)),
    "blocks of much": claims(lambda task, _: task["blocks"]["crps"].update(values=[[[0.5] * 900_000]])),
    "controls side by side": controls_side_by_side,
    "shapes": cube(shifts=[f"a@{i}" for i in range(10_000)], examples=[[48] * 40] * 10_000, seeds=list(range(40))),
}


@pytest.mark.slow
@pytest.mark.parametrize("targets", [True, False], ids=["against targets", "by itself"])
@pytest.mark.parametrize("change", LARGE.values(), ids=LARGE)
def test_what_is_large_is_refused_within_five_seconds_and_half_a_gigabyte(bench, change, targets):
    words = ["--targets", str(bench.run.folder)] if targets else []
    refused_by_the_program(bench, bench.forged(change), *words)


@pytest.mark.slow
@pytest.mark.parametrize("change", HEAVY.values(), ids=HEAVY)
def test_what_expands_as_far_as_it_may_is_refused_within_five_seconds_and_half_a_gigabyte(bench, change):
    files = content(bench.folder / "line.zip")
    told = json.loads(files["manifest.json"])
    change(files, told)
    refused_by_the_program(bench, heavy(bench, files, told))


@pytest.mark.slow
def test_a_site_of_a_folder_full_of_attacks_shows_the_honest_entry_alone(bench, tmp_path):
    folder = tmp_path / "submissions"
    folder.mkdir()
    (folder / "honest.zip").write_bytes((bench.folder / "line.zip").read_bytes())
    # What answers to another benchmark is, without its targets, on a board of its own.
    attacks = {name: attack for name, attack in {**ATTACKS, **GAMES}.items() if name != "another benchmark's digest"}
    for number, (change, *_) in enumerate(attacks.values()):
        (folder / f"attack-{number}.zip").write_bytes(bench.forged(change).read_bytes())
    for number, (make, _) in enumerate(ARCHIVES.values()):
        make(content(bench.folder / "line.zip"), folder / f"archive-{number}.zip")
    words = ["site", folder, "-o", tmp_path / "site", "--targets", bench.run.folder]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *map(str, words)], capture_output=True, text=True)
    *errors, last = done.stderr.splitlines()
    assert done.returncode == 3, done.stderr
    assert int(last.removeprefix("memory ")) * 1024 < 500e6
    assert "Traceback" not in done.stderr
    refused = [line for line in errors if line.startswith("refused: ")]
    assert len(refused) == len(attacks) + len(ARCHIVES)
    assert all(line.isprintable() for line in refused)
    assert [path.name[:5] for path in (tmp_path / "site" / "submissions").iterdir()] == ["line-"]
