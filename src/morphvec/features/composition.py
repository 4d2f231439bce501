"""The composition matrix B: what each word's vector is made of, U = B·P.

    u_t = [ω_t·own_t + Σ_kinds w_kind · Σ_pieces share·piece] / n_t,     n_t = 1 + Σ_kinds Σ_pieces share

The pieces of a kind: its m kept character n-grams with share 1 each; its morphemes with share 1 each; its lemma and
its affix with shares that add up to 1 where it has one (several analyses divide it evenly). n_t counts items, so with
weights of 1 a word is the mean of its own row and its pieces; a weight above 1 lets a kind say more than one item
would. A lemma that is a word of the vocabulary is that word's own row: no row of P is kept for it twice, and in the
lemma itself it weighs no less than in the forms, ω_t = max(ω, w_lemma).

An unseen word has the same formula without own_t (n_t still counts it), and weighs parts of few words more
(``embeddings.unseen.Parts.rarity``). Where words shall have no own rows, those stay that have nothing else or are the
lemma of others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.sparse import csr_array, hstack

from morphvec.arrays import Floats1d
from morphvec.errors import OptionError

OWN = "own"
# What may be asked for beside own rows, in the order of the rows of P, and how a row of each kind is called.
ROW_KINDS: Mapping[str, str] = MappingProxyType(
    {"ngrams": "ngram", "morphemes": "morpheme", "lemma": "lemma", "affixes": "affix"}
)
# Measured on withheld forms of the German, Hungarian and Spanish Bibles, and on E17.
DEFAULT_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"ngrams": 1.0, "morphemes": 1.0, "lemma": 2.0, "affixes": 0.5}
)
MAX_WEIGHT = 1e6


@dataclass(frozen=True)
class PartOptions:
    """own: whether every word has a row of its own. weights: (kind, w) of what else words are made of, in the order of
    ``ROW_KINDS``."""

    own: bool
    weights: tuple[tuple[str, float], ...]

    def weight(self, kind: str) -> float:
        """w of a kind, 0 where it is not asked for."""
        return dict(self.weights).get(kind, 0.0)


def parse_parts(entries: Sequence[str]) -> PartOptions:
    """``("own", "ngrams", "lemma:2")`` → options; a kind without a weight takes that of ``DEFAULT_WEIGHTS``.

    Raises OptionError for an unknown or repeated kind, for a weight that is not a number above 0, and where nothing is
    named.
    """
    weights: dict[str, float] = {}
    own, text = False, ",".join(entries)
    for entry in entries:
        kind, colon, number = entry.strip().partition(":")
        if kind not in (OWN, *ROW_KINDS):
            raise OptionError(
                f"parts={text}: {kind!r}",
                f"a part is one of {', '.join((OWN, *ROW_KINDS))}",
                "write e.g. --parts own,ngrams,lemma",
            )
        if kind in weights or (kind == OWN and own):
            raise OptionError(
                f"parts={text}: {kind!r} twice", "a part is named once", "leave one of them out"
            )
        if kind == OWN:
            if colon:
                raise OptionError(
                    f"parts={text}: {entry!r}", "own rows carry no weight here", "use --own-weight"
                )
            own = True
            continue
        try:
            weight = float(number) if colon else DEFAULT_WEIGHTS[kind]
        except ValueError:
            weight = math.nan
        if not 0 < weight <= MAX_WEIGHT:
            raise OptionError(
                f"parts={text}: {entry!r}",
                f"a part is KIND or KIND:w with w above 0 and at most {MAX_WEIGHT:g}",
                "write e.g. --parts own,ngrams,lemma:2",
            )
        weights[kind] = weight
    if not own and not weights:
        raise OptionError(f"parts={text!r}", "a word is made of something", "add own to --parts")
    return PartOptions(own, tuple((kind, weights[kind]) for kind in ROW_KINDS if kind in weights))


def compose(
    own: Floats1d, pieces: Sequence[tuple[float, csr_array]], stems: tuple[float, csr_array] | None = None
) -> csr_array:
    """B, float32 CSR [T, T + columns of all pieces], its columns sorted in each row.

    own: ω_t of each word, float64 [T] (0: no own row). pieces: (w, shares [T, pieces]) of each kind, in the order of
    the rows of P. stems: (w, shares [T, T]) of the lemmas that are words themselves; none stands on the diagonal.
    """
    words = len(own)
    found = [shares for _, shares in pieces] + ([] if stems is None else [stems[1]])
    items = np.ones(words)
    for shares in found:
        items += np.asarray(shares.sum(axis=1, dtype=np.float64))
    part = (1.0 / items).astype(np.float32)
    rows = np.flatnonzero(own)
    first = csr_array((own[rows].astype(np.float32) * part[rows], (rows, rows)), shape=(words, words))
    if stems is not None and stems[1].nnz:
        first = csr_array(first + _weighted(stems[1], stems[0], part))
    blocks = [first, *(_weighted(shares, weight, part) for weight, shares in pieces)]
    joined = csr_array(hstack(blocks, format="csr", dtype=np.float32))
    joined.sort_indices()
    return joined


def own_weights(
    options: PartOptions,
    weight: float | Floats1d,
    split_weight: float | None,
    pieces: Sequence[csr_array],
    stems: csr_array | None,
    lemmas: csr_array | None,
) -> Floats1d:
    """ω_t of each word: ``weight`` (one, or one a word), or ``split_weight`` (where given) of words that have a lemma; at least the weight
    of lemmas of words that are the lemma of others.

    pieces: the shares of every kind; stems, lemmas: of lemmas in and outside the vocabulary. Without own rows in the
    options, those words keep theirs that have nothing else or are the stem of others.
    """
    words = pieces[0].shape[0]
    own = np.array(np.broadcast_to(np.asarray(weight, np.float64), (words,)))
    others = np.zeros(0, np.int64) if stems is None else np.unique(stems.indices)
    split = np.zeros(words, np.bool_)
    for shares in (stems, lemmas):
        if shares is not None:
            split |= np.diff(shares.indptr) > 0
    if split_weight is not None:
        own[split] = split_weight
    own[others] = np.maximum(own[others], options.weight("lemma"))
    if not options.own:
        has = split.copy()
        for shares in pieces:
            has |= np.diff(shares.indptr) > 0
        has[others] = False
        own[has] = 0.0
    return own


def _weighted(shares: csr_array, weight: float, part: Floats1d) -> csr_array:
    data = np.float32(weight) * np.repeat(part, np.diff(shares.indptr)) * shares.data.astype(np.float32)
    return csr_array((data, shares.indices, shares.indptr), shape=shares.shape)
