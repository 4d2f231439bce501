"""word2vec and GloVe text: what is read, what is refused and where, and that nothing changes on the way."""

from __future__ import annotations

import bz2
import gzip
import lzma

import numpy as np
import pytest
from embedding_models import composed, plain
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from characters import ANY
from morphvec.embeddings import Embeddings, tables
from morphvec.embeddings.formats import catalogue, fasttext, model2vec, source, spacy, word2vec
from morphvec.errors import InputError, OptionError, OutputError
from morphvec.text.tokenize import Tokenizer
from naive_formats import outcome

FINITE = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(1, 4)),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
)


def put(folder, data, name="v.txt"):
    (folder / name).write_bytes(data)
    return folder / name


def read(folder, data, format_="auto", **options):
    return catalogue.read(put(folder, data), format_, **options)


@pytest.mark.parametrize("format_", ["word2vec", "glove", "fasttext-vec"])
@given(FINITE)
@settings(deadline=None, max_examples=50)
def test_any_float32_comes_back_from_nine_digits(tmp_path_factory, format_, vectors):
    path = tmp_path_factory.getbasetemp() / f"{format_}.txt"
    model = Embeddings([f"w{row}" for row in range(len(vectors))], vectors)
    catalogue.write(model, path, format_)
    found = catalogue.read(path, format_).model
    assert found.words == model.words
    assert np.array_equal(found.vectors, vectors)
    assert found.vectors.tobytes() == vectors.tobytes()


def test_header_and_no_header(tmp_path):
    rows = b"paris 1 0\nfrance 0.5 -8e-1\n"
    for data, name in ((rows, "glove"), (b"2 2\n" + rows, "word2vec")):
        found = read(tmp_path, data)
        assert found.format == name
        assert found.model.words == ("paris", "france")
        assert found.model.vectors.tolist() == [[1, 0], [0.5, np.float32(-0.8)]]
        assert found.notes == ()
        assert found.model.counts is None
        with_ends = data.replace(b"\n", b" \r\n")  # fastText ends rows with a space
        assert read(tmp_path, with_ends).model.vectors.tolist() == found.model.vectors.tolist()
        marked = read(tmp_path, b"\xef\xbb\xbf" + data)
        assert (marked.format, marked.model.words) == (name, ("paris", "france"))


def test_a_name_settles_what_a_first_line_of_two_numbers_is(tmp_path):
    data = b"2 3\n4 5\n66666666 7.777777\n"
    assert read(tmp_path, data, "glove").model.words == ("2", "4", "66666666")
    with pytest.raises(InputError, match="line 2 has 1 numbers"):
        read(tmp_path, data, "word2vec")
    with pytest.raises(InputError, match="line 1: 'a 1'; this format begins with the number of words"):
        read(tmp_path, b"a 1\nb 2\n", "word2vec")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compression_is_told_by_content(tmp_path, pack):
    data = b"2 2\n" + b"a 1 2\nb 3 4\n"
    assert read(tmp_path, pack(data)).model.vectors.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(InputError, match="damaged or cut off"):
        read(tmp_path, pack(data)[:-6])


def test_lines_may_cross_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "BLOCK", 7)
    model = plain(30, 5)
    word2vec.write_text(model, tmp_path / "v.txt")
    assert np.array_equal(word2vec.read_text(tmp_path / "v.txt").vectors, model.vectors)


def test_the_tokenizer_folds_queries_and_not_words(tmp_path):
    found = read(tmp_path, b"Paris 1\nrome 2\n", tokenizer=Tokenizer("unicode", "lower")).model
    assert found.words == ("Paris", "rome")
    assert found.row("ROME") == 1


def test_a_word_may_hold_spaces_where_no_number_is_taken_for_one(tmp_path):
    data = b"the 1 2\n. . . 3 4\nat name@domain.com 5 6\n"
    found = read(tmp_path, data).model
    assert found.words == ("the", ". . .", "at name@domain.com")
    assert found.vectors.tolist() == [[1, 2], [3, 4], [5, 6]]
    for row in (b"a 1 2 3", b"a b 1 2 3", b". 7 1 2"):
        with pytest.raises(InputError, match="line 2 has"):
            read(tmp_path, b"the 1 2\n" + row + b"\n")


REFUSED = {
    "a short row": (b"a 1 2\nb 1\n", "line 2 has 1 numbers"),
    "a number that is none": (b"2 2\na 1 x\nb 1 2\n", "line 2: '1 x'"),
    "a digit separator": (b"a 1 2\nb 1_0 2\n", "line 2: '1_0 2'"),
    "NaN": (b"a 1 2\nb nan 2\n", "line 2: the vector of 'b' is not finite"),
    "infinity": (b"a 1 2\nb -inf 2\n", "line 2: the vector of 'b' is not finite"),
    "beyond float32": (b"a 1 2\nb 1e39 2\n", "line 2: the vector of 'b' is not finite"),
    "a word twice": (b"a 1\nb 2\na 3\n", "line 3: the word 'a'; a word comes once, .* in line 1 already"),
    "no word": (b"a 1 2\n 1 2\n", "line 2 has 2 numbers"),
    "tabs": (b"a\t1 2\nb\t1 2\n", "line 1 holds a tab"),
    "an empty line": (b"a 1 2\n\nb 1 2\n", "line 2 has 0 numbers"),
    "not UTF-8": (b"a 1 2\nb\xff 1 2\n", "line 2: the word b'b.xff'"),
    "NUL": (b"a 1 2\nb\0 1 2\n", "line 2: the word 'b.x00'"),
    "too few rows": (b"3 2\na 1 2\n", "v.txt .*states"),
    "too many rows": (b"1 2\na 1 2\nb 1 2\n", "has 2 rows and states 1"),
    "no rows": (b"3 2\n", "states 3 rows of at least"),
    "no dimensions": (b"3 0\n", "states 3 words of 0 numbers"),
    "no words": (b"0 3\n", "states 0 words of 3 numbers"),
    "a header of the world": (b"999999999999 300\na 1 2\n", "states 999,999,999,999 rows"),
    "a dimension of the world": (b"1 999999999999\na 1 2\n", "of 1 to 1,000,000 numbers"),
    "nothing": (b"", "is empty"),
    "prose": (b"the quick brown fox\njumps\n", "no file of vectors that is known here"),
    "one word a line": (b"the\nquick\n", "no file of vectors that is known here"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_line(tmp_path, name):
    data, said = REFUSED[name]
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path, data)
    assert len(str(caught.value).split("; ")) >= 3


def test_words_that_are_not_utf_8_can_be_replaced(tmp_path):
    data = b"a\xff 1\nb 2\na\xfe 3\na\xef\xbf\xbd 4\n"
    found = read(tmp_path, data, errors="replace")
    assert found.model.words == ("a\ufffd", "b")
    assert found.model.vectors.tolist() == [[1], [2]]
    assert found.notes == (
        "2 words are not UTF-8 and hold U+FFFD now; 2 became words that were there and are left out",
    )
    counted = read(tmp_path, b"3 1\na\xff 1\nb 2\na\xfe 3\n", errors="replace")  # the header counts all rows
    assert counted.model.words == ("a\ufffd", "b")
    with pytest.raises(InputError, match="a word comes once"):
        read(tmp_path, b"a 1\na 2\n", errors="replace")
    with pytest.raises(OptionError, match="strict or replace"):
        read(tmp_path, data, errors="ignore")


def test_a_line_without_end_is_not_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "LONGEST_LINE", 1000)
    with pytest.raises(InputError, match="a line of 1,000 bytes or more"):
        read(tmp_path, b"a 1\nb " + b"1" * 5000, "glove")


def test_paths_that_are_no_file_of_vectors(tmp_path):
    plain().save(tmp_path / "M")
    for path, said in (
        (tmp_path / "none", "No such file"),
        (tmp_path, "is a folder"),
        (tmp_path / "M", "it is a model already"),
        (tmp_path / "M" / "vectors.safetensors", "is a safetensors file"),
    ):
        with pytest.raises(InputError, match=said):
            catalogue.read(path)
    with pytest.raises(OptionError, match="auto or one of word2vec"):
        catalogue.read(tmp_path / "M", "zip")


@given(st.binary(max_size=300) | st.text(ANY, max_size=60).map(str.encode))
@settings(deadline=None, max_examples=200)
def test_bytes_of_any_kind_are_read_or_refused(tmp_path_factory, data):
    path = put(tmp_path_factory.getbasetemp(), data, "any")
    for format_ in ("auto", *catalogue.READERS):
        found = outcome(path, format_)
        if isinstance(found, str):
            assert "\n" not in found
            assert len(found) < 600
        else:
            assert len(found) >= 1
            assert np.isfinite(found.vectors).all()


# ------------------------------------------------------------------------------------------------ writing


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\r", "\v", "\f"])
def test_words_with_white_space_are_refused_by_text(tmp_path, space):
    model = Embeddings(["a", f"b{space}c"], np.eye(2))
    for format_ in ("word2vec", "glove", "fasttext-vec"):
        with pytest.raises(OutputError, match="cannot carry words with spaces"):
            catalogue.write(model, tmp_path / "v", format_)
    assert list(tmp_path.iterdir()) == []


def test_what_is_lost_is_named(tmp_path):
    assert catalogue.lost(plain(), "word2vec") == []
    assert catalogue.lost(composed(), "word2vec") == [
        "what unseen words are composed from (ngrams)",
        "counts",
        "feature vectors",
        "how queries are folded",
    ]


def test_an_interrupted_export_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "v").write_text("precious")
    model = plain()

    def stop(*_):  # what formats call that are not written row by row
        raise KeyboardInterrupt

    for module in (fasttext, model2vec, spacy, tables):
        monkeypatch.setattr(module, "dense_rows", stop)
    folders = ("model2vec", "sentence-transformers", "spacy", "projector")  # they refuse what stands there

    class Stops:
        def row(self, number):
            if number == 20:
                raise KeyboardInterrupt
            return model.vectors[number]

    model.rows = Stops()
    for format_ in catalogue.WRITERS:
        with pytest.raises(KeyboardInterrupt):
            catalogue.write(model, tmp_path / ("new" if format_ in folders else "v"), format_)
    assert [file.name for file in tmp_path.iterdir()] == ["v"]
    assert (tmp_path / "v").read_text() == "precious"
