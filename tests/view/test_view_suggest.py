"""Words to choose from: order, forgiveness, languages; a slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from page_models import verbs
from view_models import two_languages

from morphvec.embeddings.embeddings import Embeddings
from morphvec.rng import stream
from morphvec.text.tokenize import Tokenizer
from morphvec.view.suggest import Suggester, plain


def model(*words, languages=()):
    return Embeddings(
        words,
        np.ones((len(words), 2), np.float32),
        tokenizer=Tokenizer("unicode", "lower"),
        languages=languages,
    )


def found(embeddings, query, n=8, **more):
    return [embeddings.words[row] for row in Suggester(embeddings)(query, n, **more)]


@pytest.mark.parametrize(
    ("word", "typed"),
    [
        ("Ọ̀rẹ́", "ore"),
        ("ng'ombe", "ngombe"),
        ("ng’ombe", "ngombe"),
        ("Straße", "strasse"),
        ("øre", "ore"),
        ("ılık", "ilik"),
        ("İstanbul", "istanbul"),
        ("well-known", "wellknown"),
        ("هُدًى", "هدى"),
    ],
)
def test_a_word_is_plain_as_people_type_it(word, typed):
    assert plain(word) == typed


def test_letters_that_marks_make_stay():
    assert plain("हिन्दी") == "हिन्दी"
    assert plain("й") != ""


def test_the_word_itself_then_beginnings_then_accents_then_inside():
    words = model("oreb", "more", "ọ̀rẹ́", "ore", "öre", "oregon")
    assert found(words, "ore") == ["ore", "oreb", "oregon", "ọ̀rẹ́", "öre", "more"]
    assert found(words, "öre") == ["öre", "ọ̀rẹ́", "ore", "oreb", "oregon", "more"]
    assert found(words, "ORE", n=2) == ["ore", "oreb"]


@pytest.mark.parametrize("query", ["", "  ", "'", "zzz"])
def test_nothing_for_nothing(query):
    assert found(model("walk", "talk"), query) == []


def test_one_letter_looks_at_beginnings_only():
    assert found(model("ab", "ba"), "a") == ["ab"]


def test_languages():
    words = two_languages()
    assert found(words, "p1", n=2) == ["spa:p1", "por:p1"]
    assert found(words, "p1", n=2, language="por") == ["por:p1", "por:p10"]
    assert found(words, "por:p1", n=1) == ["por:p1"]


def test_close_ones_share_the_longest_beginning():
    words = verbs()
    assert [words.words[row] for row in Suggester(words).close("walkabout", 3)] == ["walk", "walks", "walked"]
    assert Suggester(words).close("xyz", 3) == []


def test_like_a_plain_loop():
    generator = stream(3)
    letters = np.array(list("abé"))
    words = list(dict.fromkeys("".join(generator.choice(letters, size=5)) for _ in range(200)))
    ours = Suggester(model(*words))
    for query in ("a", "ab", "é", "éa", "bab", "aeb", "bbbbb"):
        places = range(len(words))
        tests = (
            lambda word, q=query: word == q,
            lambda word, q=query: word.startswith(q),
            lambda word, q=query: plain(word) == plain(q),
            lambda word, q=query: plain(word).startswith(plain(q)),
            lambda word, q=query: len(plain(q)) > 1 and plain(q) in plain(word),
        )
        expected = list(dict.fromkeys(row for test in tests for row in places if test(words[row])))
        assert ours(query, 10) == expected[:10]
        assert ours(query, 1000) == expected
