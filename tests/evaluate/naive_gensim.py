"""The rules of gensim's ``evaluate_word_pairs`` and ``evaluate_word_analogies`` (4.x), as its documentation has them,
in plain loops: words are compared in capitals, and of two spellings of one word the more frequent row stands for it.
"""

from __future__ import annotations

from naive_evaluate import cosine, pearson, spearman, unit


def rows_in_capitals(words, restrict):
    """Capitals → row, among the first ``restrict`` words; the first of equal ones stays."""
    found = {}
    for row, word in enumerate(words[:restrict]):
        found.setdefault(word.upper(), row)
    return found


def word_pairs(words, vectors, pairs, *, restrict=300_000, zero_unknown=False):
    """(Pearson's r, Spearman's ρ, share of pairs with an unknown word) over (a, b, human score) triples.

    A pair with an unknown word is left out, or (``zero_unknown``) has the similarity 0.
    """
    known = rows_in_capitals(words, restrict)
    human, found, unknown = [], [], 0
    for a, b, score in pairs:
        rows = known.get(a.upper()), known.get(b.upper())
        missing = None in rows
        unknown += missing
        if missing and not zero_unknown:
            continue
        human.append(score)
        found.append(0.0 if missing else cosine(vectors[rows[0]], vectors[rows[1]]))
    return pearson(human, found), spearman(human, found), unknown / len(pairs)


def word_analogies(words, vectors, questions, *, restrict=300_000):
    """Section → (right, asked): 3CosAdd among the first ``restrict`` words, a, b and c left out of the answers;
    questions with a word outside them are not asked."""
    known = rows_in_capitals(words, restrict)
    units = [unit(vector) for vector in vectors[:restrict]]
    sections = {}
    for section, *asked in questions:
        right, of = sections.setdefault(section, (0, 0))
        rows = [known.get(word.upper()) for word in asked]
        if None in rows:
            continue
        a, b, c, d = rows
        aim = [y - x + z for x, y, z in zip(units[a], units[b], units[c], strict=True)]
        best = max(
            (row for row in range(len(units)) if row not in (a, b, c)),
            key=lambda row: cosine(units[row], aim),
        )
        sections[section] = (right + (best == d), of + 1)
    return sections
