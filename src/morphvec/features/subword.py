"""Character n-grams of words: as columns of the matrix, or as parts that a word's vector is made of.

A word is bracketed as ``<word>``; its n-grams are the distinct substrings of ``shortest`` to ``longest`` characters
other than ``<word>`` itself (Bojanowski et al. 2017 §3.2). n-grams are taken from the bare word, so languages share
them. Kept are those found in at least ``min_types`` words of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

OPEN, CLOSE = "<", ">"


def grams_of(word: str, shortest: int, longest: int) -> list[str]:
    """The distinct n-grams of one bare word, in order of first place, shorter first at a place."""
    bracketed = f"{OPEN}{word}{CLOSE}"
    found = (
        bracketed[i : i + n]
        for i in range(len(bracketed))
        for n in range(shortest, min(longest, len(bracketed) - i) + 1)
        if n < len(bracketed)
    )
    return list(dict.fromkeys(found))


@dataclass(frozen=True, eq=False)
class Grams:
    """The kept n-grams of a vocabulary: ``names`` in code point order, ``member`` bool-like CSR words × n-grams."""

    names: tuple[str, ...]
    member: csr_array


def find_grams(words: Sequence[str], shortest: int, longest: int, min_types: int) -> Grams:
    """The n-grams of bare ``words`` that occur in at least ``min_types`` of them.

    Two n-grams are told apart by a 64-bit hash of their code points.
    """
    from morphvec.kernels.grams import count_grams, hash_grams

    bracketed = [f"{OPEN}{word}{CLOSE}" for word in words]
    text = "".join(bracketed)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    offsets = np.zeros(len(words) + 1, np.int64)
    np.cumsum([len(word) for word in bracketed], out=offsets[1:])
    total = count_grams(offsets, shortest, longest)
    hashes, word = np.empty(total, np.uint64), np.empty(total, np.int32)
    start, length = np.empty(total, np.int64), np.empty(total, np.int8)
    hash_grams(codes, offsets, shortest, longest, hashes, word, start, length)

    order = np.argsort(hashes, kind="stable")  # stable: within an n-gram the words keep their order
    hashes, word = hashes[order], word[order]
    new_gram = np.ones(total, np.bool_)
    new_gram[1:] = hashes[1:] != hashes[:-1]
    new_type = new_gram.copy()
    new_type[1:] |= word[1:] != word[:-1]
    gram = np.cumsum(new_gram) - 1
    types = np.bincount(gram[new_type], minlength=int(gram[-1]) + 1 if total else 0)
    kept = np.flatnonzero(types >= min_types)
    first = order[np.flatnonzero(new_gram)[kept]]
    names = [text[i : i + n] for i, n in zip(start[first].tolist(), length[first].tolist(), strict=True)]
    rank = sorted(range(len(names)), key=names.__getitem__)
    column = np.full(len(types), -1, np.int64)
    column[kept[rank]] = np.arange(len(rank))
    rows, columns = word[new_type], column[gram[new_type]]
    inside = columns >= 0
    member = csr_array(
        (np.ones(int(inside.sum()), np.float32), (rows[inside], columns[inside])),
        shape=(len(words), len(names)),
    )
    member.sort_indices()
    return Grams(tuple(names[i] for i in rank), member)
