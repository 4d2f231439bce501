"""Slow twins of the morphology room, written from the definitions."""

from __future__ import annotations

import itertools

import numpy as np


def pair_classes(rows, index, min_size=2, held=()):
    """{bundle: sorted distinct (lemma row, form row)} from (lemma, form, bundle) triples of bare words."""
    classes = {}
    for lemma, form, bundle in rows:
        if lemma in index and form in index and lemma != form and not {lemma, form} & set(held):
            classes.setdefault(bundle, set()).add((index[lemma], index[form]))
    return {bundle: sorted(pairs) for bundle, pairs in classes.items() if len(pairs) >= min_size}


def scatter(members):
    """Σ‖m_i − m̄‖²."""
    return float(((members - members.mean(axis=0)) ** 2).sum())


def edge_sum(members, edges):
    """Σ over edges of ‖m_i − m_j‖²."""
    return sum(float(((members[i] - members[j]) ** 2).sum()) for i, j in edges)


def complete(n):
    return list(itertools.combinations(range(n), 2))


def nearest(points, k):
    """Unordered pairs {i, one of the k nearest of i}, ties to the lower position."""
    found = set()
    for i, point in enumerate(points):
        distance = [(float(((point - other) ** 2).sum()), j) for j, other in enumerate(points) if j != i]
        found |= {(min(i, j), max(i, j)) for _, j in sorted(distance)[:k]}
    return sorted(found)


def analyse(words, counts, rules, min_stem):
    """[(stem, word, rule)] by trying every rule on every word."""
    found = []
    for w, word in enumerate(words):
        options = {}
        for r, rule in enumerate(rules):
            for s, stem in enumerate(words):
                body = len(word) - len(rule.form)
                if rule.kind == "suffix":
                    fits = word[body:] == rule.form and stem == word[:body] + rule.lemma
                else:
                    fits = word[: len(rule.form)] == rule.form and stem == rule.lemma + word[len(rule.form) :]
                if fits and body > 0 and len(stem) >= min_stem:
                    options.setdefault(rule.name, []).append((-counts[s], stem, r, s))
        found += sorted((w, min(some)[2], min(some)[3]) for some in options.values())
    return [(s, w, r) for w, r, s in found]


def columns(*arrays):
    return list(zip(*(np.asarray(a).tolist() for a in arrays), strict=True))
