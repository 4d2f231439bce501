from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import sys

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from text_helpers import TEXT

from morphvec.errors import InputError, MissingExtraError, OptionError
from morphvec.text import InputFile, Source, parse_sources
from morphvec.text.readers import Block, format_of, read_blocks
from morphvec.text.streams import Piece, Raw, open_raw, pieces

PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard.compress}


def held(data: bytes) -> Raw:
    return Raw("held.txt", io.BytesIO(data))


def decoded(data: bytes, *, errors: str = "strict", size: int = 1 << 18, suffix: str = "") -> list[Piece]:
    return list(pieces(held(data), suffix, errors=errors, size=size))


def blocks(
    text: str | bytes, form: str, *, ids: bool = True, size: int = 1 << 18, errors: str = "strict"
) -> list[Block]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_blocks(held(data), Source("held", ""), chosen=form, errors=errors, size=size, ids=ids))


def rows(found: list[Block]) -> list[tuple[str, str]]:
    """(id, text) of every line."""
    text = "".join(block.text for block in found)
    ids = [name for block in found for name in block.ids]
    assert text == "" or text.endswith("\n")
    return list(zip(ids, text.split("\n")[:-1], strict=True))


# -------------------------------------------------------------------------------------------------- arguments


def test_arguments_are_paths_with_or_without_a_language(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "x=y.txt", "b.txt"):
        (tmp_path / name).write_text("word")
    assert parse_sources(["a.txt", "x=y.txt"]) == (Source("a.txt", ""), Source("x=y.txt", ""))
    assert parse_sources(["fin=a.txt", "zh-Hant_2=b.txt", "fin=x=y.txt"]) == (
        Source("a.txt", "fin"),
        Source("b.txt", "zh-Hant_2"),
        Source("x=y.txt", "fin"),
    )
    assert parse_sources(["-"]) == (Source("-", ""),)
    assert parse_sources(["eng=-", "fin=a.txt"])[0] == Source("-", "eng")


def test_a_folder_stands_for_its_files_in_the_order_of_code_points(tmp_path) -> None:
    for name in ("b/z.txt", "B.txt", "a.txt", "ä.txt", ".hidden", ".git/config", "b/.x", "b/a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("word")
    os.mkfifo(tmp_path / "pipe")
    found = [source.path for source in parse_sources([f"fin={tmp_path}"])]
    assert found == [str(tmp_path / name) for name in ("B.txt", "a.txt", "b/a.txt", "b/z.txt", "ä.txt")]


def test_arguments_that_name_nothing_are_refused(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("word")
    (tmp_path / "empty").mkdir()
    file = str(tmp_path / "a.txt")
    for arguments, problem in (
        ([file, f"fin={file}"], "language"),
        (["missing.txt"], "missing.txt"),
        (["fin="], "fin="),
        (["1a=" + file], "1a="),
        ([str(tmp_path / "empty")], "no file"),
        (["-", "-"], "twice"),
        (["nul\0.txt"], "nul"),
    ):
        with pytest.raises(InputError, match=problem):
            parse_sources(arguments)


def test_the_extension_under_the_compression_suffix_says_the_format() -> None:
    for path, form in (
        ("a.tsv", "tsv"),
        ("a.TSV.gz", "tsv"),
        ("a.conllu.xz", "conllu"),
        ("a.conll", "conllu"),
        ("a.jsonl.zst", "jsonl"),
        ("b.tsv/a.ndjson.bz2", "jsonl"),
        ("a.txt", "text"),
        ("a.gz", "text"),
        ("tsv", "text"),
        ("-", "text"),
    ):
        assert format_of(path, "auto") == form
        assert format_of(path, "tsv") == "tsv"
    with pytest.raises(OptionError, match="csv"):
        format_of("a.csv", "csv")


# --------------------------------------------------------------------------------------------------- decoding


@settings(deadline=None)
@given(TEXT, st.sampled_from([1, 7, 64, 4096]))
def test_pieces_are_the_text_and_know_their_place(text, size) -> None:
    data = text.encode()
    found = decoded(data, size=size)
    whole = "".join(piece.text for piece in found)
    expected = text.removeprefix("\ufeff")
    assert whole == (expected if expected.endswith("\n") or not expected else expected + "\n")
    if text != expected:
        return
    done = ""
    for piece in found:
        assert (piece.line, piece.byte) == (1 + done.count("\n"), len(done.encode()))
        done += piece.text


@settings(deadline=None)
@given(st.binary(max_size=40), st.sampled_from([1, 3, 64]))
def test_replaced_bytes_are_those_that_python_replaces(data, size) -> None:
    text = data.decode("utf-8", "replace").replace("\0", "\ufffd").removeprefix("\ufeff")
    whole = "".join(piece.text for piece in decoded(data, errors="replace", size=size))
    assert whole == (text + "\n" if text and not text.endswith("\n") else text)


@pytest.mark.parametrize("size", [1, 5, 1 << 18])
@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"one\ntwo\nthr\xffee", "held.txt, line 3, byte 11: 0xFF"),
        (b"\xef\xbb\xbfa\x80", "held.txt, line 1, byte 4: 0x80"),
        (b"caf\xc3", "held.txt, line 1, byte 3: 0xC3"),
        (b"ab \xed\xa0\x80", "held.txt, line 1, byte 3: 0xED"),
        (b"\xff\xfeh\x00i\x00", "held.txt, line 1, byte 0: 0xFF"),
        ("ä\nb\0c\n".encode() + b"\xff", "held.txt, line 2, byte 4: 0x00"),
    ],
)
def test_what_is_not_text_is_refused_with_its_place(data, value, size) -> None:
    with pytest.raises(InputError) as caught:
        decoded(data, size=size)
    assert caught.value.value == value
    assert "--errors replace" in str(caught.value)


def test_a_line_without_spaces_is_cut_and_memory_stays_bounded() -> None:
    for text in ("中文" * 20_000, "a" * 40_000, "Σ.'" * 13_000):
        found = decoded(text.encode(), size=1000)
        assert "".join(piece.text for piece in found) == text + "\n"
        if "Σ" not in text:
            assert max(len(piece.text) for piece in found) <= 2000
    found = decoded(("Σ'" * 900_000).encode(), size=1 << 18)
    assert max(len(piece.text) for piece in found) < 1_600_000


# ---------------------------------------------------------------------------------------------- decompressing


@pytest.mark.parametrize("suffix", PACK)
def test_compressed_text_is_the_text(suffix) -> None:
    text = "".join(f"línea {number}\n" for number in range(50_000))
    packed = PACK[suffix](text.encode())
    raw = held(packed)
    assert "".join(piece.text for piece in pieces(raw, suffix, errors="strict", size=5000)) == text
    assert raw.summary() == InputFile("held.txt", len(packed), hashlib.sha256(packed).hexdigest())
    twice = decoded(packed + PACK[suffix](b"end"), suffix=suffix)
    assert "".join(piece.text for piece in twice) == text + "end\n"


@pytest.mark.parametrize("suffix", PACK)
def test_damaged_compressed_text_is_refused(suffix) -> None:
    noise = b"".join(hashlib.sha256(bytes([n % 256, n // 256])).hexdigest().encode() for n in range(2000))
    options = {"write_checksum": True} if suffix == ".zst" else {}
    packed = zstandard.ZstdCompressor(**options).compress(noise) if options else PACK[suffix](noise)
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 0x10
    cases = [
        packed[:-1],
        packed[: len(packed) // 2],
        packed[:5],
        bytes(flipped),
        noise,
        packed + b"garbage here",
    ]
    for case in cases:
        with pytest.raises(InputError, match="damaged or cut off"):
            decoded(case, suffix=suffix)


def test_xz_streams_may_be_padded() -> None:
    packed = lzma.compress(b"one ") + bytes(8) + lzma.compress(b"two") + bytes(4)
    assert "".join(piece.text for piece in decoded(packed, suffix=".xz")) == "one two\n"


def test_zst_without_its_package_names_the_extra(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'morphvec\[fast-io\]'"):
        decoded(b"", suffix=".zst")


def test_gzip_without_isal_is_the_same(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "isal", None)
    packed = gzip.compress(b"some words")
    assert "".join(piece.text for piece in decoded(packed, suffix=".gz")) == "some words\n"
    with pytest.raises(InputError, match="damaged or cut off"):
        decoded(packed[:-3], suffix=".gz")


def test_an_unreadable_file_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="No such file"):
        open_raw(str(tmp_path / "gone.txt"))
    with pytest.raises(InputError, match="directory"):
        open_raw(str(tmp_path))


# ---------------------------------------------------------------------------------------------------- formats


@settings(deadline=None)
@given(st.lists(st.tuples(st.text("abcxyzé.1", min_size=1, max_size=9), TEXT)), st.sampled_from([1, 7, 4096]))
def test_tsv_is_an_id_and_a_text(pairs, size) -> None:
    pairs = [(name, text.replace("\n", " ")) for name, text in pairs]
    data = "".join(f"{name}\t{text}\n" for name, text in pairs)
    found = blocks(data, "tsv", size=size)
    assert rows(found) == pairs
    starts = {}
    for block in found:
        starts.update((line, byte) for line, byte in block.starts)
    lengths = [len(f"{name}\t{text}\n".encode()) for name, text in pairs]
    assert starts == {line + 1: sum(lengths[:line]) for line in range(len(pairs))}


def test_tsv_keeps_further_tabs_and_skips_blank_lines() -> None:
    assert rows(blocks("v1\ta\tb\r\n\n  \nv2\t\nv1\tc", "tsv")) == [("v1", "a\tb\r"), ("v2", ""), ("v1", "c")]
    assert [block.text for block in blocks("v1\ta\n\tb\n", "tsv", ids=False)] == ["a\nb\n"]


@pytest.mark.parametrize("size", [1, 1 << 18])
@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("v1\ta\nno tab here\n", "line 2: no tab"),
        ("v1\ta\n\tb\n", "line 2: the id ''"),
        ("v1\ta\n" + "x" * 20_000, "line 2: no tab"),
        ("x" * 20_000 + "\ta", "the id|no tab"),
    ],
)
def test_tsv_without_its_ids_is_refused(data, problem, size) -> None:
    with pytest.raises(InputError, match=problem):
        blocks(data, "tsv", size=size)


CONLLU = """# newdoc
# sent_id = s1
1\tVamos\tir\tVERB
2-3\tal\t_\t_
2\ta\ta\tADP
3\tel\tel\tDET
3.1\t_\tnull\t_
4\tmar\tmar\tNOUN

# a comment alone

# sent_id=s2
1\tNew York\tNew York\tPROPN\r
"""


@pytest.mark.parametrize("size", [1, 1 << 18])
def test_conllu_is_surface_tokens(size) -> None:
    found = blocks(CONLLU, "conllu", size=size)
    assert rows(found) == [("s1", "Vamos al mar"), ("s2", "New York")]
    assert [start for block in found for start in block.starts] == [
        (3, CONLLU.index("1\tVamos")),
        (13, CONLLU.index("1\tNew")),
    ]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("one\ttwo\n", "line 1: 'one"),
        ("1\n", "line 1: '1'"),
        ("1\t\n", "line 1"),
        ("# sent_id = a\n1\ta\n\n1\tb\n", "line 4: the id ''"),
    ],
)
def test_conllu_rows_that_are_none_are_refused(data, problem) -> None:
    with pytest.raises(InputError, match=problem):
        blocks(data, "conllu")


@pytest.mark.parametrize("size", [1, 1 << 18])
def test_jsonl_is_strings_or_objects_with_a_text(size) -> None:
    data = '{"text": "a b", "id": "d1"}\n\n{"id": 7, "text": "two\\nlines\\n", "more": [1]}\r\n{"text": "", "id": "e"}'
    assert rows(blocks(data, "jsonl", size=size)) == [("d1", "a b"), ("7", "two"), ("7", "lines"), ("e", "")]
    assert (
        "".join(block.text for block in blocks('"a b"\n"c"\n', "jsonl", ids=False, size=size)) == "a b\nc\n"
    )


@settings(deadline=None)
@given(st.lists(TEXT))
def test_jsonl_gives_back_what_json_wrote(texts) -> None:
    data = "".join(json.dumps({"text": text, "id": number}) + "\n" for number, text in enumerate(texts))
    expected = [
        (str(number), line)
        for number, text in enumerate(texts)
        for line in text.removesuffix("\n").split("\n")
    ]
    assert rows(blocks(data, "jsonl", size=20)) == expected


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ('{"text": "a", "id": 1}\n{"text": \n', "line 2: not JSON"),
        ("[" * 100_000, "line 1: not JSON"),
        ('{"text": 5, "id": "a"}', "line 1"),
        ('{"id": "a"}', "line 1"),
        ('{"text": "a"}', "line 1: the id ''"),
        ('{"text": "a", "id": true}', "line 1"),
        ('{"text": "a", "id": "x\\ty"}', "line 1: the id"),
        ('{"text": "a", "id": "\\ud800"}', "line 1: the id"),
        ('{"text": "a\\u0000", "id": "x"}', r"line 1, byte 0: \\u0000"),
        ('{"text": "\\udc00", "id": "x"}', r"line 1, byte 0: \\udc00"),
    ],
)
def test_jsonl_records_that_are_none_are_refused(data, problem) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        blocks(data, "jsonl")
    assert "\n" not in str(caught.value)
    str(caught.value).encode()


def test_jsonl_replaces_what_utf8_cannot_say() -> None:
    assert blocks('"a\\u0000\\ud800b"', "jsonl", ids=False, errors="replace")[0].text == "a\ufffd\ufffdb\n"


def test_plain_text_has_no_ids() -> None:
    with pytest.raises(InputError, match="plain text"):
        blocks("a b\n", "text")
