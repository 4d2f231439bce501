"""Every test on sparse vectors gives what it gives on the same numbers written out, and never writes them out."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from evaluate_fakes import FakeModel
from scipy.sparse import csr_array, random_array

from morphvec.embeddings import sparse_rows
from morphvec.evaluate import analogy as analogies
from morphvec.evaluate import compare, evaluate, ranks
from morphvec.evaluate import lexicon as lexicons
from morphvec.evaluate.datasets import (
    AnalogySet,
    DictionarySet,
    Question,
    RelatedWord,
    RelationSet,
    SimilaritySet,
)
from morphvec.evaluate.paradigms import score as paradigms
from morphvec.morphology.tables import Table
from morphvec.rng import stream

METHODS = ("3cosadd", "3cosmul", "pair-average", "lrcos")


def sparse_model(words, columns=90, density=0.2, seed=0, **options):
    """Random numbers of both signs; one row of zeros, and no two scores alike but those of equal rows."""
    generator = stream(seed)
    numbers = random_array(
        (len(words), columns),
        density=density,
        rng=generator,
        format="lil",
        data_sampler=generator.standard_normal,
    )
    numbers[3] = 0
    numbers[len(words) - 1] = numbers[5]
    return FakeModel(words, csr_array(numbers, dtype=np.float32), **options)


def written_out(model):
    return replace(model, vectors=model.vectors.toarray())


def same(left, right):
    """Results that agree in all that they say, numbers to the rounding of float32."""

    def plain(results):
        return json.loads(json.dumps([result.as_json() for result in results]))

    def alike(one, other):
        if isinstance(one, dict):
            assert one.keys() == other.keys()
            for name in one:
                alike(one[name], other[name])
        elif isinstance(one, list):
            assert len(one) == len(other)
            for x, y in zip(one, other, strict=True):
                alike(x, y)
        elif isinstance(one, float):
            assert one == pytest.approx(other, abs=1e-6)
        else:
            assert one == other

    alike(plain(left), plain(right))


def bare(size=60):
    return [f"w{row}" for row in range(size)]


def questions(generator, size, number=40):
    return AnalogySet(
        "a.tsv",
        tuple(
            Question(section, *(f"w{row}" for row in generator.choice(size, 4, replace=False)))
            for section in ("family", "gram1")
            for _ in range(number)
        ),
    )


def relations(generator, size, pairs=9):
    picks = generator.permutation(size)[: 2 * pairs].reshape(-1, 2)
    return RelationSet(
        "r.tsv", tuple(RelatedWord("r", f"w{a}", (f"w{b}", f"w{(b + 1) % size}")) for a, b in picks.tolist())
    )


def inflections(generator, size, number=120):
    rows = [
        (f"w{generator.integers(size // 2)}", f"w{generator.integers(size + 3)}", f"B{generator.integers(4)}")
        for _ in range(number)
    ]
    return Table("", *([row[place] for row in rows] for place in range(3)), "t.tsv")


@pytest.fixture(params=["whole", "in small blocks"])
def _blocks(request, monkeypatch):
    if request.param == "in small blocks":
        for module in (analogies, lexicons, ranks, sparse_rows):
            monkeypatch.setattr(module, "_CELLS", 150)
        monkeypatch.setattr(sparse_rows, "_KEPT", 200)


# ------------------------------------------------------------------------------------------------ the same


@pytest.mark.parametrize("rule", ["skip", "zero", "compose"])
def test_similarity(rule):
    pairs = (
        ("w1", "w2"),
        ("w3", "w4"),
        ("w5", "w59"),
        ("w7", "new"),
        ("new", "none"),
        ("w8", "w9"),
        ("W8", "w2"),
    )
    dataset = SimilaritySet("s.tsv", pairs, np.arange(7.0))
    parts = {"new": stream(1).standard_normal(90)}
    model = sparse_model(bare(), parts=parts, composes=True, counts=np.arange(60, 0, -1))
    found = evaluate(model, similarity=[dataset], unknown=rule)
    same(found, evaluate(written_out(model), similarity=[dataset], unknown=rule))
    assert found[0].n == {"skip": 5, "zero": 7, "compose": 6}[rule]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("_blocks")
def test_analogies(method):
    model, generator = sparse_model(bare()), stream(2)
    given = {
        "analogy": [questions(generator, 60)],
        "pairs": [relations(generator, 60)],
        "analogy_method": method,
        "restrict": 50,
        "bootstrap": 5,
    }
    same(evaluate(model, **given), evaluate(written_out(model), **given))


@pytest.mark.parametrize("method", METHODS)
def test_the_answers_to_analogies(method):
    """Word by word, where the scores of random vectors say little."""
    model, generator = sparse_model(bare()), stream(7)
    asked = METHODS.index(method) >= 2
    given = generator.permutation(60)[:40].reshape(-1, 2) if asked else generator.integers(0, 60, (80, 3))
    answers = [
        analogies.METHODS[method].answer(analogies.unit_rows(vectors, slice(None)), given, stream(0))
        for vectors in (model.vectors, written_out(model).vectors)
    ]
    sparse, dense = (np.where(found == 59, 5, found) for found in answers)
    assert sparse.tolist() == dense.tolist()
    assert len(set(sparse.tolist())) > 5
    # 59 is 5 again. Products of sparse rows do not depend on where a row stands; those of dense ones may.
    assert (answers[0] != 59)[~(given == 5).any(axis=1)].all()


@pytest.mark.usefixtures("_blocks")
def test_lexicons():
    words = [f"eng:w{row}" for row in range(35)] + [f"spa:w{row + 20}" for row in range(28)]
    model, generator = sparse_model(words, languages=("eng", "spa")), stream(4)
    pairs = tuple((f"w{generator.integers(35)}", f"w{generator.integers(20, 48)}") for _ in range(50))
    given = {"bli": [("eng", "spa", DictionarySet("d.tsv", pairs))], "bootstrap": 5}
    found = evaluate(model, **given)
    same(found, evaluate(written_out(model), **given))
    assert found[0].n > 20


@pytest.mark.parametrize("lemmas", [None, ["w1", "w4", "w9", "w14"]])
@pytest.mark.usefixtures("_blocks")
def test_paradigms_and_classes(lemmas):
    model = sparse_model(bare(), counts=np.arange(60, 0, -1))
    table = inflections(stream(5), 60)
    given = {"paradigms": [table], "paradigm_lemmas": lemmas, "bootstrap": 5}
    found = evaluate(model, **given)
    same(found, evaluate(written_out(model), **given))
    assert found[0].n > 5
    one, other = (paradigms(each, table, lemmas=lemmas) for each in (model, written_out(model)))
    for left, right in zip(one, other, strict=True):
        assert left.values.tolist() == right.values.tolist()


def test_a_sparse_model_is_compared_with_a_dense_one():
    model, generator = sparse_model(bare()), stream(6)
    other = FakeModel(bare(), generator.standard_normal((60, 8)))
    given = {"analogy": [questions(generator, 60)], "paradigms": [inflections(generator, 60)], "bootstrap": 5}
    same(compare(model, other, **given), compare(written_out(model), other, **given))


# ------------------------------------------------------------------------------------------------ the size


def test_nothing_of_words_times_columns_is_ever_laid_out(monkeypatch):
    """20,000 words × 20,000 columns would be 1.6 GB; all tests together need a small part of that."""
    size, limit = 20_000, 320_000_000
    generator = stream(8)
    numbers = random_array((size, size), density=1e-3, rng=generator, dtype=np.float32, format="csr")
    whole = csr_array.toarray

    def small(self, *arguments, **options):
        assert self.shape[0] * self.shape[1] < size * size / 10
        return whole(self, *arguments, **options)

    monkeypatch.setattr(csr_array, "toarray", small)
    model = FakeModel(bare(size), csr_array(numbers))
    pairs = tuple((f"w{a}", f"w{b}") for a, b in generator.integers(0, size, (200, 2)).tolist())
    asked = {"analogy": [questions(generator, size, 12)], "pairs": [relations(generator, size)]}
    others = {
        "similarity": [SimilaritySet("s", pairs, np.arange(200.0))],
        "paradigms": [inflections(generator, 100, 200)],
    }
    tracemalloc.start()
    try:
        found = evaluate(model, **others, bootstrap=0)
        for method in METHODS:
            found += evaluate(model, **asked, analogy_method=method, bootstrap=0)
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()
    assert {result.task for result in found} == {"similarity", "analogy", "pairs", "paradigms", "classes"}


@pytest.mark.parametrize("method", METHODS)
def test_words_that_share_nothing_and_questions_that_cannot_be_asked(method):
    model = FakeModel(bare(12), csr_array((12, 5), dtype=np.float32))  # no number anywhere
    generator = stream(9)
    given = {
        "similarity": [SimilaritySet("s", (("w1", "w2"), ("w3", "none")), np.arange(2.0))],
        "analogy": [questions(generator, 12, 4)],
        "pairs": [relations(generator, 12, 3)],
        "paradigms": [Table("", ["w1", "w2"], ["w3", "w4"], ["A", "B"], "t.tsv")],
        "analogy_method": method,
        "bootstrap": 5,
    }
    found = evaluate(model, **given)
    same(found, evaluate(written_out(model), **given))
    assert [result.score for result in found if result.task == "paradigms"] == [None] * 9
