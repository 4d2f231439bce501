from __future__ import annotations

import numpy as np
import pytest

import naive
from morphvec.kernels.grams import count_grams, hash_grams

WORDS = ["", "a", "ab", "banana", "𐐀é中", "aaaaaaaa"]


def emitted(words, shortest, longest):
    text = [f"<{word}>" for word in words]
    codes = np.frombuffer("".join(text).encode("utf-32-le"), np.uint32)
    offsets = np.concatenate([[0], np.cumsum([len(word) for word in text])]).astype(np.int64)
    total = count_grams(offsets, shortest, longest)
    hashes, word = np.empty(total, np.uint64), np.full(total, -1, np.int32)
    start, length = np.empty(total, np.int64), np.zeros(total, np.int8)
    hash_grams(codes, offsets, shortest, longest, hashes, word, start, length)
    whole = "".join(text)
    return [
        (int(w), whole[s : s + n], int(h)) for w, s, n, h in zip(word, start, length, hashes, strict=True)
    ]


@pytest.mark.parametrize(("shortest", "longest"), [(1, 1), (1, 20), (2, 3), (3, 6), (7, 9)])
def test_every_occurrence_of_every_gram_but_the_whole_word(shortest, longest):
    found = emitted(WORDS, shortest, longest)
    for number, word in enumerate(WORDS):
        text = f"<{word}>"
        wanted = sorted(
            text[i : i + n]
            for n in range(shortest, longest + 1)
            for i in range(len(text) - n + 1)
            if n < len(text)
        )
        assert sorted(gram for w, gram, _ in found if w == number) == wanted
        assert set(wanted) == naive.ngrams(word, shortest, longest)


def test_a_hash_stands_for_its_characters_and_nothing_else():
    found = emitted([*WORDS, "nanab", "ba" * 9, "x" * 30], 1, 12)
    by_gram = {gram: value for _, gram, value in found}
    assert all(by_gram[gram] == value for _, gram, value in found)
    assert len(set(by_gram.values())) == len(by_gram)
