"""A folder is there whole or not at all, and what stood in its place survives every failure."""

from __future__ import annotations

import errno
import json
import resource
import signal
from pathlib import Path

import numpy as np
import pytest

from morphvec import artifact
from morphvec.artifact import (
    check_output,
    load_manifest,
    open_arrays,
    save_arrays,
    save_lines,
    verify,
    write_manifest,
    writing,
)
from morphvec.errors import OutputError


def make(path, text="one", overwrite=False, failure=None):
    with writing(path, overwrite=overwrite) as folder:
        save_lines(folder / "lines.txt", [text, "två"])
        if failure is not None:
            raise failure
        save_arrays(folder / "arrays.safetensors", {"x": np.arange(6).reshape(2, 3)})
        write_manifest(folder, "thing", {"answer": 42})


def fill(path, block):
    with writing(path) as folder:
        block(folder)


def contents(path):
    return {file.name: file.read_bytes() for file in path.iterdir()}


def test_a_folder_holds_its_files_and_says_so(tmp_path):
    make(tmp_path / "a")
    manifest = load_manifest(tmp_path / "a", "thing")
    assert manifest["answer"] == 42
    assert set(manifest["parts"]) == {"arrays.safetensors", "lines.txt"}
    assert (tmp_path / "a" / "lines.txt").read_bytes() == "one\ntvå\n".encode()
    assert verify(tmp_path / "a", "thing") == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_equal_contents_are_equal_bytes(tmp_path):
    make(tmp_path / "a")
    make(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_an_empty_folder_gives_way(tmp_path):
    (tmp_path / "a").mkdir()
    make(tmp_path / "a")
    assert verify(tmp_path / "a", "thing") == []


def test_a_model_is_replaced_only_when_asked(tmp_path):
    make(tmp_path / "a")
    before = contents(tmp_path / "a")
    with pytest.raises(
        OutputError, match="never overwritten unasked; choose another name, or pass --overwrite"
    ):
        make(tmp_path / "a", "two")
    assert contents(tmp_path / "a") == before
    make(tmp_path / "a", "two", overwrite=True)
    assert (tmp_path / "a" / "lines.txt").read_text().startswith("two")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def foreign_manifest(folder):
    (folder / "manifest.json").write_text('{"name": "a web extension", "manifest_version": 3}')


def torn_manifest(folder):
    (folder / "manifest.json").write_text('{"format": "morphvec"')


def no_manifest(folder):
    (folder / "thesis.txt").write_text("years of work")


@pytest.mark.parametrize("fill", [foreign_manifest, torn_manifest, no_manifest])
def test_a_folder_that_is_not_ours_is_never_replaced(tmp_path, fill):
    (tmp_path / "a").mkdir()
    fill(tmp_path / "a")
    before = contents(tmp_path / "a")
    with pytest.raises(OutputError, match="holds files that are not morphvec's"):
        make(tmp_path / "a", overwrite=True)
    assert contents(tmp_path / "a") == before


def test_places_that_cannot_hold_a_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    make(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for name in ("file", "link"):
        with pytest.raises(OutputError, match="is not a folder"):
            check_output(tmp_path / name, overwrite=True)
    with pytest.raises(OutputError, match="run: mkdir -p"):
        check_output(tmp_path / "no" / "where", overwrite=False)
    with pytest.raises(OutputError):
        check_output(tmp_path / "file" / "below", overwrite=False)


def test_a_parent_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(artifact.os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(OutputError, match=r"cannot be written; .* choose another place"):
        check_output(tmp_path / "a", overwrite=False)


FAILURES = {
    "disk full": OSError(errno.ENOSPC, "No space left on device"),
    "disk broken": OSError(errno.EIO, "Input/output error"),
    "a bug": ValueError("a bug"),
    "interrupt": KeyboardInterrupt(),
}


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("there", [False, True])
def test_a_failure_leaves_everything_as_it_was(tmp_path, name, there):
    path, failure = tmp_path / "a", FAILURES[name]
    if there:
        make(path)
    before = contents(path) if there else None
    expected = OutputError if isinstance(failure, OSError) else type(failure)
    with pytest.raises(expected) as caught:
        make(path, overwrite=True, failure=failure)
    if isinstance(failure, OSError):
        assert "what stood there before is unchanged" in str(caught.value)
        assert ("free some space" in str(caught.value)) == (failure.errno == errno.ENOSPC)
    assert (contents(path) if there else None) == before
    assert [entry.name for entry in tmp_path.iterdir()] == (["a"] if there else [])


@pytest.mark.parametrize("step", ["_fsync", "_put_in_place"])
def test_a_failure_at_the_very_end_leaves_everything_as_it_was(tmp_path, monkeypatch, step):
    make(tmp_path / "a")
    before = contents(tmp_path / "a")

    def fail(*arguments, **options):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(artifact, step, fail)
    with pytest.raises(OutputError, match="Input/output error"):
        make(tmp_path / "a", "two", overwrite=True)
    assert contents(tmp_path / "a") == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_where_folders_cannot_be_swapped_the_old_one_steps_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(artifact, "_exchange", lambda one, other: False)
    make(tmp_path / "a")
    make(tmp_path / "a", "two", overwrite=True)
    assert (tmp_path / "a" / "lines.txt").read_text().startswith("two")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_and_comes_back_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    make(tmp_path / "a")
    before = contents(tmp_path / "a")
    monkeypatch.setattr(artifact, "_exchange", lambda one, other: False)
    rename, renamed = Path.rename, []

    def fragile(self, target):
        renamed.append(self.suffix)
        if renamed == [
            ".tmp",
            "",
            ".tmp",
        ]:  # onto the full place, the old one aside, the new one into the gap
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fragile)
    with pytest.raises(OutputError, match="what stood there before is unchanged"):
        make(tmp_path / "a", "two", overwrite=True)
    assert renamed == [".tmp", "", ".tmp", ".old"]
    assert contents(tmp_path / "a") == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_place_that_was_taken_meanwhile_is_not_overwritten(tmp_path):
    def meanwhile(folder):
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "thesis.txt").write_text("years of work")
        write_manifest(folder, "thing", {})

    with pytest.raises(OutputError, match="never overwritten unasked"):
        fill(tmp_path / "a", meanwhile)
    assert contents(tmp_path / "a") == {"thesis.txt": b"years of work"}


def test_a_file_that_the_disk_refuses_is_an_oserror(tmp_path):
    """A limit on file sizes stands in for a full disk; safetensors reports both in words of its own."""
    limits, old = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        with pytest.raises(OSError, match="File too large") as caught:
            save_arrays(tmp_path / "x.safetensors", {"x": np.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
    assert caught.value.errno == errno.EFBIG


def test_all_files_may_be_read_by_whom_the_mask_allows(tmp_path):
    make(tmp_path / "a")
    plain = tmp_path / "plain"
    plain.touch()
    assert {file.stat().st_mode for file in (tmp_path / "a").iterdir()} == {plain.stat().st_mode}


def test_numbers_of_a_manifest_are_finite(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"), writing(tmp_path / "a") as folder:
        write_manifest(folder, "thing", {"score": float("nan")})
    assert not (tmp_path / "a").exists()


def test_a_manifest_is_plain_unicode(tmp_path):
    with writing(tmp_path / "a") as folder:
        write_manifest(folder, "thing", {"word": "हिन्दी"})
    text = (tmp_path / "a" / "manifest.json").read_text(encoding="utf-8")
    assert "हिन्दी" in text
    assert list(json.loads(text)) == ["format", "format_version", "noun", "word", "parts"]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (2, 3), (0, 4), (2, 0, 3), (1, 2, 3, 4)])
def test_arrays_come_back_as_they_were(tmp_path, dtype, shape):
    array = (np.arange(int(np.prod(shape))).reshape(shape) % 2).astype(dtype)
    turned = np.asarray(array, order="F")
    save_arrays(
        tmp_path / "x.safetensors", {"array": array, "other": np.ones(3, np.float32), "turned": turned}
    )
    found = open_arrays(tmp_path / "x.safetensors")
    assert set(found) == {"array", "other", "turned"}
    for name in ("array", "turned"):
        assert found[name].dtype == array.dtype
        assert found[name].shape == shape
        assert np.array_equal(found[name], array)
    assert found["other"].tolist() == [1, 1, 1]
    if array.size:
        assert isinstance(found["array"], np.memmap)
        with pytest.raises(ValueError, match="read-only"):
            found["array"][...] = 0
