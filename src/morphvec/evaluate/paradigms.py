"""Paradigm completion: given a lemma and a feature bundle, where does the right form rank among all words?

A question is a lemma with a bundle: the table's rows of one lemma and one bundle are one question, and every form that
they list is right; its rank is that of the best. Candidates are all words of the table's language; the lemma itself is
left out unless it is a right answer. A form that stands under several bundles (syncretism) is asked about under each,
so the questions of a lemma hang together: intervals draw lemmas, each with all its questions.

Three answers, each a direction to which candidates are compared (cosine; rows at length 1, as in the other tests):
``lemma`` is the lemma alone; ``mean-offset`` adds the mean of form − lemma over the pairs that other lemmas have in this
bundle; the model's own answer adds it twice. Nothing looks at how the answer is spelled. Twice, because the words
nearest to a lemma are its other forms, and what tells them apart must outweigh what they share: chosen on the German
and Spanish Bibles, it then gained on the Finnish, Hungarian, Swahili and Turkish ones. It loses where constraints
bind whole words and the lemma asked about is not among them: the answer then falls among those that are. (The affix rows
of a composed model instead of the offset did worse; beside it they did no better than its doubling.)

With a list of lemmas, only these are asked about and only the others give the mean offsets: lemmas kept out of
the training constraints are then kept out of the making of answers too. Without one, a model that was trained on
the table has seen the answers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from morphvec.arrays import Bools1d, Floats1d, Ints1d, Ints2d
from morphvec.embeddings.rows import Mix, Rows, one_by_one
from morphvec.evaluate import inflection
from morphvec.evaluate.base import Outcome, WordVectors, rarest
from morphvec.evaluate.inflection import Inflections
from morphvec.evaluate.ranks import exact_ranks
from morphvec.morphology.rows import MULTIWORD
from morphvec.morphology.tables import Table

LEAST_PAIRS = 2  # of other lemmas, for a mean offset
OFFSET_WEIGHT = 2.0  # in the model's own answer


@dataclass(frozen=True, eq=False)
class _Questions:
    """Those that can be asked, ordered by lemma and bundle.

    items, lemma_of, lemma, bundle int64[n]: first row of the table, number of the lemma, its candidate, the bundle.
    right, starts: the right candidates of question q are ``right[starts[q]:starts[q + 1]]``, ascending.
    lemma_is_right bool[n]. offsets: float64 CSR [n, C + bundles], the mean offset of the bundle over the pairs of other
    lemmas, as weights of ``sources``: the candidates, and below them the sum of each bundle's offsets.
    total: questions in the table, or of the listed lemmas; skipped: why the others cannot be asked.
    """

    items: Ints1d
    lemma_of: Ints1d
    lemma: Ints1d
    bundle: Ints1d
    right: Ints1d
    starts: Ints1d
    lemma_is_right: Bools1d
    offsets: csr_array
    sources: Rows
    total: int
    skipped: dict[str, int]


def score(
    model: WordVectors, table: Table, *, lemmas: Collection[str] | None = None, language: str = ""
) -> list[Outcome]:
    """``mrr``, ``p@1`` and ``p@10`` of the model's own answers, then the same of ``lemma`` and of ``mean-offset``.

    lemmas: the only ones to ask about; None asks about all. language: of a table that does not carry its own.
    ``detail["skipped"]`` counts questions by the first reason that holds: ``multiword`` lemma or forms,
    ``unknown_lemma``, ``unknown_form`` (none of the forms is known), ``few_pairs`` (fewer than 2 known pairs of other
    lemmas in the bundle). ``detail["form_differs"]`` is the score without questions that the lemma itself answers.
    Raises OptionError where the model does not have the language.
    """
    words = inflection.locate(model, table, lemmas, language)
    asked = _questions(words)
    base = one_by_one(asked.sources, asked.lemma).weights.astype(np.float64)
    shared: dict[str, Any] = {
        "language": inflection.language_of(model, table, language),
        "candidates": len(words.vectors),
        "lemmas": len(np.unique(asked.lemma_of)),
        "bundles": len(np.unique(asked.bundle)),
        "skipped": asked.skipped,
    }
    reason = "" if len(asked.items) else _reason(asked)
    barred = np.where(asked.lemma_is_right, -1, asked.lemma)
    answers = (base + OFFSET_WEIGHT * asked.offsets, base, base + asked.offsets)
    found = _ranks(words.vectors, answers, asked, barred)
    lemma, right = asked.lemma[:, None], _filled(asked)
    counts = rarest(words.counts, lemma, right)
    outcomes = []
    for name, ranks in zip(("model", "lemma", "mean-offset"), found, strict=True):
        values = {"mrr": 1.0 / ranks, **{f"p@{k}": (ranks <= k).astype(np.float64) for k in (1, 10)}}
        for measure, each in values.items():
            detail = {"answer": name, "measure": measure, **shared}
            detail["form_differs"] = _mean(each[~asked.lemma_is_right])
            outcomes.append(
                Outcome(
                    "paradigms",
                    Path(table.source).name,
                    measure if name == "model" else f"{name} {measure}",
                    "skip",
                    asked.total,
                    asked.items,
                    each,
                    None,
                    detail,
                    reason,
                    words.first_of[asked.lemma_of],
                    np.concatenate([lemma, right], axis=1),
                    words.keys,
                    counts,
                )
            )
    return outcomes


def _filled(asked: _Questions) -> Ints2d:
    """int64[n, m]: the right candidates of each question, filled up with -1."""
    lengths = np.diff(asked.starts)
    right = np.full((len(lengths), int(lengths.max(initial=0))), -1, dtype=np.int64)
    right[np.arange(right.shape[1]) < lengths[:, None]] = asked.right
    return right


def _ranks(rows: Rows, answers: Sequence[csr_array], asked: _Questions, barred: Ints1d) -> list[Ints1d]:
    """The ranks of each way to answer; the answers to a question go together, since they are made of the same rows."""
    n, ways = len(asked.items), len(answers)
    order = np.repeat(np.arange(n), ways)
    together = csr_array(vstack(answers))[np.arange(n * ways).reshape(ways, n).T.ravel()]
    lengths = np.diff(asked.starts)[order]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    right = asked.right[np.arange(starts[-1]) + np.repeat(asked.starts[order] - starts[:-1], lengths)]
    ranks = exact_ranks(rows, Mix(together, asked.sources), right, starts, barred[order])
    return [ranks[way::ways] for way in range(ways)]


def _questions(words: Inflections) -> _Questions:
    """The questions of a table, their right answers and the offsets that other lemmas teach."""
    bundles = len(words.bundles)
    codes, first, question = np.unique(
        words.lemma_of * bundles + words.bundle, return_index=True, return_inverse=True
    )
    lemma_of, bundle, lemma = codes // bundles, codes % bundles, words.lemma[first]
    usable = (words.lemma >= 0) & (words.form >= 0)
    pairs = np.unique(np.stack([question[usable], words.form[usable]], axis=1), axis=0)
    owner, form = pairs[:, 0], pairs[:, 1]
    count = np.bincount(owner, minlength=len(codes))

    # The mean over the other lemmas = (the sum over all that teach − the lemma's own) / the pairs that are left.
    teaches = ~words.listed[lemma_of] if words.restricted else np.ones(len(codes), dtype=np.bool_)
    signed = csr_array(
        (np.repeat([1.0, -1.0], len(pairs)), (np.tile(owner, 2), np.concatenate([form, lemma[owner]]))),
        shape=(len(codes), len(words.vectors)),
    )
    gather = csr_array(
        (teaches.astype(np.float64), (bundle, np.arange(len(codes)))), shape=(bundles, len(codes))
    )
    others = (gather @ count)[bundle] - count * teaches

    all_multiword = np.ones(len(codes), dtype=np.bool_)
    np.logical_and.at(all_multiword, question, words.form == MULTIWORD)
    fates = {
        "multiword": (lemma == MULTIWORD) | all_multiword,
        "unknown_lemma": lemma < 0,
        "unknown_form": count == 0,
        "few_pairs": others < LEAST_PAIRS,
    }
    left = words.listed[lemma_of]
    total, skipped = int(left.sum()), {}
    for name, fate in fates.items():
        skipped[name] = int((left & fate).sum())
        left = left & ~fate
    own = np.bincount(owner[form == lemma[owner]], minlength=len(codes)) > 0
    each = np.arange(int(left.sum()))
    less = csr_array((-(teaches / np.maximum(others, 1))[left], (each, each)), shape=(len(each), len(each)))
    mean = csr_array((1.0 / others[left], (each, bundle[left])), shape=(len(each), bundles))
    return _Questions(
        items=first[left],
        lemma_of=lemma_of[left],
        lemma=lemma[left],
        bundle=bundle[left],
        right=form[left[owner]],
        starts=np.concatenate([[0], np.cumsum(count[left])]),
        lemma_is_right=own[left],
        offsets=csr_array(hstack([less @ signed[left], mean])),
        sources=words.vectors.with_sums(csr_array(gather @ signed)),
        total=total,
        skipped=skipped,
    )


def _reason(asked: _Questions) -> str:
    counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in asked.skipped.items() if count)
    return f"none of the {asked.total} questions can be asked: {counts}"


def _mean(values: Floats1d) -> dict[str, Any]:
    return {"n": len(values), "score": float(values.mean()) if len(values) else None}
