"""Affix rules found in the text, through the whole walk."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

import morphvec as mv
from morphvec.errors import OptionError
from morphvec.morphology.changes import MIN_STEM

OPTIONS = {"dim": 20, "min_count": 2, "threads": 1, "epochs": 4}
TOPICS, STEMS = 20, 2


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stems and their -zing forms in the company of their topic; -o forms, which only look like theirs, in any."""
    rng = random.Random(0)
    roots = sorted(
        {"".join(rng.choice("bdfgklmnprtv") + rng.choice("aiou") for _ in range(3)) for _ in range(60)}
    )
    roots = [root + rng.choice("kmprt") for root in roots[: TOPICS * STEMS]]
    lines = []
    for _ in range(2500):
        topic = rng.randrange(TOPICS)
        company = [f"{chr(97 + topic)}{chr(97 + rng.randrange(4))}x" for _ in range(4)]
        root = roots[topic * STEMS + rng.randrange(STEMS)]
        word = root + rng.choice(["", "zing"])
        other = rng.choice(roots) + "o"
        lines.append(" ".join([*company[:2], word, *company[2:]]))
        lines.append(" ".join([other, f"{chr(97 + rng.randrange(TOPICS))}{chr(97 + rng.randrange(4))}x"]))
    path = tmp_path_factory.mktemp("rules") / "text.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def model(corpus: Path) -> mv.Embeddings:
    return mv.train(corpus, **OPTIONS)


def affixes(model: mv.Embeddings, word: str) -> list[str]:
    return [part for part in model.parts.known(word) if part.startswith(("affix:", "lemma:"))]


def test_the_text_tells_affix_and_lemma(model: mv.Embeddings) -> None:
    found = [word for word in model.index_to_key if word.endswith("zing")]
    rows = {word: model.parts.of_row(model.key_to_index[word]) for word in found}
    told = [word for word in found if f"lemma:{word[:-4]}" in rows[word] and "affix:-zing" in rows[word]]
    assert len(told) > len(found) / 2
    assert not any("affix:-o" in model.parts.of_row(row) for row in range(len(model)))
    assert "found" in model.manifest["objective"]["classes"]
    assert not model.constrained  # the text is no knowledge of ours


def test_unseen_words_have_the_rules_of_the_text(model: mv.Embeddings, tmp_path: Path) -> None:
    stem = next(
        word for word in model.index_to_key if len(word) > MIN_STEM and word + "zing" in model.key_to_index
    )
    unseen = stem + "zingzing"
    assert affixes(model, unseen) == [f"lemma:{stem}zing", "affix:-zing"]
    model.save(tmp_path / "model")
    again = mv.load(tmp_path / "model")
    assert affixes(again, unseen) == affixes(model, unseen)
    np.testing.assert_array_equal(again.vector_for(unseen), model.vector_for(unseen))


def test_none_is_n_grams_alone(corpus: Path) -> None:
    none = mv.train(corpus, rules="none", **OPTIONS)
    named = mv.train(corpus, parts="own,ngrams", **OPTIONS)
    np.testing.assert_array_equal(none.vectors, named.vectors)
    assert none.manifest["resolved"]["own_weight"] == 1.0
    assert "found" not in none.manifest["objective"]["classes"]


def test_threads_change_no_bit(corpus: Path, model: mv.Embeddings) -> None:
    again = mv.train(corpus, **{**OPTIONS, "threads": 3})
    np.testing.assert_array_equal(again.vectors, model.vectors)


def test_offsets_of_the_text_follow_the_constraint(corpus: Path) -> None:
    off = mv.train(corpus, constraint=("none",), **OPTIONS)
    assert off.manifest["objective"]["classes"] == {}
    strong = mv.train(corpus, constraint=("offset:3000",), **OPTIONS)
    assert set(strong.manifest["objective"]["classes"]) == {"found"}


def test_another_word_is_refused(corpus: Path) -> None:
    with pytest.raises(OptionError, match="rules"):
        mv.train(corpus, rules="table", **OPTIONS)
    with pytest.raises(OptionError, match="rules"):
        mv.train(corpus, method="glove", rules="text", **OPTIONS)
