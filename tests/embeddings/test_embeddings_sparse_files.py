"""Sparse vectors in files: bit for bit, damaged, and as text."""

from __future__ import annotations

import contextlib
import hashlib
import json

import numpy as np
import pytest
from embedding_models import bytes_of, composed, fields_of, sparse_and_dense, sparse_numbers
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array

import morphvec as mv
from morphvec.artifact import open_arrays, save_arrays, verify
from morphvec.embeddings import Embeddings, vector_files
from morphvec.embeddings.formats import word2vec
from morphvec.errors import ArtifactError, InputError, MorphvecError, OutputError


def test_any_sparse_matrix_becomes_rows_of_ascending_columns():
    numbers = coo_array(([1.0, 2.0, 3.0, 4.0], ([0, 1, 0, 0], [2, 1, 0, 2])), shape=(2, 3))
    model = Embeddings(["a", "b"], numbers)
    assert isinstance(model.vectors, csr_array)
    assert model.vectors.dtype == np.float32
    assert (model.vectors.indices.tolist(), model.vectors.data.tolist()) == ([0, 2, 1], [3, 5, 2])
    unsorted = csr_array((np.ones(2, np.float32), np.array([1, 0]), np.array([0, 2])), shape=(1, 2))
    assert Embeddings(["a"], unsorted).vectors.indices.tolist() == [0, 1]
    assert unsorted.indices.tolist() == [1, 0]  # what was given is left as it is


def test_sparse_vectors_are_not_copied():
    numbers = sparse_numbers()
    assert np.shares_memory(Embeddings([f"w{row}" for row in range(30)], numbers).vectors.data, numbers.data)


def test_refusals():
    numbers = sparse_numbers()
    with pytest.raises(InputError, match="one row per word"):
        Embeddings(["a"], numbers)
    parts = composed().parts
    with pytest.raises(InputError, match="sparse vectors with parts"):
        Embeddings([f"w{row}" for row in range(30)], numbers, parts=parts)
    numbers.data[numbers.indptr[7]] = np.nan
    with pytest.raises(InputError, match="vector of 'w7' is not finite"):
        Embeddings([f"w{row}" for row in range(30)], numbers)


def test_a_sparse_model_comes_back_bit_for_bit(tmp_path):
    model = sparse_and_dense()[0]
    model.save(tmp_path / "M")
    found = mv.load(tmp_path / "M")
    assert found.sparse
    assert (found.words, found.features, found.counts.tolist()) == (
        model.words,
        model.features,
        model.counts.tolist(),
    )
    for name in ("indptr", "indices", "data"):
        there, here = getattr(found.vectors, name), getattr(model.vectors, name)
        assert isinstance(there, np.memmap)
        assert (there.dtype, there.tobytes()) == (here.dtype, here.tobytes())
    assert found.vectors.shape == model.vectors.shape
    assert found.neighbors("w1", 29) == model.neighbors("w1", 29)
    assert found.vector_for("w1").tolist() == model.vector_for("w1").tolist()
    assert verify(tmp_path / "M", "model") == []
    found.save(tmp_path / "again")
    assert bytes_of(tmp_path / "M") == bytes_of(tmp_path / "again")


def test_the_manifest_says_what_the_vectors_are(tmp_path):
    sparse, dense = sparse_and_dense()
    for model, name in ((sparse, "S"), (dense, "D")):
        model.save(tmp_path / name)
    fields = json.loads((tmp_path / "S" / "manifest.json").read_text())
    assert (fields["sparse"], fields["dim"], fields["words"]) == (True, 50, 30)
    arrays = [sparse.vectors.indptr, sparse.vectors.indices, sparse.vectors.data]
    assert [array.dtype.str for array in arrays] == ["<i4", "<i4", "<f4"]
    assert (
        fields["vectors_sha256"] == hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
    )
    assert json.loads((tmp_path / "D" / "manifest.json").read_text())["sparse"] is False


def test_a_manifest_of_sparse_vectors_does_not_stick_to_dense_ones(tmp_path):
    sparse, dense = sparse_and_dense()
    sparse.save(tmp_path / "S")
    Embeddings(dense.words, dense.vectors, manifest=sparse.manifest).save(tmp_path / "D")
    assert not mv.load(tmp_path / "D").sparse


def test_a_model_from_before_sparse_ones_is_dense(tmp_path):
    sparse_and_dense()[1].save(tmp_path / "M")
    file = tmp_path / "M" / "manifest.json"
    manifest = json.loads(file.read_text())
    del manifest["sparse"]
    file.write_text(json.dumps(manifest))
    assert mv.load(tmp_path / "M").vectors.tobytes() == sparse_and_dense()[1].vectors.tobytes()


def arrays_of(folder, **changes):
    file = folder / "vectors.safetensors"
    arrays = {name: np.array(array) for name, array in open_arrays(file).items()}
    for name, change in changes.items():
        array = arrays.pop(f"vectors_{name}")
        if change is not None:
            changed = change(array)
            arrays[f"vectors_{name}"] = array if changed is None else changed
    save_arrays(file, arrays)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["parts"][file.name]["bytes"] = file.stat().st_size
    (folder / "manifest.json").write_text(json.dumps(manifest))


def put(place, value):
    return lambda array: array.__setitem__(place, value)


def swap(array):
    array[[0, 1]] = array[[1, 0]]


DAMAGE = {
    "dense after all": lambda f: fields_of(f, sparse=False),
    "sparse, perhaps": lambda f: fields_of(f, sparse="yes"),
    "another dim": lambda f: fields_of(f, dim=3),
    "no dim": lambda f: fields_of(f, dim=0),
    "no indptr": lambda f: arrays_of(f, indptr=None),
    "no columns": lambda f: arrays_of(f, indices=None),
    "no numbers": lambda f: arrays_of(f, data=None),
    "a row too few": lambda f: arrays_of(f, indptr=lambda a: a[:-1]),
    "a number too few": lambda f: arrays_of(f, data=lambda a: a[:-1]),
    "cells too few": lambda f: arrays_of(f, data=lambda a: a[:-1], indices=lambda a: a[:-1]),
    "a start that is not 0": lambda f: arrays_of(f, indptr=put(0, 1)),
    "rows that go back": lambda f: arrays_of(f, indptr=put(3, 0)),
    "a column below 0": lambda f: arrays_of(f, indices=put(5, -1)),
    "a column beyond": lambda f: arrays_of(f, indices=put(-1, 50)),
    "columns out of order": lambda f: arrays_of(f, indices=swap),
    "a column twice": lambda f: arrays_of(f, indices=lambda a: put(0, a[1])(a)),
    "columns of another type": lambda f: arrays_of(f, indices=lambda a: a.astype(np.int64)),
    "index arrays that are floats": lambda f: arrays_of(
        f, indices=lambda a: a.astype(np.float32), indptr=lambda a: a.astype(np.float32)
    ),
    "numbers of another type": lambda f: arrays_of(f, data=lambda a: a.astype(np.float64)),
    "numbers in a table": lambda f: arrays_of(f, data=lambda a: a[:, None]),
    "a number that is none": lambda f: arrays_of(f, data=put(2, np.nan)),
    "a number beyond all": lambda f: arrays_of(f, data=put(2, np.inf)),
}


@pytest.mark.parametrize("name", DAMAGE)
@pytest.mark.parametrize("cells", [4_000_000, 3])
def test_a_sparse_model_at_odds_with_itself_is_one_clear_error(monkeypatch, tmp_path, name, cells):
    monkeypatch.setattr(vector_files, "_CELLS", cells)
    sparse_and_dense()[0].save(tmp_path / "M")
    mv.load(tmp_path / "M")
    DAMAGE[name](tmp_path / "M")
    with pytest.raises(ArtifactError) as caught:
        mv.load(tmp_path / "M")
    assert "\n" not in str(caught.value)


def test_wide_indices_are_read(tmp_path):
    sparse_and_dense()[0].save(tmp_path / "M")
    before = mv.load(tmp_path / "M").neighbors("w1", 29)
    arrays_of(tmp_path / "M", indptr=lambda a: a.astype(np.int64), indices=lambda a: a.astype(np.int64))
    assert mv.load(tmp_path / "M").neighbors("w1", 29) == before


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_any_byte_changed_anywhere_is_found_or_refused(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("sparse") / "M"
    sparse_and_dense(rows=12, columns=9)[0].save(folder)
    name = data.draw(st.sampled_from(["vectors.safetensors", "manifest.json", "vocab.tsv", "features.tsv"]))
    contents = bytearray((folder / name).read_bytes())
    place = data.draw(st.integers(0, len(contents) - 1))
    contents[place] = data.draw(st.integers(0, 255).filter(lambda value: value != contents[place]))
    (folder / name).write_bytes(bytes(contents))
    assert name == "manifest.json" or verify(folder, "model")
    with contextlib.suppress(MorphvecError), np.errstate(all="ignore"):
        model = mv.load(folder)
        model.neighbors(model.words[0], 3)


# ------------------------------------------------------------------------------------------------ text


def test_a_small_sparse_model_is_written_out(tmp_path):
    sparse, dense = sparse_and_dense()
    for name, model in (("s", sparse), ("d", dense)):
        word2vec.write_text(model, tmp_path / name)
    assert (tmp_path / "s").read_bytes() == (tmp_path / "d").read_bytes()


def test_a_large_sparse_model_is_not_written_out(tmp_path, monkeypatch):
    monkeypatch.setattr(word2vec, "MOST", 30 * 50 - 1)
    sparse, dense = sparse_and_dense()
    with pytest.raises(OutputError, match="--method svd") as caught:
        word2vec.write_text(sparse, tmp_path / "s")
    assert "30 sparse vectors of 50 numbers" in str(caught.value)
    assert not (tmp_path / "s").exists()
    word2vec.write_text(dense, tmp_path / "d")
