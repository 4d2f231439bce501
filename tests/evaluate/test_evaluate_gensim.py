"""Where our rules and gensim's coincide, the numbers are the same; where they do not, the difference is the stated one."""

from __future__ import annotations

import numpy as np
import pytest
from evaluate_fakes import random_model
from naive_gensim import word_analogies, word_pairs

from morphvec.evaluate import AnalogySet, SimilaritySet, evaluate
from morphvec.evaluate.datasets import Question

WORDS = [f"word{i}" for i in range(60)]


def model(seed):
    """Words in pairs whose offsets are nearly one offset, so that some analogies come out right."""
    made = random_model(seed, WORDS)
    offset = np.random.default_rng(seed + 100).standard_normal(8)
    made.vectors[1::2] = made.vectors[::2] + offset + 0.4 * made.vectors[1::2]
    return made


def rows(seed, number=80, unknown=True):
    rng = np.random.default_rng(seed)
    spell = [str, str.upper, str.title]
    words = [*WORDS, *(["nowhere", "Nothing"] if unknown else [])]
    return [
        (*(spell[rng.integers(3)](words[i]) for i in rng.choice(len(words), 2)), float(rng.integers(0, 20)))
        for _ in range(number)
    ]


def similarity(pairs):
    return SimilaritySet("set", tuple((a, b) for a, b, _ in pairs), np.array([s for *_, s in pairs]))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("rule", "zero"), [("skip", False), ("zero", True)])
def test_word_pairs_agree_in_any_case(seed, rule, zero):
    made, pairs = model(seed), rows(seed)
    r, rho, unknown = word_pairs(WORDS, made.vectors, pairs, zero_unknown=zero)
    by_rank, straight = evaluate(made, similarity=[similarity(pairs)], unknown=rule, bootstrap=0)
    assert (by_rank.metric, straight.metric) == ("spearman", "pearson")
    assert by_rank.score == pytest.approx(rho, abs=1e-12)
    assert straight.score == pytest.approx(r, abs=1e-12)
    assert by_rank.detail["unknown_pairs"] / by_rank.total == unknown > 0
    assert by_rank.coverage == (1.0 if zero else pytest.approx(1 - unknown))


def questions(seed, number=120):
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(number):
        one, two = 2 * rng.choice(30, 2, replace=False)
        words = [WORDS[one], WORDS[one + 1].upper(), WORDS[two].title(), WORDS[two + 1]]
        if rng.random() < 0.1:
            words[rng.integers(4)] = "nowhere"
        found.append((("family", "gram1-plural", "gram2")[rng.integers(3)], *words))
    found.append(("family", "word0", "word1", "word0", "word1"))  # the answer is b: it cannot be given
    return found


@pytest.mark.parametrize("restrict", [60, 25, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_analogies_agree_section_by_section(seed, restrict):
    made, asked = model(seed), questions(seed)
    expected = word_analogies(WORDS, made.vectors, asked, restrict=restrict)
    data = AnalogySet("set", tuple(Question(*q) for q in asked))
    results = {r.metric: r for r in evaluate(made, analogy=[data], restrict=restrict, bootstrap=0)}
    for section, (right, of) in expected.items():
        assert results[section].n == of
        assert round((results[section].score or 0) * of) == right
    right, of = (sum(column) for column in zip(*expected.values(), strict=True))
    assert 0 < right < of < len(asked)
    assert results["all"].score == right / of
    # gensim's dummy4unknown counts a question that cannot be asked as wrong: our score times our coverage
    assert results["all"].score * results["all"].coverage == pytest.approx(right / len(asked))


def test_capitals_merge_what_small_letters_keep_apart():
    words = ["strasse", "straße", "weg", "pfad", "tor"]
    made = random_model(0, words)
    pairs = [("Straße", "weg", 3.0), ("straße", "pfad", 1.0), ("Strasse", "tor", 2.0), ("weg", "tor", 0.0)]
    _, rho, _ = word_pairs(words, made.vectors, pairs)
    ours = evaluate(made, similarity=[similarity(pairs)], bootstrap=0)[0]
    plain = [(a.replace("ß", "ss"), b, score) for a, b, score in pairs]
    as_gensim = evaluate(made, similarity=[similarity(plain)], bootstrap=0)[0]
    assert as_gensim.score == pytest.approx(rho)
    assert ours.score != pytest.approx(rho)
