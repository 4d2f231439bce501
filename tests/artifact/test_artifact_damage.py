"""Torn, altered and hostile files: one clear error, no allocation that a header asks for, no traceback."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morphvec.artifact import (
    load_lines,
    load_manifest,
    open_arrays,
    save_arrays,
    save_lines,
    sha256_array,
    sha256_file,
    verify,
    write_manifest,
    writing,
)
from morphvec.errors import ArtifactError


@pytest.fixture
def folder(tmp_path):
    with writing(tmp_path / "a") as inside:
        save_lines(inside / "lines.txt", ["one", "two"])
        save_arrays(inside / "arrays.safetensors", {"x": np.arange(50.0), "y": np.arange(6, dtype=np.int32)})
        (inside / "log.jsonl").write_text("{}\n")
        write_manifest(inside, "thing", {})
    return tmp_path / "a"


def edited(folder, **changes):
    file = folder / "manifest.json"
    document = json.loads(file.read_text())
    document.update(changes)
    file.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda f: (f / "manifest.json").unlink(), r"has no manifest\.json"),
        (lambda f: (f / "manifest.json").write_bytes(b"\xff\xfe"), "is not JSON"),
        (lambda f: (f / "manifest.json").write_text("[1, 2]"), "is not a morphvec manifest"),
        (lambda f: (f / "manifest.json").write_text("[" * 100_000), "is not JSON"),
        (lambda f: (f / "manifest.json").write_text('{"format": "other"}'), "is not a morphvec manifest"),
        (lambda f: edited(f, format_version=2), "has format version 2; this release reads version 1"),
        (lambda f: edited(f, format_version="1"), "has format version '1'"),
        (lambda f: edited(f, noun="model"), "holds a 'model'; a thing is needed here"),
        (lambda f: edited(f, parts=None), "lists no parts"),
        (lambda f: edited(f, parts={"lines.txt": 7}), "lists no parts"),
        (lambda f: edited(f, parts={"../secret": {"bytes": 1}}), "names the part '../secret'"),
        (lambda f: edited(f, parts={"/etc/passwd": {"bytes": 1}}), "names the part '/etc/passwd'"),
        (lambda f: edited(f, parts={"..": {}}), r"names the part '\.\.'"),
        (lambda f: edited(f, parts={"": {}}), "is missing or has another size"),
        (lambda f: edited(f, parts={"a\0b": {}}), "is missing or has another size"),
        (lambda f: (f / "lines.txt").unlink(), "lines.txt is missing or has another size"),
        (lambda f: (f / "lines.txt").write_text("one\ntw"), "lines.txt is missing or has another size"),
        (lambda f: (f / "arrays.safetensors").write_bytes(b""), "is missing or has another size"),
    ],
)
def test_a_damaged_folder_is_one_clear_error(folder, damage, text):
    damage(folder)
    with pytest.raises(ArtifactError, match=text) as caught:
        load_manifest(folder, "thing")
    assert "\n" not in str(caught.value)
    assert verify(folder, "thing") == [str(caught.value)]


def test_a_manifest_of_any_size_is_not_read(folder):
    with (folder / "manifest.json").open("r+b") as handle:
        handle.truncate(1 << 40)  # a hole: it takes no room
    with pytest.raises(ArtifactError, match="a manifest has at most"):
        load_manifest(folder, "thing")


@pytest.mark.parametrize("name", ["lines.txt", "arrays.safetensors"])
@pytest.mark.parametrize("place", [0, 9, -1, 0.5])
def test_a_flipped_bit_is_found_by_verify(folder, name, place):
    file = folder / name
    content = bytearray(file.read_bytes())
    content[
        min(int(len(content) * place), 9) if isinstance(place, float) else max(place, -1) % len(content)
    ] ^= 4
    file.write_bytes(bytes(content))
    assert verify(folder, "thing") == [f"{file} does not have the SHA-256 that the manifest states"]


def test_the_log_may_differ(folder):
    (folder / "log.jsonl").write_text("something else")
    assert verify(folder, "thing") == []


def header(file: Path, document, body=b"", length=None):
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    file.write_bytes((len(raw) if length is None else length).to_bytes(8, "little") + raw + body)
    return file


F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"\xff\xff",
        b"[" * 100_000,
        [],
        {"x": None},
        {"x": {}},
        {"x": {**F32, "dtype": "F16"}},
        {"x": {**F32, "dtype": "BF16"}},
        {"x": {**F32, "dtype": ["F32"]}},
        {"x": {**F32, "dtype": None}},
        {"x": {**F32, "shape": 2}},
        {"x": {**F32, "shape": [-2]}},
        {"x": {**F32, "shape": [-1, -2]}},
        {"x": {**F32, "shape": ["two"]}},
        {"x": {**F32, "shape": [3]}},
        {"x": {**F32, "shape": [float("inf")]}},
        {"x": {**F32, "shape": [10**30]}},
        {"x": {**F32, "shape": [2**62], "data_offsets": [0, 2**64]}},
        {"x": {**F32, "shape": [0, 10**30], "data_offsets": [0, 0]}},
        {"x": {**F32, "shape": [1] * 100 + [2]}},
        {"x": {**F32, "data_offsets": [0]}},
        {"x": {**F32, "data_offsets": [8, 0]}},
        {"x": {**F32, "data_offsets": [-8, 0]}},
        {"x": {**F32, "data_offsets": [4, 12]}},
        {"x": {**F32, "data_offsets": [float("nan"), 8]}},
    ],
)
def test_a_header_that_lies_is_refused(tmp_path, document):
    file = header(tmp_path / "x.safetensors", document, bytes(8))
    with pytest.raises(ArtifactError, match="has a damaged header"):
        open_arrays(file)


def test_an_honest_header_beside_them(tmp_path):
    file = header(tmp_path / "x.safetensors", {"__metadata__": {"a": "b"}, "x": F32}, bytes(8))
    assert open_arrays(file)["x"].tolist() == [0, 0]


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 10**9, 200])
def test_a_header_that_claims_the_world_allocates_nothing(tmp_path, length):
    file = header(tmp_path / "x.safetensors", b"{}", bytes(90), length)
    tracemalloc.start()
    try:
        with pytest.raises(ArtifactError, match="the header must fit into the file"):
            open_arrays(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_a_header_as_long_as_a_huge_file_is_refused_too(tmp_path):
    file = header(tmp_path / "x.safetensors", b"{}", length=1 << 39)
    with file.open("r+b") as handle:
        handle.truncate(1 << 40)
    with pytest.raises(ArtifactError, match="states a header of"):
        open_arrays(file)


@pytest.mark.parametrize("content", [None, b"", b"1234567"])
def test_a_file_that_is_missing_or_too_short(tmp_path, content):
    file = tmp_path / "x.safetensors"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ArtifactError, match="is missing or too short"):
        open_arrays(file)


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_any_bytes_changed_anywhere_give_arrays_or_one_error(tmp_path_factory, data):
    file = tmp_path_factory.getbasetemp() / "fuzz.safetensors"
    save_arrays(file, {"x": np.arange(5.0), "y": np.arange(6, dtype=np.int32).reshape(2, 3)})
    content = bytearray(file.read_bytes())
    for place in data.draw(st.lists(st.integers(0, 150), min_size=1, max_size=4)):
        content[place % len(content)] = data.draw(st.integers(0, 255))
    file.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    with contextlib.suppress(ArtifactError):
        arrays = open_arrays(file)
        assert sum(array.nbytes for array in arrays.values()) <= 2 * len(content)


def test_hashes_are_those_of_the_bytes(tmp_path):
    array = np.arange(6, dtype="<f4").reshape(2, 3)
    wanted = hashlib.sha256(array.tobytes()).hexdigest()
    assert (
        sha256_array(array)
        == sha256_array(array.astype(">f4"))
        == sha256_array(np.asfortranarray(array))
        == wanted
    )
    (tmp_path / "x").write_bytes(array.tobytes())
    assert sha256_file(tmp_path / "x") == wanted


@pytest.mark.parametrize("lines", [[], ["", ""], ["a b", "c\rd", "\u2028", "é"]])
def test_lines_come_back_as_they_were(tmp_path, lines):
    save_lines(tmp_path / "x", lines)
    assert load_lines(tmp_path / "x") == lines


def test_lines_that_are_not_utf_8(tmp_path):
    (tmp_path / "x").write_bytes(b"a\xffb\n")
    with pytest.raises(ArtifactError, match="text parts are UTF-8"):
        load_lines(tmp_path / "x")
    with pytest.raises(ArtifactError, match="cannot be read"):
        load_lines(tmp_path / "nowhere")
