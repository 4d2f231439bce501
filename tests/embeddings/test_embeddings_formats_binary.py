"""word2vec binary, against files written by hand; and the files that are refused by name."""

from __future__ import annotations

import gzip
import io
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest
from embedding_models import plain, sparse_and_dense
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from characters import ANY
from morphvec.embeddings import Embeddings
from morphvec.embeddings.formats import catalogue, source, word2vec_bin
from morphvec.errors import InputError, OutputError
from naive_formats import outcome, word2vec_binary

WORDS = ["paris", "हिन्दी", "naïve", "tab\there", "\u00a0"]
VECTORS = np.array([[1, -0.0], [3e-45, 3.4e38], [0.1, 7], [-5, 6], [8, 9]], np.float32)


def data_of(words=WORDS, vectors=VECTORS, **changes):
    return word2vec_binary([word.encode() for word in words], vectors, **changes)


def read(folder, data, format_="auto", **options):
    (folder / "v.bin").write_bytes(data)
    return catalogue.read(folder / "v.bin", format_, **options)


@pytest.mark.parametrize("between", [b"", b"\n"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("block", [5, 1 << 20])
def test_a_file_written_by_hand_is_read_bit_for_bit(tmp_path, monkeypatch, between, pack, block):
    monkeypatch.setattr(source, "BLOCK", block)
    found = read(tmp_path, pack(data_of(between=between)))
    assert found.format == "word2vec-bin"
    assert found.model.words == tuple(WORDS)
    assert found.model.vectors.tobytes() == VECTORS.tobytes()
    assert found.model.counts is None


@given(
    st.lists(st.text(ANY.filter(lambda character: character not in " \n\0"), min_size=1), unique=True, min_size=1, max_size=6),
    st.data(),
)  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_out_and_in_keeps_every_word_and_bit(tmp_path_factory, words, data):
    path = tmp_path_factory.getbasetemp() / "any.bin"
    finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
    vectors = data.draw(
        arrays.arrays(np.float32, (len(words), data.draw(st.integers(1, 4))), elements=finite)
    )
    model = Embeddings(words, vectors)
    word2vec_bin.write_binary(model, path)
    assert path.read_bytes() == data_of(words, vectors)
    found = catalogue.read(path, "word2vec-bin").model
    assert found.words == tuple(words)
    assert found.vectors.tobytes() == vectors.tobytes()


def test_many_rows_grow_as_they_are_read(tmp_path):
    model = plain(5000, 3)
    word2vec_bin.write_binary(model, tmp_path / "v")
    for data in ((tmp_path / "v").read_bytes(), gzip.compress((tmp_path / "v").read_bytes(), 1)):
        assert np.array_equal(read(tmp_path, data).model.vectors, model.vectors)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_cut_off_anywhere_is_refused(tmp_path, pack):
    whole = data_of(["one", "two"], VECTORS[:2])
    for length in range(len(whole)):
        for format_ in ("auto", "word2vec-bin"):
            with pytest.raises(InputError):
                read(tmp_path, pack(whole[:length]), format_)
    with pytest.raises(InputError, match=r"ends at byte \d+, inside row 2 of 2|left"):
        read(tmp_path, pack(whole[:-1]))
    assert len(read(tmp_path, pack(whole + b"\n")).model) == 2


REFUSED = {
    "more rows than stated": (data_of() + b"more ........", "goes on after 5 rows"),
    "a word twice": (data_of(["a", "b", "a"], VECTORS[:3]), "row 3: the word 'a'; a word comes once, .* row 1"),
    "NaN": (data_of(["a", "b"], [[1, 2], [3, np.nan]]), "row 2: the vector of 'b' is not finite"),
    "infinity": (data_of(["a", "b"], [[np.inf, 2], [3, 0]]), "row 1: the vector of 'a' is not finite"),
    "not UTF-8": (word2vec_binary([b"a\xff"], VECTORS[:1]), "row 1: the word b'a.xff'.*--errors replace"),
    "an empty word": (word2vec_binary([b"abc", b""], VECTORS[:2]), "row 2: the word ''"),
    "NUL in a word": (word2vec_binary([b"a\0"], VECTORS[:1]), "row 1: the word 'a.x00'"),
    "a line feed in a word": (word2vec_binary([b"a\nb"], VECTORS[:1]), "row 1: the word 'a.nb'"),
    "sizes of the world": (b"9999999999 300\na \x00\x01", "9,999,999,999 words of 300 numbers, .* and has 4 left"),
    "a dimension of the world": (b"1 99999999999\na \x00\x01", "of 1 to 1,000,000 numbers"),
    "no dimension": (b"2 0\na \x00", "states 2 words of 0 numbers"),
    "no words": (b"0 2\na \x00", "states 0 words of 2 numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_row(tmp_path, name):
    data, said = REFUSED[name]
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path, data, "word2vec-bin")
    assert len(str(caught.value).split("; ")) >= 3
    with pytest.raises(InputError):
        read(tmp_path, data)


def test_no_header_and_no_space(tmp_path):
    with pytest.raises(InputError, match="begins with a line of two whole numbers"):
        read(tmp_path, b"paris 1 2\n", "word2vec-bin")
    with pytest.raises(InputError, match="no space within"):
        read(tmp_path, b"2 1\n" + b"\xff" * 2_000_000)


def test_a_header_allocates_nothing(tmp_path):
    """A compressed file has no size to check against: rows grow as they are read."""
    (tmp_path / "v").write_bytes(gzip.compress(b"999999999 100000\n" + b"a " + b"\x00" * 4000))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="inside row 1 of 999,999,999"):
            catalogue.read(tmp_path / "v")
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_words_cut_inside_a_letter_can_be_replaced(tmp_path):
    """word2vec cuts words at 100 bytes, wherever that is."""
    data = word2vec_binary([b"na\xc3", b"b", b"na\xc4"], VECTORS[:3])
    found = read(tmp_path, data, errors="replace")
    assert found.model.words == ("na\ufffd", "b")
    assert found.model.vectors.tobytes() == VECTORS[:2].tobytes()
    assert found.notes == (
        "2 words are not UTF-8 and hold U+FFFD now; 1 became words that were there and are left out",
    )


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=200)
def test_any_bytes_after_a_header_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "garbage.bin"
    path.write_bytes(b"3 2\n" + data)
    found = outcome(path)
    assert "\n" not in found if isinstance(found, str) else np.isfinite(found.vectors).all()


# ------------------------------------------------------------------------------------------------ never read


class Trap:
    """Opening its pickle would make a file."""

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return open, (self.place, "w")


def _npy():
    out = io.BytesIO()
    np.save(out, VECTORS)
    return out.getvalue()


def _npz():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("vectors.npy", _npy())
    return out.getvalue()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ["v.kv", "v.model", "v.pkl", "v.bin"])
def test_a_pickle_is_refused_and_never_opened(tmp_path, protocol, name):
    trap = pickle.dumps([Trap(tmp_path / "sprung")], protocol)
    for data in (trap, gzip.compress(trap)):
        (tmp_path / name).write_bytes(data)
        for format_ in ("auto", "word2vec-bin", "fasttext"):
            with pytest.raises(InputError, match=r"is a pickle.*never read"):
                catalogue.read(tmp_path / name, format_)
    assert not (tmp_path / "sprung").exists()


def test_gensim_is_told_how_to_save_instead(tmp_path):
    data = b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00\x8c\x1bgensim.models.keyedvectors\x94\x8c\x0cKeyedVectors\x94\x93\x94."
    with pytest.raises(InputError, match="is a pickle of gensim") as caught:
        read(tmp_path, data)
    assert "save_word2vec_format" in caught.value.mend


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (_npy(), "a NumPy array, without its words"),
        (_npz(), "a zip archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, data, said):
    for format_ in ("auto", "glove"):
        with pytest.raises(InputError, match=said) as caught:
            read(tmp_path, data, format_)
        assert caught.value.mend


# ------------------------------------------------------------------------------------------------ writing


@pytest.mark.parametrize("word", ["a b", "a\nb"])
def test_words_that_the_format_would_cut_are_refused(tmp_path, word):
    with pytest.raises(OutputError, match="cannot carry words with spaces or line ends"):
        catalogue.write(Embeddings(["x", word], np.eye(2)), tmp_path / "v", "word2vec-bin")
    assert list(tmp_path.iterdir()) == []


def test_sparse_vectors_are_written_out_up_to_a_size(tmp_path, monkeypatch):
    sparse, dense = sparse_and_dense()
    for name, model in (("s", sparse), ("d", dense)):
        catalogue.write(model, tmp_path / name, "word2vec-bin")
    assert (tmp_path / "s").read_bytes() == (tmp_path / "d").read_bytes()
    monkeypatch.setattr(word2vec_bin, "MOST", 30 * 50 - 1)
    with pytest.raises(OutputError, match="--method svd"):
        catalogue.write(sparse, tmp_path / "t", "word2vec-bin")
