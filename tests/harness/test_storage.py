"""How a run's files are read and written, on this machine, in memory, on a server that speaks S3, and in a zip file."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

from regharness import InputError, storage
from regharness.errors import StorageError
from regharness.storage import place
from regharness.whole_folders import SEAL, local_folder, new_folder, sweep, whole_files

KINDS = ("local", "memory", "s3")


@pytest.fixture(params=KINDS)
def folder(request, tmp_path):
    """An empty folder of each kind that can be written."""
    if request.param == "local":
        made = place(str(tmp_path / "run"))
        storage.make_folder(made)
        return made
    if request.param == "memory":
        return place(f"memory://{tmp_path.name}/run")
    return place(request.getfixturevalue("s3"))


@pytest.fixture
def packed(tmp_path):
    """A folder packed into a zip file with its name, and one packed without."""
    run = tmp_path / "run"
    (run / "below").mkdir(parents=True)
    (run / "spec.yaml").write_text("name: packed\n")
    (run / "below" / "file").write_bytes(b"in a zip")
    named = shutil.make_archive(str(tmp_path / "named"), "zip", tmp_path, "run")
    bare = shutil.make_archive(str(tmp_path / "bare"), "zip", run)
    return {"named": named, "bare": bare}


def test_text_without_a_scheme_is_a_path_of_this_machine():
    assert place("runs/toy") == Path("runs/toy")


def test_a_file_url_is_a_path_of_this_machine(tmp_path):
    assert place(f"file://{tmp_path}") == tmp_path


def test_a_file_holds_what_was_written(folder):
    storage.write_whole(folder / "a", b"first")
    storage.write_whole(folder / "a", b"second")
    assert storage.read(folder / "a") == b"second"


def test_there_is_nothing_to_read_in_a_file_that_is_not_there(folder):
    assert storage.read(folder / "none") is None


def test_a_file_grows_at_its_end(folder):
    storage.append(folder / "a", b"one\n")
    storage.append(folder / "a", b"two\n")
    assert storage.read(folder / "a") == b"one\ntwo\n"


def test_only_the_first_creates_a_file(s3):
    file = place(s3) / "a"
    assert [storage.create(file, b"first"), storage.create(file, b"second")] == [True, False]
    assert storage.read(file) == b"first"


def test_files_are_listed_below_every_folder_with_their_sizes(folder):
    storage.make_folder(folder / "x" / "y")
    storage.write_whole(folder / "x" / "y" / "b", b"12")
    storage.write_whole(folder / "a", b"123")
    assert {name: stat.size for name, stat in storage.listing(folder).items()} == {"a": 3, "x/y/b": 2}


def test_a_listing_sees_what_another_process_wrote(s3):
    folder = place(s3)
    storage.write_whole(folder / "a", b"1")
    assert list(storage.listing(folder)) == ["a"]
    code = f"from regharness import storage; storage.write_whole(storage.place({s3 + '/b'!r}), b'2')"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert list(storage.listing(folder)) == ["a", "b"]


def test_a_stamp_tells_that_a_file_has_changed(folder):
    storage.write_whole(folder / "a", b"before")
    before = storage.listing(folder)
    storage.write_whole(folder / "a", b"behind")
    after = storage.listing(folder)
    assert (before["a"].size, before["a"].stamp) != (after["a"].size, after["a"].stamp)


def test_a_folder_that_is_not_there_lists_nothing(folder):
    assert storage.listing(folder / "none") == {}


def test_many_files_are_read_in_the_order_asked_whatever_their_names(folder):
    names = ["b", "a*", "c[1]"]
    for name in names:
        storage.write_whole(folder / name, name.encode())
    assert storage.read_many([folder / name for name in names]) == [name.encode() for name in names]


def test_reading_many_names_the_missing_one(folder):
    storage.write_whole(folder / "a", b"")
    with pytest.raises(InputError, match="cannot read"):
        storage.read_many([folder / "a", folder / "none"])


def test_a_file_moves_into_a_folder_that_was_not_there(folder):
    storage.write_whole(folder / "a", b"moved")
    storage.move(folder / "a", folder / "new" / "b")
    assert (storage.read(folder / "a"), storage.read(folder / "new" / "b")) == (None, b"moved")


def test_removing_leaves_the_others_and_minds_no_missing_one(folder):
    for name in "abc":
        storage.write_whole(folder / name, b"")
    storage.remove_many([folder / "a", folder / "none", folder / "c"])
    assert list(storage.listing(folder)) == ["b"]


def test_a_tree_is_removed_whole_and_may_be_missing(folder):
    storage.make_folder(folder / "x" / "y")
    storage.write_whole(folder / "x" / "y" / "a", b"")
    storage.remove_tree(folder / "x")
    storage.remove_tree(folder / "x")
    assert storage.listing(folder) == {}


def test_zarr_and_xarray_write_and_read_at_any_place(folder):
    expected = xr.Dataset({"x": (("i", "j"), np.arange(12.0).reshape(3, 4))})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        expected.to_zarr(storage.zarr_store(folder / "cube.zarr"), mode="w")
    found = xr.open_zarr(storage.zarr_store(folder / "cube.zarr", read_only=True), chunks=None)
    xr.testing.assert_identical(found.load(), expected)


def test_the_same_array_gives_the_same_files_at_every_place(tmp_path, s3):
    places = [place(str(tmp_path / "a")), place(f"memory://{tmp_path.name}/a"), place(s3)]
    for at in places:
        array = zarr.create_array(storage.zarr_store(at), shape=(4,), chunks=(2,), dtype="float32")
        array[:] = [1, 2, 3, 4]
    listed = [sorted(storage.listing(at)) for at in places]
    held = [storage.read_many([at / name for name in names]) for at, names in zip(places, listed, strict=True)]
    assert listed[0] == listed[1] == listed[2]
    assert held[0] == held[1] == held[2]


def test_a_store_opened_to_read_refuses_to_write(folder):
    zarr.create_array(storage.zarr_store(folder / "a"), shape=(2,), chunks=(2,), dtype="float32")
    array = zarr.open_array(storage.zarr_store(folder / "a", read_only=True), mode="r")
    with pytest.raises(ValueError, match="read-only"):
        array[:] = 1


def test_a_place_travels_to_another_process(s3):
    file = place(s3) / "a"
    storage.write_whole(file, b"far")
    assert storage.read(pickle.loads(pickle.dumps(file))) == b"far"


@pytest.mark.parametrize("how", ["named", "bare"])
@pytest.mark.parametrize("scheme", ["", "zip://"])
def test_a_zip_file_is_read_as_the_folder_in_it(packed, how, scheme):
    run = place(scheme + packed[how])
    assert set(storage.listing(run)) == {"spec.yaml", "below/file"}
    assert storage.read(run / "below" / "file") == b"in a zip"


def test_the_folder_in_a_zip_file_may_be_named_as_fsspec_does(packed):
    assert storage.read(place(f"zip://run::{packed['named']}") / "below" / "file") == b"in a zip"


def test_writing_to_a_zip_file_is_refused(packed):
    with pytest.raises(StorageError, match="a zip file, which can only be read"):
        storage.write_whole(place(packed["bare"]) / "a", b"")


def test_a_broken_zip_file_is_named(tmp_path):
    (tmp_path / "run.zip").write_bytes(b"no zip")
    with pytest.raises(InputError, match=r"cannot read .*run\.zip: File is not a zip file"):
        place(str(tmp_path / "run.zip"))


def test_an_unknown_kind_of_url_names_the_nearest_and_the_known():
    with pytest.raises(InputError, match=r"no kind of URL named 's33://'; did you mean 's3://'\?.*memory://"):
        place("s33://bucket/run")


def test_a_missing_package_is_named_with_the_command_that_installs_it():
    code = "import sys; sys.modules['s3fs'] = None; from regharness.cli import main; main()"
    words = [sys.executable, "-c", code, "leaderboard", "s3://bucket/run"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'regharness[s3]'" in done.stderr


def test_a_bucket_that_is_not_there_is_named_in_one_line(s3):
    with pytest.raises(StorageError, match=r"^cannot write to s3://none/run: The specified bucket does not exist$"):
        storage.write_whole(place("s3://none/run"), b"")


@pytest.mark.parametrize("write", [storage.write_whole, storage.append])
def test_a_full_disk_is_named_in_one_line(small_disk, write):
    with pytest.raises(StorageError, match=r"^cannot write to .*: No space left on device$"):
        write(small_disk / "a", bytes(2_000_000))


def test_what_did_not_fit_leaves_nothing_behind(small_disk):
    storage.write_whole(small_disk / "a", b"before")
    with pytest.raises(StorageError, match="No space left"):
        storage.write_whole(small_disk / "a", bytes(2_000_000))
    assert [file.name for file in small_disk.iterdir()] == ["a"]
    assert storage.read(small_disk / "a") == b"before"


def test_a_file_system_that_allows_no_writing_is_named(read_only_disk):
    with pytest.raises(StorageError, match=r"^cannot write to .*: Read-only file system$"):
        storage.write_whole(read_only_disk / "a", b"")


def test_a_new_folder_takes_the_place_of_the_old_one(folder):
    for name in "ab":
        with new_folder(folder / "f") as made:
            (made / "below").mkdir()
            (made / "below" / name).write_bytes(name.encode())
    assert whole_files(folder / "f") == {"below/b": b"b"}
    assert {name.split("/")[0] for name in storage.listing(folder)} == {"f"}


def test_a_whole_folder_is_there_as_a_path_of_this_machine(folder):
    with new_folder(folder / "f") as made:
        (made / "below").mkdir()
        (made / "below" / "a").write_bytes(b"1")
    with local_folder(folder / "f") as found:
        assert (found / "below" / "a").read_bytes() == b"1"


def test_a_folder_left_by_an_error_is_none(folder):
    with pytest.raises(ZeroDivisionError, match="division"), new_folder(folder / "f") as made:
        (made / "a").write_bytes(b"1" * (1 // 0))
    assert storage.listing(folder) == {}


@pytest.mark.parametrize("harm", ["change", "remove", "unseal"])
def test_a_folder_that_is_not_as_it_was_written_is_none(folder, harm):
    with new_folder(folder / "f") as made:
        (made / "a").write_bytes(b"1")
    if harm == "change":
        storage.write_whole(folder / "f" / "a", b"2")
    else:
        storage.remove_many([folder / "f" / ("a" if harm == "remove" else SEAL)])
    assert whole_files(folder / "f") is None
    with local_folder(folder / "f") as found:
        assert found is None


def test_the_whole_folder_of_another_process_stays_when_asked_to(folder):
    with new_folder(folder / "f", keep=True) as mine:
        (mine / "a").write_bytes(b"mine")
        with new_folder(folder / "f") as theirs:
            (theirs / "a").write_bytes(b"theirs")
    assert whole_files(folder / "f") == {"a": b"theirs"}


def test_a_broken_folder_gives_way_even_so(folder):
    with new_folder(folder / "f") as made:
        (made / "a").write_bytes(b"broken")
    storage.write_whole(folder / "f" / "a", b"changed")
    with new_folder(folder / "f", keep=True) as made:
        (made / "a").write_bytes(b"mended")
    assert whole_files(folder / "f") == {"a": b"mended"}


def test_what_a_killed_process_left_is_swept(tmp_path):
    code = f"""
import os, signal
from pathlib import Path
from regharness.whole_folders import new_folder
with new_folder(Path({str(tmp_path / "f")!r})) as made:
    (made / "a").write_bytes(b"1")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_fills_the_disk_is_a_fault_of_the_disk(small_disk):
    with pytest.raises(StorageError, match="No space left"), new_folder(small_disk / "f") as made:
        (made / "a").write_bytes(bytes(2_000_000))
    assert list(small_disk.iterdir()) == []
