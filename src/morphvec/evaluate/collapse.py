"""Does a class collapse? How close the forms of a feature bundle lie, and whether a lemma still finds its own form.

A constraint that pulls the members of a class together can pull them into one point: they are then close to each
other (compactness goes to 1) and no longer know whose forms they are (identity goes to chance). A class is a bundle
with at least 5 distinct known forms of known lemmas; a form that is its lemma's own row is left out, as it is in the
constraints. Every class weighs the same in the means, and intervals draw classes.

compactness: the mean cosine of two distinct forms of the class, (‖Σ u‖² − Σ ‖u‖²)/(n(n − 1)) over unit vectors u.
identity p@1: how often the form nearest to a lemma (cosine, of the class's forms but the lemma itself, equal ones by
row) is one of its own. chance: the same for a form drawn blindly.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from morphvec.arrays import Ints1d, Ints2d
from morphvec.embeddings.rows import Rows, one_by_one
from morphvec.evaluate import inflection
from morphvec.evaluate.base import Outcome, WordVectors
from morphvec.evaluate.ranks import exact_ranks
from morphvec.morphology.tables import Table

LEAST_FORMS = 5
CLOSE, FOUND = 0.95, 0.5  # collapsed: compactness above the one, identity below the other


def score(model: WordVectors, table: Table, *, language: str = "") -> list[Outcome]:
    """``compactness``, ``identity p@1`` and ``chance``: a value for each class of the whole table, held out or not.

    The first outcome's detail says how many classes have ``collapsed`` (compactness above 0.95 and identity below
    0.5), with the mean identity and chance of these, and lists every class.
    Raises OptionError where the model does not have the language.
    """
    words = inflection.locate(model, table, language=language)
    usable = (words.lemma >= 0) & (words.form >= 0) & (words.lemma != words.form)
    pairs = np.unique(
        np.stack([words.bundle[usable], words.lemma[usable], words.form[usable]], axis=1), axis=0
    )
    bounds = np.searchsorted(pairs[:, 0], np.arange(len(words.bundles) + 1))
    items, sizes, found = [], [], []
    for bundle in range(len(words.bundles)):
        members = pairs[bounds[bundle] : bounds[bundle + 1], 1:]
        forms = np.unique(members[:, 1])
        if len(forms) >= LEAST_FORMS:
            items.append(bundle)
            sizes.append(len(members))
            found.append((compactness(words.vectors.take(forms)), *identity(words.vectors, forms, members)))
    values = np.array(found, dtype=np.float64).reshape(-1, 3)
    collapsed = (values[:, 0] > CLOSE) & (values[:, 1] < FOUND)
    shared: dict[str, Any] = {"language": inflection.language_of(model, table, language)}
    told = {
        "collapsed": int(collapsed.sum()),
        "collapsed_identity": float(values[collapsed, 1].mean()) if collapsed.any() else None,
        "collapsed_chance": float(values[collapsed, 2].mean()) if collapsed.any() else None,
        "classes": {
            words.bundles[bundle]: {"pairs": size, "compactness": close, "identity": own, "chance": chance}
            for bundle, size, (close, own, chance) in zip(items, sizes, values.tolist(), strict=True)
        },
    }
    reason = "" if items else f"no bundle has {LEAST_FORMS} forms in the vocabulary with their lemmas"
    first = _first_rows(words.bundle, np.array(items, dtype=np.int64))
    return [
        Outcome(
            "classes",
            Path(table.source).name,
            metric,
            "skip",
            len(words.bundles),
            first,
            values[:, column],
            None,
            {**shared, **(told if column == 0 else {})},
            reason,
        )
        for column, metric in enumerate(("compactness", "identity p@1", "chance"))
    ]


def compactness(units: Rows) -> float:
    """The mean cosine of two different rows of n ≥ 2 unit rows; a row of zeros has cosine 0."""
    of_sum, of_each = units.squares()
    n = len(units)
    return (of_sum - of_each) / (n * (n - 1))


def identity(vectors: Rows, forms: Ints1d, members: Ints2d) -> tuple[float, float]:
    """How often the nearest of the ``forms`` (ascending rows of the unit ``vectors``) to a lemma is its own.

    members: int64[m, 2] distinct pairs (lemma, form), sorted. Returns that share of the distinct lemmas, and the
    share that a blind choice would reach.
    """
    lemmas, starts, own = np.unique(members[:, 0], return_index=True, return_counts=True)
    right = np.searchsorted(forms, members[:, 1])
    place = np.minimum(np.searchsorted(forms, lemmas), len(forms) - 1)
    barred = np.where(forms[place] == lemmas, place, -1)  # a lemma is no form of its own here
    ranks = exact_ranks(
        vectors.take(forms), one_by_one(vectors, lemmas), right, np.append(starts, len(members)), barred
    )
    return float((ranks == 1).mean()), float((own / (len(forms) - (barred >= 0))).mean())


def _first_rows(bundle: Ints1d, items: Ints1d) -> Ints1d:
    """The first row of the table that names each bundle: the same item in whatever model it is found."""
    names, first = np.unique(bundle, return_index=True)
    return np.asarray(first[np.searchsorted(names, items)], dtype=np.int64)
