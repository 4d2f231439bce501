"""fastText's .bin against files written by hand and its rule written slowly; and the model folder that keeps both."""

from __future__ import annotations

import gzip
import json
import struct

import numpy as np
import pytest
from embedding_models import bytes_of, fields_of
from hypothesis import given, settings
from hypothesis import strategies as st

import morphvec as mv
from characters import ANY
from morphvec.artifact import save_arrays, verify
from morphvec.embeddings.buckets import Buckets, hashed_grams
from morphvec.embeddings.formats import catalogue, fasttext, source
from morphvec.errors import ArtifactError, InputError, OutputError, UnknownWordError
from naive_formats import WORDS, fnv1a, grams_of, outcome
from naive_formats import fasttext as made

UNSEEN = ["talked", "walkings", "नमस्ते", "😀", "b", "ÿß", "é", "x" * 70]


def read(folder, model, pack=bytes, **options):
    data = model if isinstance(model, bytes) else model.to_bytes()
    (folder / "m.bin").write_bytes(pack(data))
    return catalogue.read(folder / "m.bin", **options)


def test_the_hash_is_of_signed_bytes():
    """Known answers of FNV-1a; from 0x80 on the sign makes the difference."""
    assert (fnv1a(b""), fnv1a(b"a"), fnv1a(b"foobar")) == (0x811C9DC5, 0xE40C292C, 0xBF9CF968)
    unsigned = ((0x811C9DC5 ^ 0xC3) * 16777619) % 2**32
    assert fnv1a(b"\xc3") == ((0x811C9DC5 ^ 0xFFFFFFC3) * 16777619) % 2**32 != unsigned


@given(
    st.lists(st.text(ANY, max_size=12).map(str.encode) | st.binary(max_size=9), max_size=5),
    st.integers(1, 4),
    st.integers(0, 4),
    st.sampled_from([1, 7, 2_000_000, 2**31 - 1]),
)  # fmt: skip
@settings(deadline=None, max_examples=200)
def test_the_hashed_ngrams_are_those_of_the_rule(words, shortest, more, buckets):
    words = [*words, b"</s>", b"walk"]
    indptr, rows = hashed_grams(words, shortest, shortest + more, buckets)
    assert indptr[0] == 0
    assert indptr[-1] == len(rows)
    for number, word in enumerate(words):
        wanted = [fnv1a(gram) % buckets for gram in grams_of(word, shortest, shortest + more)]
        assert rows[indptr[number] : indptr[number + 1]].tolist() == wanted


@pytest.mark.parametrize("lengths", [(3, 6), (1, 2), (0, 3), (5, 5)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_words_and_unseen_words_have_the_vectors_of_the_rule(tmp_path, lengths, pack):
    naive = made(minn=lengths[0], maxn=lengths[1], model=1)
    found = read(tmp_path, naive, pack)
    model = found.model
    assert found.format == "fasttext"
    assert found.source["arguments"]["model"] == "cbow"
    assert [word.encode() for word in model.words] == naive.words
    assert model.counts.tolist() == naive.counts
    assert isinstance(model.parts.vectors, np.memmap)
    for row, word in enumerate(naive.words):
        assert model.vectors[row].tobytes() == naive.vector(word).tobytes()
    for word in UNSEEN:
        grams = [gram.decode() for gram in grams_of(word.encode(), *lengths)]
        assert model.known_parts(word) == list(dict.fromkeys(grams))
        if grams:
            assert model.vector_for(word).tobytes() == naive.vector(word.encode()).tobytes()
        else:
            with pytest.raises(UnknownWordError, match="too short to have an n-gram"):
                model.vector_for(word)
    assert model.known_parts("walked") == list(
        dict.fromkeys(gram.decode() for gram in grams_of(b"walked", *lengths))
    )


def test_blocks_of_words_change_no_bit(tmp_path, monkeypatch):
    words = [b"</s>", *(f"word{n}".encode() for n in range(200))]
    naive = made(words, dim=3)
    whole = read(tmp_path, naive).model.vectors
    monkeypatch.setattr(fasttext, "_NUMBERS", 50)
    monkeypatch.setattr(source, "BLOCK", 11)
    assert read(tmp_path, naive).model.vectors.tobytes() == whole.tobytes()
    assert whole.tobytes() == b"".join(naive.vector(word).tobytes() for word in words)


def test_a_model_without_ngrams_composes_nothing(tmp_path):
    for changes in ({"bucket": 0, "minn": 0, "maxn": 0}, {"maxn": 0}, {"minn": 5, "maxn": 4}):
        naive = made(bucket=changes.pop("bucket", 9), **changes)
        found = read(tmp_path, naive)
        assert found.model.vectors.tobytes() == naive.matrix[: len(WORDS)].tobytes()
        assert not found.model.composes
        assert any("unseen words get no vectors" in note for note in found.notes)


def test_labels_are_left_out_and_version_11_is_read(tmp_path):
    naive = made(labels=[b"__label__a", b"__label__b"], version=11)
    found = read(tmp_path, naive)
    assert len(found.model) == len(WORDS)
    assert found.notes[0] == "2 labels are left out"
    assert found.model.vectors[2].tobytes() == naive.vector(WORDS[2]).tobytes()


def test_words_that_are_not_utf_8_keep_the_vectors_of_their_bytes(tmp_path):
    naive = made([b"the", b"caf\xe9", b"caf\xe8", b"\x80x"])
    with pytest.raises(
        InputError, match=r"entry 2: the word b'caf\\xe9'; words are UTF-8; pass --errors replace"
    ):
        read(tmp_path, naive)
    found = read(tmp_path, naive, errors="replace")
    assert found.model.words == ("the", "caf\ufffd", "\ufffdx")
    assert found.model.counts.tolist() == [naive.counts[row] for row in (0, 1, 3)]
    for row, word in enumerate((b"the", b"caf\xe9", b"\x80x")):
        assert found.model.vectors[row].tobytes() == naive.vector(word).tobytes()
    assert found.notes[0].startswith("3 words are not UTF-8 and hold U+FFFD now; 1 became")
    assert found.model.vector_for("thee").tobytes() == naive.vector(b"thee").tobytes()


# ------------------------------------------------------------------------------------------------ refusals


def test_quantized_and_supervised_models_are_refused_by_name(tmp_path):
    for changes in ({"quantized": True}, {"pruned": 3}, {"quantized": True, "model": 3}):
        with pytest.raises(InputError, match=r"is a quantized fastText model \(.ftz\)"):
            read(tmp_path, made(**changes))
    with pytest.raises(InputError, match="is a supervised fastText model"):
        read(tmp_path, made(model=3, labels=[b"__label__x"]))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_cut_off_anywhere_is_refused(tmp_path, pack):
    whole = made([b"a", b"b"], bucket=3, dim=2).to_bytes()
    assert len(read(tmp_path, whole, pack).model) == 2
    for length in range(len(whole)):
        with pytest.raises(InputError) as caught:
            read(tmp_path, whole[:length], pack)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="goes on after the output matrix"):
        read(tmp_path, whole + b"x", pack)


def _with(naive, place, form, value):
    data = bytearray(naive.to_bytes())
    struct.pack_into(form, data, place, value)
    return bytes(data)


MATRIX = 8 + 56 + 28 + sum(len(word) + 10 for word in WORDS) + 1
ODD = {
    "a version to come": (4, "<i", 13, "is of version 13"),
    "no dimensions": (8, "<i", 0, "of 0 numbers"),
    "a dimension below 0": (8, "<i", -5, "of -5 numbers"),
    "another dimension": (8, "<i", 6, "an input matrix that is not"),
    "no such loss": (32, "<i", 9, "model 2 and loss 9"),
    "no such model": (36, "<i", 0, "model 0 and loss 2"),
    "buckets below 0": (40, "<i", -1, "-1 buckets"),
    "buckets of the world": (40, "<i", 2**31 - 1, "an input matrix that is not"),
    "n-grams of the world": (48, "<i", 2**31 - 1, "n-grams up to"),
    "words of the world": (64, "<ii", None, "2147483647 entries|entries of at least"),
    "words that do not add up": (68, "<i", 3, "8 entries, 3 words and 0 labels"),
    "no words": (68, "<i", 0, "8 entries, 0 words"),
    "rows of the world": (MATRIX, "<q", 2**62, "an input matrix that is not"),
    "a kind of no kind": (MATRIX - 2, "<b", 7, "kind 7"),
    "a count below 0": (MATRIX - 10, "<q", -1, "count -1"),
}


@pytest.mark.parametrize("name", ODD)
def test_sizes_that_disagree_are_refused(tmp_path, name):
    place, form, value, said = ODD[name]
    if value is None:
        data = bytearray(made().to_bytes())
        struct.pack_into(form, data, place, 2**31 - 1, 2**31 - 1)
    else:
        data = _with(made(), place, form, value)
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path, bytes(data))
    assert len(str(caught.value).split("; ")) >= 3


def test_a_whole_header_that_outgrows_the_file_is_refused(tmp_path):
    """The header agrees with itself, and the file is too small for it."""
    naive = made(bucket=1, dim=5)
    data = bytearray(naive.to_bytes())
    struct.pack_into("<i", data, 40, 2_000_000_000)
    struct.pack_into("<q", data, MATRIX, len(WORDS) + 2_000_000_000)
    with pytest.raises(InputError, match=r"words and 2,000,000,000 buckets of 5 numbers, .* left"):
        read(tmp_path, bytes(data))
    with pytest.raises((InputError, OutputError)):
        read(tmp_path, bytes(data), gzip.compress)


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    for row, said in ((2, "entry 3: the vector of 'walk'"), (len(WORDS) + 4, "bucket 4 is not finite")):
        naive = made()
        naive.matrix[row, 1] = np.nan
        with pytest.raises(InputError, match=said):
            read(tmp_path, naive)


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_any_byte_changed_is_read_or_refused(tmp_path_factory, data):
    whole = bytearray(made([b"ab", b"b"], bucket=3, dim=2).to_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "altered.bin"
    path.write_bytes(bytes(whole))
    found = outcome(path, "fasttext")
    assert "\n" not in found if isinstance(found, str) else len(found) >= 1


def test_a_word_too_long_is_refused(tmp_path):
    with pytest.raises(InputError, match="a word of 65,536 bytes or more"):
        read(tmp_path, made([b"a" * 70_000]))


# ------------------------------------------------------------------------------------------------ the model folder


def test_the_folder_keeps_the_rule(tmp_path):
    naive = made(WORDS)
    read(tmp_path, naive).model.save(tmp_path / "M")
    found = mv.load(tmp_path / "M")
    assert found.composes
    assert isinstance(found.parts, Buckets)
    assert isinstance(found.parts.vectors, np.memmap)
    assert found.parts.vectors.tobytes() == naive.matrix[len(WORDS) :].tobytes()
    assert found.counts.tolist() == naive.counts
    for word in ("talked", "walkings", "नमस्ते"):
        assert found.vector_for(word).tobytes() == naive.vector(word.encode()).tobytes()
        assert len(found.neighbors(word, 3)) == 3
    found.save(tmp_path / "again")
    assert bytes_of(tmp_path / "M") == bytes_of(tmp_path / "again")
    assert verify(tmp_path / "M", "model") == []
    (tmp_path / "m.bin").unlink()  # the folder stands alone
    assert mv.load(tmp_path / "M").vector_for("talked").tobytes() == naive.vector(b"talked").tobytes()


def test_a_model_that_lost_its_buckets_says_nothing_of_them(tmp_path):
    read(tmp_path, made()).model.save(tmp_path / "M")
    model = mv.load(tmp_path / "M")
    model.parts = None
    model.save(tmp_path / "N")
    assert "buckets" not in json.loads((tmp_path / "N" / "manifest.json").read_text())
    assert not mv.load(tmp_path / "N").composes


def _other_buckets(folder, array):
    save_arrays(folder / "buckets.safetensors", {"buckets": array})
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["parts"]["buckets.safetensors"]["bytes"] = (folder / "buckets.safetensors").stat().st_size
    (folder / "manifest.json").write_text(json.dumps(manifest))


DAMAGE = {
    "lengths that are none": lambda f: fields_of(f, buckets=[3, 6]),
    "a length missing": lambda f: fields_of(f, buckets={"shortest": 3}),
    "lengths of letters": lambda f: fields_of(f, buckets={"shortest": "a", "longest": 6}),
    "lengths upside down": lambda f: fields_of(f, buckets={"shortest": 6, "longest": 3}),
    "lengths of the world": lambda f: fields_of(f, buckets={"shortest": 3, "longest": 10**9}),
    "parts beside buckets": lambda f: fields_of(f, part_weights={"ngrams": 1.0}),
    "other columns": lambda f: _other_buckets(f, np.ones((9, 4), np.float32)),
    "another type": lambda f: _other_buckets(f, np.ones((9, 5))),
    "no rows": lambda f: _other_buckets(f, np.ones((0, 5), np.float32)),
    "one axis": lambda f: _other_buckets(f, np.ones(5, np.float32)),
    "no file": lambda f: (f / "buckets.safetensors").unlink(),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_buckets_at_odds_with_their_model_are_one_clear_error(tmp_path, name):
    read(tmp_path, made()).model.save(tmp_path / "M")
    DAMAGE[name](tmp_path / "M")
    with pytest.raises(ArtifactError) as caught:
        mv.load(tmp_path / "M")
    assert "\n" not in str(caught.value)


def test_no_bucket_that_is_not_finite_is_written(tmp_path):
    model = read(tmp_path, made()).model
    rows = np.array(model.parts.vectors)
    rows[3, 1] = np.inf
    model.parts = Buckets(model.words, rows, 3, 6)
    with pytest.raises(OutputError, match="buckets hold numbers that are not finite"):
        model.save(tmp_path / "M")
    assert not (tmp_path / "M").exists()
