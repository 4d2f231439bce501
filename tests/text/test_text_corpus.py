from __future__ import annotations

import errno
import gzip
import io
import os
import sys
import tempfile
import threading
import tracemalloc
from collections import Counter
from pathlib import Path

import naive_text as naive
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from text_helpers import NAMES, PLACES, TEXT, scan_file, units_of, words_by_line

from morphvec.engine.local import LocalEngine
from morphvec.errors import InputError, OptionError, OutputError
from morphvec.report import SILENT, Reporter
from morphvec.text import (
    Corpus,
    Encoded,
    Source,
    Tokenizer,
    Vocabulary,
    encode,
    parse_sources,
    scan,
    spotting,
    tokenize,
)
from morphvec.text.ahead import groups
from morphvec.text.encoded import RAW, open_stream
from morphvec.text.readers import Block

DATA = os.environ.get("MORPHVEC_DATA")
WHOLE = 1 << 20


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "scratch"
    made.mkdir()
    return made


def scan_bytes(data: bytes, tokenizer: Tokenizer, **options):
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "corpus.txt"
        path.write_bytes(data)
        scanned = scan_file(path, tokenizer, **options)
        return scanned, words_by_line(scanned)


# ------------------------------------------------------------------------------------- the same as plain Python


@settings(deadline=None, max_examples=100)
@given(
    TEXT, st.sampled_from(NAMES), st.sampled_from(["lower", "keep"]), st.booleans(), st.sampled_from(PLACES),
    st.sampled_from([7, 64, 4096]),
)  # fmt: skip
@example("ΑΣ ΑΣ'Α ΑΣ.Σ\r\nΣ", "unicode", "lower", False, "", 7)
@example("rock'n'roll dogs' 'n' a''b", "unicode", "lower", False, "", 7)
@example("ẹ̀kọ́ ẹ̀kọ́\u0301\u0323", "unicode", "lower", False, "", 7)
@example("중ᄀ\u1161\u11a8文字化け。日本語の文", "unicode", "keep", False, "", 7)
@example("İSTANBUL I\u0307I", "letters", "lower", False, "tur", 7)
def test_a_corpus_reads_as_line_by_line_python_does(text, name, case, hyphen, language, size) -> None:
    hyphen = hyphen and name == "unicode"
    tokenizer = Tokenizer(name, case, hyphen)
    data = ("two words " + text).encode()
    rows, counts = naive.read(data, name, case=case, join_hyphen=hyphen, language=language)
    if any(set(word) & set("\t\r") for word in counts):
        with pytest.raises(InputError, match="tab, LF or CR"):
            scan_bytes(data, tokenizer, language=language)
        return
    prefix = f"{language}:" if language else ""
    for chunk in (WHOLE, size):
        scanned, words = scan_bytes(data, tokenizer, language=language, chunk_chars=chunk)
        assert words == [[prefix + word for word in row] for row in rows]
        assert dict(zip(scanned.types, scanned.counts.tolist(), strict=True)) == {
            prefix + word: count for word, count in counts.items()
        }
        assert (scanned.tokens, scanned.lines) == (counts.total(), len(rows))
        lines = [line.removesuffix("\r") for line in data.decode().split("\n")]
        assert [word for line in lines for word in tokenizer.tokens(line, language)] == [
            w for r in rows for w in r
        ]


@pytest.mark.parametrize("name", NAMES)
def test_the_table_of_types_grows_without_losing_one(name) -> None:
    words = [f"{'x' * (n % 90)}y{n:x}" for n in range(70_000)]
    lines = [" ".join(words[begin : begin + 9]) for begin in range(0, len(words), 7)]
    data = "\n".join(lines).encode()
    name = "regex:[a-z0-9]+" if name.startswith("regex") else name
    if name == "letters":
        return
    scanned, _ = scan_bytes(data, Tokenizer(name))
    _, counts = naive.read(data, name)
    assert dict(zip(scanned.types, scanned.counts.tolist(), strict=True)) == counts


def test_types_are_exact_where_hashes_of_words_are_many(folder) -> None:
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    words = [a + b + c for a in alphabet for b in alphabet for c in alphabet] + list(alphabet)
    found = scan(Corpus((), sentences=[words, words]), folder=folder, units=False, reporter=SILENT)
    assert found.types == tuple(words)
    assert found.counts.tolist() == [2] * len(words)


def test_files_without_a_line_end_and_with_a_mark_at_the_start(tmp_path, folder) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone two\n\nthree")
    (tmp_path / "b.txt").write_bytes(b"\xef\xbb\xbffour\r\n")
    corpus = Corpus(parse_sources([str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]))
    found = scan(corpus, folder=folder, units=False, reporter=SILENT)
    assert words_by_line(found) == [["one", "two"], [], ["three"], ["four"]]
    assert [item.name for item in found.inputs] == ["a.txt", "b.txt"]
    assert [item.bytes for item in found.inputs] == [17, 9]


def test_stdin_is_a_source(folder, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"eins zwei\nEINS")))
    found = scan(Corpus(parse_sources(["deu=-"])), folder=folder, units=False, reporter=SILENT)
    assert words_by_line(found) == [["deu:eins", "deu:zwei"], ["deu:eins"]]
    assert found.inputs[0].name == "-"
    assert not sys.stdin.buffer.closed


def test_two_languages_with_the_same_word_are_two_types_and_share_units(tmp_path, folder) -> None:
    (tmp_path / "spa.tsv.gz").write_bytes(gzip.compress(b"v1\tno mar\nv3\tNo\n"))
    (tmp_path / "por.tsv").write_text("v2\tmar\nv1\tmar não\nv1\t\n", encoding="utf-8")
    corpus = Corpus(parse_sources([f"spa={tmp_path}/spa.tsv.gz", f"por={tmp_path}/por.tsv"]))
    found = scan(corpus, folder=folder, units=True, reporter=SILENT)
    assert found.languages == ("por", "spa")
    rows = words_by_line(found)
    assert rows == [["spa:no", "spa:mar"], ["spa:no"], ["por:mar"], ["por:mar", "por:não"], []]
    assert found.unit_names == ("v1", "v3", "v2")
    assert units_of(found) == ["v1", "v3", "v2", "v1", "v1"]
    vocabulary = Vocabulary.from_scan(found, 2, None)
    assert vocabulary.words == ("por:mar", "spa:no")
    encoded = encode(found, vocabulary, folder)
    assert encoded.ids.tolist() == [1, -1, 1, -1, 0, -1, 0, -1, -1]
    assert encoded.units.tolist() == [0, 1, 2, 0, 0]
    assert (encoded.tokens, encoded.lines, encoded.unit_names) == (4, 5, ("v1", "v3", "v2"))


@pytest.mark.parametrize("name", NAMES)
def test_units_stay_with_their_lines_for_every_chunk_size(tmp_path, name) -> None:
    path = tmp_path / "a.tsv"
    pairs = [(f"v{n % 7}", "word " * n + "end") for n in range(40)]
    path.write_text("".join(f"{unit}\t{text}\n" for unit, text in pairs))
    for chunk in (7, 64, WHOLE):
        found = scan_file(path, Tokenizer(name), units=True, chunk_chars=chunk)
        assert units_of(found) == [unit for unit, _ in pairs]
        assert words_by_line(found) == [text.split() for _, text in pairs]


def test_conllu_and_jsonl_are_read_through(tmp_path) -> None:
    conllu, jsonl = tmp_path / "a.conllu", tmp_path / "a.jsonl"
    conllu.write_text("# sent_id = s1\n1-2\tdel\t_\n1\tde\tde\n2\tel\tel\n3\tMar\tmar\n\n", encoding="utf-8")
    jsonl.write_text('{"id": 3, "text": "Del mar."}\n', encoding="utf-8")
    for path, unit in ((conllu, "s1"), (jsonl, "3")):
        found = scan_file(path, units=True)
        assert words_by_line(found) == [["del", "mar"]]
        assert units_of(found) == [unit]


def test_a_known_vocabulary_leaves_other_words_out_at_once(tmp_path, folder) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("a a a b b c", encoding="utf-8")
    second.write_text("x c A\nq\na y", encoding="utf-8")
    for name in ("unicode", r"regex:\w+"):
        vocabulary = Vocabulary.from_scan(scan_file(first, Tokenizer(name)), 1, None)
        found = scan_file(second, Tokenizer(name), known=vocabulary)
        assert found.types == vocabulary.words == ("a", "b", "c")
        assert found.counts.tolist() == [2, 0, 1]
        assert open_stream(found.folder / RAW).tolist() == [2, 0, -1, -1, 0, -1]
        assert found.tokens == 6
        encoded = encode(found, vocabulary, folder)
        assert encoded.ids.tolist() == [2, 0, -1, -1, 0, -1]
        assert encoded.tokens == 3


def test_a_known_vocabulary_with_languages(tmp_path, folder) -> None:
    path = tmp_path / "a.txt"
    path.write_text("mar no mar", encoding="utf-8")
    both = Corpus((Source(str(path), "spa"), Source(str(path), "por")))
    vocabulary = Vocabulary.from_scan(scan(both, folder=folder, units=False, reporter=SILENT), 1, None)
    assert vocabulary.words == ("por:mar", "spa:mar", "por:no", "spa:no")
    found = scan_file(path, language="spa", known=vocabulary)
    assert found.counts.tolist() == [0, 2, 0, 1]
    assert encode(found, vocabulary, folder).ids.tolist() == [1, 3, 1, -1]
    with pytest.raises(OptionError, match="without languages"):
        scan_file(path, known=vocabulary)
    with pytest.raises(OptionError, match="'fin'"):
        scan_file(path, language="fin", known=vocabulary)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.sampled_from(["a", "b b", "Σ", "中", "xyz", "é"]))),
    st.integers(1, 3),
    st.integers(2, 4),
)
def test_encoding_maps_the_stream_to_rows(sentences, min_count, max_vocab) -> None:
    counts = Counter(word for sentence in sentences for word in sentence)
    kept = naive.vocabulary(counts, min_count, max_vocab)
    with tempfile.TemporaryDirectory() as name:
        if not counts:
            with pytest.raises(InputError, match="0 tokens"):
                scan(Corpus((), sentences=sentences), folder=Path(name), units=False, reporter=SILENT)
            return
        found = scan(Corpus((), sentences=sentences), folder=Path(name), units=False, reporter=SILENT)
        if len(kept) < 2:
            with pytest.raises(InputError, match="at least two words"):
                Vocabulary.from_scan(found, min_count, max_vocab)
            return
        vocabulary = Vocabulary.from_scan(found, min_count, max_vocab)
        assert list(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)) == kept
        encoded: Encoded = encode(found, vocabulary, Path(name))
        expected = [[vocabulary.index[w] for w in row if w in vocabulary.index] + [-1] for row in sentences]
        assert encoded.ids.tolist() == [row for line in expected for row in line]
        assert encoded.ids.dtype == np.int32
        assert encoded.tokens == int(vocabulary.counts.sum())
        assert (encoded.lines, encoded.units.size) == (len(sentences), 0)


def test_sentences_are_taken_as_they_are_and_hashed(folder) -> None:
    sentences = (["New York", "IS", "."], [], ["is"])
    found = scan(Corpus((), sentences=sentences), folder=folder, units=False, reporter=SILENT)
    assert words_by_line(found) == [list(sentence) for sentence in sentences]
    again = scan(Corpus((), sentences=list(sentences)), folder=folder, units=False, reporter=SILENT)
    other = scan(
        Corpus((), sentences=[["New", "York", "IS", "."], [], ["is"]]),
        folder=folder,
        units=False,
        reporter=SILENT,
    )
    assert found.inputs == again.inputs != other.inputs


@pytest.mark.parametrize(
    ("sentences", "problem"),
    [
        (["a string"], "is the string"),
        ([["a", 5]], "holds 5"),
        ([["a", ""]], "''"),
        ([["a", "b\tc"]], "b.tc"),
        ([["a", "\ud800"]], "ud800"),
        ([["a", "b\n"]], "tab, LF"),
        ([["中" * 333_334, "a"]], "1 MB"),
        ([[]], "0 tokens"),
        ([], "0 tokens"),
    ],
)
def test_sentences_that_are_no_words_are_refused(folder, sentences, problem) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        scan(Corpus((), sentences=sentences), folder=folder, units=False, reporter=SILENT)
    str(caught.value).encode()


@settings(deadline=None, max_examples=40)
@given(st.lists(TEXT, min_size=1, max_size=12), st.sampled_from(NAMES[:3]), st.sampled_from([7, 64, WHOLE]))
@example(["one two", "Σ", "two threeΣ"], "unicode", 7)
def test_threads_and_blocks_give_the_same_ids(texts, name, size) -> None:
    data = ("two words\n" + "\n".join(texts) + " two").encode()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "corpus.txt"
        path.write_bytes(data)
        whole = scan_file(path, Tokenizer(name), engine=LocalEngine(1))
        other = scan_file(path, Tokenizer(name), engine=LocalEngine(3), chunk_chars=size)
        assert other.types == whole.types
        assert np.array_equal(other.counts, whole.counts)
        raw = [open_stream(found.folder / RAW).tolist() for found in (whole, other)]
        assert raw[0] == raw[1]


def test_reading_ahead_ends_with_its_reader(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"word " * 50_000 + b"\xff" + b" word" * 50_000)
    for _ in range(3):
        with pytest.raises(InputError, match="byte 250000: 0xFF"):
            scan_file(path, engine=LocalEngine(2), chunk_chars=5000)
    path.write_bytes(b"word " * 50_000)
    gone = groups(iter([Block("a ", 1, 0)] * 100), 2, ahead=True)
    assert [block.text for block in next(gone)][:1] == ["a "]
    gone.close()
    assert not any(thread.name == "morphvec-reader" for thread in threading.enumerate())


def test_blocks_before_an_error_are_given_out_first() -> None:
    def failing():
        yield from [Block(str(number), 1, 0) for number in range(5)]
        raise InputError("a", "b", "c")

    for ahead in (False, True):
        found: list[str] = []
        try:
            for group in groups(failing(), 2, ahead=ahead):
                found += [block.text for block in group]
        except InputError:
            found.append("error")
        assert found == ["0", "1", "2", "3", "4", "error"]


# --------------------------------------------------------------------------------------------------- refusals


def test_a_corpus_that_is_none_is_refused(tmp_path, folder) -> None:
    source = Source(str(tmp_path / "a.txt"), "")
    for options, problem in (
        ({"sources": ()}, "no corpus"),
        ({"sources": (source,), "sentences": [["a"]]}, "at once"),
        ({"sources": (source,), "format": "csv"}, "csv"),
        ({"sources": (source,), "errors": "ignore"}, "ignore"),
    ):
        with pytest.raises((InputError, OptionError), match=problem):
            Corpus(**options)
    with pytest.raises(InputError, match="No such file"):
        scan(Corpus((source,)), folder=folder, units=False, reporter=SILENT)
    with pytest.raises(InputError, match="carry no ids"):
        scan(Corpus((), sentences=[["a"]]), folder=folder, units=True, reporter=SILENT)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"  \r\n", b"\xef\xbb\xbf", b"... -- !"])
def test_a_corpus_without_a_word_is_refused(data) -> None:
    with pytest.raises(InputError, match="0 tokens"):
        scan_bytes(data, Tokenizer())


def test_an_empty_file_among_others_is_pointed_out(tmp_path, folder) -> None:
    (tmp_path / "a.txt").write_text("a b")
    (tmp_path / "b.txt").write_text("")
    stream = io.StringIO()
    corpus = Corpus(parse_sources([str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]))
    scan(corpus, folder=folder, units=False, reporter=Reporter(quiet=True, stream=stream))
    assert "b.txt holds no words" in stream.getvalue()


def test_invalid_bytes_stop_the_scan_or_are_replaced() -> None:
    data = b"one two\n\nthr\xffee \0four"
    with pytest.raises(InputError, match=r"corpus.txt, line 3, byte 12: 0xFF"):
        scan_bytes(data, Tokenizer())
    _, words = scan_bytes(data, Tokenizer("whitespace"), errors="replace")
    assert words == [["one", "two"], [], ["thr\ufffdee", "\ufffdfour"]]


@pytest.mark.parametrize("chunk", [1 << 16, 1 << 22])
@pytest.mark.parametrize("name", ["unicode", "whitespace", "letters", r"regex:[^ ]+"])
@pytest.mark.parametrize("letter", ["x", "文", "e\u0301"])
def test_a_token_of_a_megabyte_is_refused_with_its_place(name, chunk, letter) -> None:
    if name == "letters" and len(letter) > 1:
        letter = "é"  # a mark ends a word of letters
    before = "Σ one\nI\u0323 two "
    data = before.encode() + letter.encode() * 1_000_000 + b" end\n"
    with pytest.raises(InputError) as caught:
        scan_bytes(data, Tokenizer(name), chunk_chars=chunk)
    place = len("Σ one\n".encode()) if name.startswith("regex") else len(before.encode())
    assert caught.value.value == f"corpus.txt, line 2, byte {place}: a token of 1 MB or more"


def test_a_token_of_a_byte_less_is_kept() -> None:
    for chunk in (1 << 16, 1 << 22):
        found, _ = scan_bytes(b"a " + b"b" * 999_999 + b" c", Tokenizer(), chunk_chars=chunk)
        assert [len(word) for word in found.types] == [1, 999_999, 1]


def test_a_long_token_in_a_record_is_refused_with_the_place_of_its_line(tmp_path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("v1\tone\nv2\ttwo " + "x" * 1_000_000 + "\nv3\tthree\n")
    for name in NAMES[:3]:
        with pytest.raises(InputError, match=r"a.tsv, line 2, byte 7: a token"):
            scan_file(path, Tokenizer(name), chunk_chars=1 << 16)


def test_a_match_that_breaks_a_line_is_refused_with_its_line() -> None:
    with pytest.raises(InputError, match=r"corpus.txt, line 2: the token 'b\\tc'"):
        scan_bytes(b"a b\nb\tc\n", Tokenizer("regex:b.c"))


def test_a_full_disk_is_a_clear_error(tmp_path, folder, monkeypatch) -> None:
    (tmp_path / "a.txt").write_text("a b c")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("morphvec.text.corpus._Sink.write", full)
    with pytest.raises(OutputError, match="No space left"):
        scan_file(tmp_path / "a.txt")


# ------------------------------------------------------------------------------------------------ long lines


@pytest.mark.parametrize(
    ("name", "form"), [("unicode", "text"), ("whitespace", "tsv"), (r"regex:\w+", "text")]
)
def test_one_long_line_in_bounded_memory(tmp_path, monkeypatch, name, form) -> None:
    words, repeats = ["kala", "ŋ'ombe", "ẹ̀kọ́"], 40_000 if name.startswith("regex") else 250_000
    for module in (tokenize, spotting):  # a pattern sees a line in twelve pieces
        monkeypatch.setattr(module, "LONGEST_MATCHED", 1 << 16)
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(("v1\t" * (form == "tsv") + " ".join(words * repeats)).encode(), 1))
    scan_bytes(b"a b", Tokenizer(name))  # compiled, tables built
    tracemalloc.start()
    found = scan_file(path, Tokenizer(name), format=form, chunk_chars=1 << 16)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.counts.max() == repeats
    assert found.lines == 1
    # The text alone takes 26 MB as a string. An empty lexicon takes 8 MB; a pattern holds a piece and its matches.
    assert peak < (20_000_000 if name.startswith("regex") else 16_000_000)


@pytest.mark.parametrize("tail", ["", "\r", "\r\n", "\n", "x"])
def test_a_pattern_sees_the_same_pieces_of_a_long_line_for_every_chunk_size(tail, monkeypatch) -> None:
    longest = 1 << 14
    for module in (tokenize, spotting):
        monkeypatch.setattr(module, "LONGEST_MATCHED", longest)
    pattern = Tokenizer(r"regex:\S+(?: \S+)?")
    for words in (
        "ab cd efg " * (longest // 5),
        "x" * (longest - 2000) + " " + "y" * (longest - 5000),
        "a " * (longest // 2),
    ):
        text = words + tail
        expected = Counter(pattern.tokens(text.removesuffix("\r")))
        for chunk in (1_003, 1 << 22):
            if any("\r" in word for word in expected):
                continue
            found, _ = scan_bytes(text.encode(), pattern, chunk_chars=chunk)
            assert dict(zip(found.types, found.counts.tolist(), strict=True)) == expected


# ----------------------------------------------------------------------------------------------------- real


@pytest.mark.skipif(DATA is None, reason="MORPHVEC_DATA names no folder with the real data")
@pytest.mark.parametrize("name", NAMES[:3])
def test_a_real_bible_reads_as_plain_python_reads_it(name) -> None:
    path = Path(str(DATA)) / "bible" / "que.txt.gz"
    rows = gzip.decompress(path.read_bytes()).decode().splitlines()
    counts = Counter(word for row in rows for word in naive.tokens(row.partition("\t")[2], name))
    with tempfile.TemporaryDirectory() as scratch:
        corpus = Corpus((Source(str(path), ""),), Tokenizer(name), "tsv")
        found = scan(corpus, folder=Path(scratch), units=True, reporter=SILENT)
        assert dict(zip(found.types, found.counts.tolist(), strict=True)) == counts
        assert units_of(found) == [row.partition("\t")[0] for row in rows]
