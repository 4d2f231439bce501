"""Quantized models: what the codes are, that every question works on them, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from embedding_models import analysed, composed, fields_of, plain, sparse_and_dense

from morphvec.artifact import open_arrays, save_arrays
from morphvec.embeddings import Embeddings
from morphvec.embeddings.coded import Scaled, Split
from morphvec.embeddings.quantize import agreement, quantize, scaled, split
from morphvec.errors import ArtifactError, InputError, OptionError
from morphvec.rng import stream


def test_a_row_is_rounded_to_255_steps_of_its_own():
    X = (
        stream(0).standard_normal((50, 9)).astype(np.float32)
        * np.float32(10.0) ** np.arange(-25, 25)[:, None]
    )
    X[3] = 0
    found = scaled(X)
    assert found.codes.dtype == np.int8
    step = np.abs(X).max(axis=1) / 127
    assert (np.abs(np.asarray(found) - X) <= step[:, None] * 0.5001).all()
    assert np.abs(found.codes[X.any(axis=1)]).max(axis=1).tolist() == [127] * 49
    assert not np.asarray(found)[3].any()
    assert not np.asarray(scaled(np.full((1, 2), 1e-45, np.float32))).any()  # its scale would be 0


def test_pieces_of_few_kinds_are_kept_exactly():
    kinds = stream(1).standard_normal((4, 3)).astype(np.float32)
    X = np.concatenate([kinds[stream(2).integers(0, 4, 200)], kinds[stream(3).integers(0, 4, 200)]], axis=1)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    found = split(X, 2, seed=0)
    assert found.codes.shape == (200, 2)
    assert found.books.shape == (2, 256, 3)
    np.testing.assert_allclose(np.asarray(found), X, atol=1e-6)


def test_more_bytes_lose_less():
    X = stream(4).standard_normal((2000, 16)).astype(np.float32)
    loss = [
        float(((np.asarray(split(X, pieces, 0)) - X) ** 2).sum() / (X**2).sum()) for pieces in (2, 4, 8, 16)
    ]
    assert loss == sorted(loss, reverse=True)
    assert loss[3] < 1e-3 < loss[0] < 0.7


@pytest.mark.parametrize("coded", [scaled, lambda X: split(X, 2, 0)])
def test_codes_are_taken_like_rows(coded):
    X = coded(stream(5).standard_normal((300, 4)).astype(np.float32))
    whole = np.asarray(X)
    assert (X.shape, len(X), X.ndim, X.dtype) == ((300, 4), 300, 2, np.float32)
    for rows in (slice(3, 9), slice(None), np.array([5, 1, 5]), whole[:, 0] > 0, [2, 4], np.array([], int)):
        assert np.array_equal(X[rows], whole[rows])
    for row in (0, -1, np.int64(7)):
        assert np.array_equal(X[row], whole[row])
    with pytest.raises(IndexError):
        X[300]
    assert np.array_equal(X.T, whole.T)
    assert X.astype(np.float64).dtype == np.float64
    assert np.asarray(X, np.float64).dtype == np.float64


@pytest.mark.parametrize("how", [{}, {"pq": 2}])
@pytest.mark.parametrize("make", [plain, lambda: composed(k=6), analysed])
def test_a_quantized_model_answers_and_is_stored(tmp_path, how, make):
    model = make()
    made = quantize(model, **how)
    made.save(tmp_path / "m")
    found = Embeddings.load(tmp_path / "m")
    assert isinstance(found.vectors, Split if how else Scaled)
    assert isinstance(found.vectors.codes, np.memmap)
    assert found.manifest["quantized"] == ({"pq": 2, "seed": 0} if how else {"bits": 8})
    exact = Embeddings(found.words, np.asarray(found.vectors), counts=found.counts)
    a, b = found.words[:2]
    assert found.neighbors(a, 5) == exact.neighbors(a, 5)
    assert found.most_similar([a, b], topn=3) == exact.most_similar([a, b], topn=3)
    assert found.similarity(a, b) == exact.similarity(a, b)
    assert np.array_equal(found.norms, exact.norms)
    assert found.to_pandas().equals(exact.to_pandas())
    assert agreement(model, found) > (0.8 if how else 0.9999)
    told = found.explain(a, b, n=0)
    assert sum(part.share for part in told.parts) == pytest.approx(told.dot, abs=1e-9)
    assert sum(item.share for item in told.features) + told.rest == pytest.approx(told.dot, abs=1e-9)
    if model.composes:
        unseen = "talkeds" if make is not plain else a
        x, y = model.vector_for(unseen), found.vector_for(unseen)
        assert float(x @ y) / float(np.linalg.norm(x) * np.linalg.norm(y)) > (0.7 if how else 0.9999)
    found.save(tmp_path / "again")
    assert (tmp_path / "again" / "vectors.safetensors").read_bytes() == (tmp_path / "m" / "vectors.safetensors").read_bytes()  # fmt: skip


def test_the_same_bytes_every_time(tmp_path):
    for name in "ab":
        quantize(plain(500, 6), pq=3).save(tmp_path / name)
    assert (tmp_path / "a" / "vectors.safetensors").read_bytes() == (tmp_path / "b" / "vectors.safetensors").read_bytes()  # fmt: skip


def test_what_is_refused():
    with pytest.raises(OptionError, match="8 bits"):
        quantize(plain(), bits=4)
    for pq in (0, 4, 7, -1):
        with pytest.raises(OptionError, match="1, 2, 3, 6"):
            quantize(plain(), pq=pq)
    with pytest.raises(InputError, match="sparse"):
        quantize(sparse_and_dense()[0])
    with pytest.raises(InputError, match="a quantized model"):
        quantize(quantize(plain()))


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.pop("vectors.scales"),
        lambda a: a.pop("vectors.codes"),
        lambda a: a.update({"vectors.scales": a["vectors.scales"][:-1]}),
        lambda a: a.update({"vectors.scales": a["vectors.scales"] * np.float32("inf")}),
        lambda a: a.update({"vectors.codes": a["vectors.codes"].astype(np.int16)}),
        lambda a: a.update({"vectors.codes": a["vectors.codes"][:, :2]}),
    ],
)
def test_damaged_codes_are_refused(tmp_path, change):
    quantize(plain()).save(tmp_path / "m")
    file = tmp_path / "m" / "vectors.safetensors"
    arrays = {name: np.array(array) for name, array in open_arrays(file).items()}
    with np.errstate(invalid="ignore"):
        change(arrays)
    save_arrays(file, arrays)
    fields_of(tmp_path / "m", parts={})
    with pytest.raises(ArtifactError):
        Embeddings.load(tmp_path / "m")
