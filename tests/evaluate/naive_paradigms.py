"""Slow twins of paradigm completion and of class compactness, written from their definitions in plain loops."""

from __future__ import annotations

from naive_evaluate import cosine, unit


def questions(rows, known, listed=None):
    """(lemma, bundle) → the known forms that the rows list for it; asked: where a mean offset of others exists."""
    found = {}
    for lemma, form, bundle in rows:
        if lemma in known and form in known:
            found.setdefault((lemma, bundle), set()).add(form)
    asked = {}
    for (lemma, bundle), forms in found.items():
        pairs = [
            (other, form)
            for (other, its), others in found.items()
            for form in sorted(others)
            if its == bundle and other != lemma and (listed is None or other not in listed)
        ]
        if len(pairs) >= 2 and (listed is None or lemma in listed):
            asked[lemma, bundle] = (forms, pairs)
    return asked


def ranks(vectors, rows, listed=None):
    """(lemma, bundle, answer) → the rank; vectors: word → numbers, in row order."""
    words = list(vectors)
    units = {word: unit(vector) for word, vector in vectors.items()}
    dims = range(len(units[words[0]]))
    found = {}
    for (lemma, bundle), (right, pairs) in questions(rows, set(words), listed).items():
        offset = [sum(units[form][i] - units[base][i] for base, form in pairs) / len(pairs) for i in dims]
        times = {"lemma": 0, "mean-offset": 1, "": 2}
        aims = {name: [units[lemma][i] + n * offset[i] for i in dims] for name, n in times.items()}
        for name, aim in aims.items():
            candidates = [word for word in words if word != lemma or lemma in right]
            order = sorted(
                candidates, key=lambda word, aim=aim: (-cosine(units[word], aim), words.index(word))
            )
            found[lemma, bundle, name] = 1 + min(order.index(word) for word in right)
    return found


def compactness(vectors):
    pairs = [(u, v) for i, u in enumerate(vectors) for j, v in enumerate(vectors) if i != j]
    return sum(cosine(u, v) for u, v in pairs) / len(pairs)


def identity(vectors, pairs):
    """The share of lemmas whose nearest form of the class is their own, and of blind hits; pairs (lemma, form)."""
    words = list(vectors)
    forms = sorted({form for _, form in pairs}, key=words.index)
    hits, chances = [], []
    for lemma in dict.fromkeys(lemma for lemma, _ in pairs):
        own = {form for base, form in pairs if base == lemma}
        candidates = [form for form in forms if form != lemma]
        best = max(candidates, key=lambda form, lemma=lemma: cosine(vectors[form], vectors[lemma]))
        hits.append(best in own)
        chances.append(len(own) / len(candidates))
    return sum(hits) / len(hits), sum(chances) / len(chances)
