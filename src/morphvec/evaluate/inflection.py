"""An inflection table as a test: which of its rows a model can be asked about."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from morphvec.arrays import Bools1d, Ints1d
from morphvec.embeddings.rows import Rows
from morphvec.errors import InputError, OptionError
from morphvec.evaluate.base import WordVectors, check_language, unit_rows
from morphvec.morphology.rows import UNKNOWN, held_out_words, rows_of
from morphvec.morphology.tables import Table


@dataclass(frozen=True, eq=False)
class Inflections:
    """A table among the words of its language: ``keys``, of which ``vectors`` are the C rows at length 1.

    counts: int64[C] occurrences of the words, or None.
    lemma, form int64[r]: place among these words of both sides of table row r, or UNKNOWN, or MULTIWORD.
    lemma_of int64[r]: the number of the lemma, known or not, as the model folds it; first_of int64[lemmas]: its first
    row. bundle int64[r]: index in ``bundles``.
    listed bool[lemmas]: whether a lemma is asked about; ``restricted`` where there is a list, otherwise all are.
    """

    keys: tuple[str, ...]
    vectors: Rows
    counts: Ints1d | None
    lemma: Ints1d
    form: Ints1d
    lemma_of: Ints1d
    first_of: Ints1d
    bundle: Ints1d
    bundles: tuple[str, ...]
    listed: Bools1d
    restricted: bool


def language_of(model: WordVectors, table: Table, language: str = "") -> str:
    """The language of a table in a model: its own, or the one given, or the model's only one; "" for bare words.

    Raises OptionError where the model does not have it, or has several and none is named.
    """
    chosen = table.language or (language if model.languages else "")
    if chosen:
        check_language(model, chosen)
    elif len(model.languages) > 1:
        raise OptionError(
            f"paradigms {table.source}",
            f"the model has {', '.join(model.languages)}, and the table names none of them",
            "write --paradigms LANG=PATH",
        )
    return chosen or "".join(model.languages)


def check(model: WordVectors, table: Table, lemmas: Collection[str] | None, language: str = "") -> None:
    """Refuse a table that is surely not meant for this model.

    Raises OptionError: see ``language_of``. Raises InputError where no lemma and no form is a word of the model, or
    where the list of lemmas names none of the table's.
    """
    chosen = language_of(model, table, language)
    prefix = f"{chosen}:" if chosen else ""
    words = dict.fromkeys(chain(table.lemmas, table.forms))
    if not any(prefix + model.fold(word, chosen) in model.key_to_index for word in words):
        raise InputError(
            f"{table.source}: an inflection table with none of its words in the model "
            f"({len(table):,} rows, for example {table.lemmas[0]!r} → {table.forms[0]!r})",
            "at least one of its words is in the vocabulary",
            "check the language of the table, and the case of its words",
        )
    if lemmas is not None:
        wanted = dict.fromkeys(held_out_words(lemmas, chosen, model.fold))
        if not any(model.fold(lemma, chosen) in wanted for lemma in dict.fromkeys(table.lemmas)):
            raise InputError(
                f"a list of lemmas ({len(lemmas):,}), none of them in {table.source}",
                "--paradigm-lemmas lists lemmas of the table, one per line",
                "check the list, and the case of its words",
            )


def locate(
    model: WordVectors, table: Table, lemmas: Collection[str] | None = None, language: str = ""
) -> Inflections:
    """The rows of a table among the words of its language; ``lemmas``: those to ask about, None for all."""
    chosen = language_of(model, table, language)
    prefix = f"{chosen}:" if chosen else ""
    place = {key: number for number, key in enumerate(key for key in model.words if key.startswith(prefix))}
    rows = np.array([model.key_to_index[key] for key in place], dtype=np.int64)
    lemma, form = rows_of(
        (table.lemmas, table.forms), lambda word: place.get(prefix + model.fold(word, chosen), UNKNOWN)
    )
    folded = {word: model.fold(word, chosen) for word in dict.fromkeys(table.lemmas)}
    names: dict[str, int] = {}
    bundles: dict[str, int] = {}
    lemma_of = _numbers([folded[word] for word in table.lemmas], names)
    bundle = _numbers(table.features, bundles)
    wanted = names if lemmas is None else dict.fromkeys(held_out_words(lemmas, chosen, model.fold))
    return Inflections(
        keys=tuple(place),
        vectors=unit_rows(model.vectors, rows),
        counts=None if model.counts is None else np.asarray(model.counts)[rows],
        lemma=lemma,
        form=form,
        lemma_of=lemma_of,
        first_of=np.unique(lemma_of, return_index=True)[1],
        bundle=bundle,
        bundles=tuple(bundles),
        listed=np.array([name in wanted for name in names], dtype=np.bool_),
        restricted=lemmas is not None,
    )


def _numbers(names: Sequence[str], known: dict[str, int]) -> Ints1d:
    return np.fromiter((known.setdefault(name, len(known)) for name in names), np.int64, len(names))
