"""The explicit representation: its rows are the PPMI of the counts, bit for bit, through saving, queries and scores."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.sparse import csr_array

import morphvec as mv
import naive
from morphvec.association import Association, AssociationOptions, weigh
from morphvec.cli.main import execute
from morphvec.counts.matrix import Counts
from morphvec.embeddings.formats import word2vec
from morphvec.engine.local import LocalEngine
from morphvec.errors import OptionError
from morphvec.features.space import Block
from morphvec.methods.ppmi import PpmiOptions, fit
from morphvec.rng import stream
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary

ONE = LocalEngine(1)
WORDS = 14


def vocabulary(rows=WORDS):
    words = tuple(f"w{number:02}" for number in range(rows))
    return Vocabulary(words, np.arange(rows, 0, -1), rows * rows, rows, Tokenizer("whitespace", "keep"))


def counted(seed=0):
    generator = stream(seed)
    lines = [generator.integers(0, WORDS, 8).tolist() for _ in range(40)]
    n = naive.window_counts(lines, WORDS, 2, "distance")
    names = vocabulary().words
    return n, Counts(csr_array(n), names, names, (Block("window", 0, WORDS),))


def weighed(**options):
    n, counts = counted()
    return n, weigh(counts, AssociationOptions(**options), engine=ONE)


def made(association, **options):
    return fit(association, vocabulary(), PpmiOptions(**options), engine=ONE)


@pytest.mark.parametrize("shift", [1.0, 2.0])
@pytest.mark.parametrize("smoothing", [1.0, 0.75])
def test_vectors_are_the_rows_of_shifted_ppmi(shift, smoothing):
    n, association = weighed(shift=shift, smoothing=smoothing)
    model, _ = made(association)
    wanted = np.maximum(naive.pmi(n, smoothing, shift), 0)
    assert 0 < np.count_nonzero(wanted) < wanted.size
    assert isinstance(model.vectors, csr_array)
    np.testing.assert_allclose(model.vectors.toarray(), wanted, atol=1e-6)
    assert np.shares_memory(model.vectors.data, association.matrix.data)
    assert (model.vector_size, model.contexts, model.parts, model.biases) == (WORDS, None, None, None)
    assert model.features == tuple(("window", name) for name in association.features)
    assert model.counts.tolist() == vocabulary().counts.tolist()


def test_neighbours_are_those_by_cosine_of_rows():
    n, association = weighed()
    model, _ = made(association)
    rows = np.maximum(naive.pmi(n, 0.75), 0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for row, word in enumerate(model.words):
        cosines = rows @ rows[row]
        order = [place for place in np.argsort(-cosines) if place != row]
        found = model.neighbors(word, 5)
        assert [near for near, _ in found] == [model.words[place] for place in order[:5]]
        np.testing.assert_allclose([score for _, score in found], cosines[order[:5]], atol=1e-6)


def test_weights_and_alpha_change_nothing():
    one, other = (
        made(weighed(weight=weight, unobserved=unobserved)[1])[0]
        for weight, unobserved in (("constant", 0.0), ("alpha+sqrt", 0.5))
    )
    assert one.vectors.data.tobytes() == other.vectors.data.tobytes()


def test_columns_may_be_of_several_blocks():
    matrix = csr_array(np.array([[1.0, 0, 2], [0, 3, 0]], np.float32))
    weights = csr_array((np.ones(3, np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)
    blocks = (Block("ids", 0, 2), Block("ngrams", 2, 3))
    words = vocabulary(2).words
    association = Association(matrix, weights, np.zeros(3), words, ("l1", "l2", "abc"), blocks)
    model, factors = fit(association, vocabulary(2), PpmiOptions(), engine=ONE)
    assert model.features == (("ids", "l1"), ("ids", "l2"), ("ngrams", "abc"))
    assert model.vectors.toarray().tolist() == matrix.toarray().tolist()
    assert (factors.U.shape, factors.S.shape, factors.P.shape) == ((2, 0), (3, 0), (2, 0))


def test_nothing_is_minimised():
    _, factors = made(weighed()[1])
    assert factors.history == ({"total": 0.0, "fit": 0.0, "unobserved": 0.0, "classes": {}, "ridge": 0.0},)


@pytest.mark.parametrize("output", ["c", "w+c", "concat", "rows"])
def test_there_is_no_other_output(output):
    with pytest.raises(OptionError, match=r"ppmi serves the rows of its matrix.*--method svd") as caught:
        PpmiOptions(output=output)
    assert f"output={output}" in str(caught.value)


def test_there_is_no_other_association():
    with pytest.raises(OptionError, match="association=pmi; method ppmi serves the rows of the PPMI matrix"):
        made(weighed(association="pmi")[1])


# ------------------------------------------------------------------------------------------------ through the house


@pytest.fixture
def folder(tmp_path):
    made(weighed()[1])[0].save(tmp_path / "M")
    return tmp_path / "M"


def run(capsys, *arguments):
    capsys.readouterr()
    code = execute([str(argument) for argument in arguments])
    return (code, *capsys.readouterr())


def test_a_saved_model_is_the_same(folder):
    model, found = made(weighed()[1])[0], mv.load(folder)
    assert found.features == model.features
    for name in ("indptr", "indices", "data"):
        assert getattr(found.vectors, name).tobytes() == getattr(model.vectors, name).tobytes()


def test_commands_take_it(capsys, folder):
    model = mv.load(folder)
    code, out, _ = run(capsys, "neighbors", folder, "w03", "-n", "4", "--json")
    assert code == 0
    told = json.loads(out)["queries"][0]["neighbors"]
    assert [item["word"] for item in told] == [word for word, _ in model.neighbors("w03", 4)]
    code, out, _ = run(capsys, "vector", folder, "w03", "--json")
    assert json.loads(out)["vector"] == model.vector_for("w03").tolist()
    code, out, _ = run(capsys, "vector", folder, "w03")
    lines = [line.split() for line in out.splitlines()]
    cells = {name: float(value) for value, name in lines}
    filled = {model.words[c]: x for c, x in enumerate(model.vector_for("w03").tolist()) if x}
    assert cells == {name: pytest.approx(value, abs=1e-4) for name, value in filled.items()}
    assert sorted(cells.values(), reverse=True) == list(cells.values())
    code, out, _ = run(capsys, "doctor", folder, "--json")
    assert (code, json.loads(out)["model"]) == (0, {"ok": True, "problems": []})
    for command in (("similarity", folder, "w01", "w02"), ("analogy", folder, "w01", "w02", "w03")):
        assert run(capsys, *command)[0] == 0


def test_a_large_one_is_not_exported(capsys, folder, monkeypatch):
    assert run(capsys, "export", folder, "--to", "word2vec", "-o", folder.parent / "v.txt")[0] == 0
    assert word2vec.read_text(folder.parent / "v.txt").vectors.shape == (WORDS, WORDS)
    monkeypatch.setattr(word2vec, "MOST", 100)
    code, out, err = run(capsys, "export", folder, "--to", "glove", "-o", folder.parent / "w.txt")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "14 sparse vectors of 14 numbers" in err
    assert "--method svd" in err
    assert not (folder.parent / "w.txt").exists()
