"""Rules found in a text: meaning parts rules from accidents of spelling."""

from __future__ import annotations

import numpy as np
import pytest

from morphvec.morphology.affixes import AffixRule
from morphvec.morphology.discovery import MIN_GOOD, MIN_PAIRS, Found, find_rules, spelled

STEMS = 40


def stems(rng: np.random.Generator, count: int = STEMS) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        syllables = (rng.choice(list("bdfgklmnprtv")) + rng.choice(list("aiou")) for _ in range(3))
        found["".join(syllables) + rng.choice(list("kmprt"))] = None
    return list(found)


def text(seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Words with -ing, that mean what their stems mean, and with -o, that mean something else."""
    rng = np.random.default_rng(seed)
    roots = stems(rng)
    words = [*roots, *(root + "ing" for root in roots), *(root + "o" for root in roots)]
    meaning = rng.standard_normal((STEMS, 30))
    shift = rng.standard_normal(30) * 0.2
    near = meaning + shift + 0.3 * rng.standard_normal((STEMS, 30))
    return words, np.concatenate([meaning, near, rng.standard_normal((STEMS, 30))])


def found_in(words: list[str], vectors: np.ndarray, owners: list[str] | None = None) -> Found:
    changes = spelled(words, owners or [""] * len(words))
    return find_rules(words, changes, vectors)


def pairs_of(found: Found) -> dict[int, tuple[int, str]]:
    p = found.pairs
    return {
        int(word): (int(stem), p.names[c])
        for word, stem, c in zip(p.forms, p.lemmas, p.class_of, strict=True)
    }


def test_a_rule_that_means_something_is_found_and_an_accident_is_not() -> None:
    words, vectors = text()
    found = found_in(words, vectors)
    assert found.pairs.names == ("-ing",)
    assert found.rules == (AffixRule("suffix", "ing", "", "-ing"),)
    pairs = pairs_of(found)
    assert len(pairs) > 0.8 * STEMS
    assert all(pair == (word - STEMS, "-ing") for word, pair in pairs.items())


def test_without_meaning_nothing_is_found() -> None:
    words, vectors = text()
    found = found_in(words, np.random.default_rng(3).standard_normal(vectors.shape))
    assert found.pairs.names == ()
    assert len(found.pairs.forms) == len(found.rules) == 0
    assert "0 of 120 words" in found.line(len(words))


def test_a_word_leads_to_the_bare_stem() -> None:
    rng = np.random.default_rng(1)
    roots = stems(rng)
    words = [*roots, *(root + "ed" for root in roots), *(root + "ing" for root in roots)]
    meaning = rng.standard_normal((STEMS, 30))
    inflected = meaning + 0.25 * rng.standard_normal((STEMS, 30))  # -ed and -ing are nearer to each other
    vectors = np.concatenate([meaning + 0.3 * rng.standard_normal((STEMS, 30)), inflected, inflected])
    vectors[2 * STEMS :] += 0.02 * rng.standard_normal((STEMS, 30))
    pairs = pairs_of(found_in(words, vectors))
    assert {name for _, name in pairs.values()} == {"-ed", "-ing"}
    bare = [stem < STEMS for word, (stem, _) in pairs.items() if word - STEMS in pairs]
    assert bare
    assert all(bare)


def test_names_have_what_their_words_share_before_them() -> None:
    rng = np.random.default_rng(2)
    roots = [root[:-1] + "e" for root in stems(rng)]
    words = [*roots, *(root + "d" for root in roots)]
    meaning = rng.standard_normal((STEMS, 30))
    found = found_in(words, np.concatenate([meaning, meaning + 0.2 * rng.standard_normal((STEMS, 30))]))
    assert found.pairs.names == ("-ed",)
    assert found.rules == (AffixRule("suffix", "d", "", "-ed"),)


def test_a_doubled_letter_is_one_rule_and_spelled_out_for_unseen_words() -> None:
    rng = np.random.default_rng(4)
    roots = [root[:-1] + rng.choice(list("pgt")) for root in stems(rng)]
    roots = list(dict.fromkeys(roots))
    words = [*roots, *(root + root[-1] + "ed" for root in roots)]
    meaning = rng.standard_normal((len(roots), 30))
    found = found_in(words, np.concatenate([meaning, meaning + 0.2 * rng.standard_normal((len(roots), 30))]))
    assert "-ed" in found.pairs.names
    assert AffixRule("suffix", "ped", "", "-ed") in found.rules


def test_languages_have_rules_of_their_own() -> None:
    words, vectors = text()
    owners = ["xx" if word % 2 else "yy" for word in range(STEMS)] * 3
    found = found_in(words, vectors, owners)
    assert found.pairs.names == ("xx:-ing", "yy:-ing")
    for word, (stem, name) in pairs_of(found).items():
        assert owners[word] == owners[stem] == name[:2]
    assert {rule.language for rule in found.rules} == {"xx", "yy"}


def test_the_same_seed_gives_the_same_and_length_does_not_matter() -> None:
    words, vectors = text()
    scale = np.random.default_rng(5).uniform(0.1, 9, (len(words), 1))
    one, other = found_in(words, vectors), found_in(words, vectors * scale)
    assert pairs_of(one) == pairs_of(other)
    vectors[3] = 0  # a word without a vector has no stem and is none
    assert 3 not in {stem for stem, _ in pairs_of(found_in(words, vectors)).values()}


def test_too_few_pairs_show_nothing() -> None:
    words, _ = text()
    few = [*range(MIN_PAIRS - 1), *range(STEMS, STEMS + MIN_PAIRS - 1)]
    assert spelled([words[row] for row in few], [""] * len(few)) == {}
    assert MIN_GOOD < MIN_PAIRS


@pytest.mark.parametrize("words", [[], ["one"], ["a", "b"]])
def test_small_vocabularies(words: list[str]) -> None:
    assert spelled(words, [""] * len(words)) == {}
    assert len(find_rules(words, {}, np.zeros((len(words), 3))).pairs.forms) == 0
