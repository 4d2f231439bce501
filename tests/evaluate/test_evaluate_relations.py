"""Tables of relations: read, answered, marked."""

from __future__ import annotations

import numpy as np
import pytest

from morphvec.embeddings.embeddings import Embeddings
from morphvec.errors import InputError
from morphvec.evaluate.relations import Example, answer, markdown, read_examples, summary

WORDS = ["france", "italy", "paris", "rome", "rare"]
VECTORS = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1.2], [0, 1, 1]], np.float32)


@pytest.fixture
def model():
    return Embeddings(WORDS, VECTORS)


def test_hits_misses_and_unknown_words_are_marked(model):
    asked = [
        Example("capital", "france", "paris", "italy", ("rome",)),
        Example("capital", "france", "paris", "italy", ("paris", "rare")),
        Example("capital", "france", "paris", "japan", ("tokyo",)),
    ]
    found = answer(model, asked)
    assert [one.answer for one in found] == [model.analogy("france", "paris", "italy", 1)[0][0]] * 2 + [None]
    first = [word for word, _ in model.analogy("france", "paris", "italy", 5)]
    assert [one.rank for one in found] == [first.index("rome") + 1, first.index("rare") + 1, None]
    assert summary(found) == {"hits": sum(one.rank == 1 for one in found), "answered": 2, "total": 3}
    table = markdown(found)
    assert "✓" in table
    assert "✗ (" in table
    assert "japan: –" in table
    assert table.count("\n") == 2


def test_only_the_most_frequent_words_answer(model):
    asked = [Example("capital", "france", "paris", "italy", ("rare",))]
    found = answer(model, asked, restrict=4)
    assert found[0].answer == "rome"
    assert found[0].rank is None
    assert "not in 100" in markdown(found)


def test_a_table_is_read_and_a_short_row_refused(tmp_path):
    file = tmp_path / "t.tsv"
    file.write_text("# remark\ncapital\tfrance\tparis\titaly\trome/roma\n\n", encoding="utf-8")
    assert read_examples(file) == [Example("capital", "france", "paris", "italy", ("rome", "roma"))]
    file.write_text("capital\tfrance\tparis\titaly\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1"):
        read_examples(file)
