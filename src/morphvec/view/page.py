"""What the page asks of a model, as plain data: numbers, strings, lists. No HTTP here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from morphvec.arrays import Floats1d, Ints1d
from morphvec.embeddings.asking import find, readings
from morphvec.embeddings.embeddings import Embeddings
from morphvec.embeddings.query import METRICS
from morphvec.embeddings.unseen import Parts
from morphvec.errors import MorphvecError, OptionError, UnknownWordError
from morphvec.features.space import check_choice
from morphvec.rng import stream
from morphvec.view.atlas import Atlas
from morphvec.view.groups import affix_classes
from morphvec.view.suggest import Suggester

_COMMON = 3000  # rows that words to begin with are drawn from
_WELL_KNOWN = (("man", "woman", "king"), ("walk", "walked", "talk"), ("he", "she", "his"))


class PageModel:
    """One model as the page asks it.

    name: what the page calls it. Every answer names words by their keys, ``LANG:word`` where there are languages.
    """

    def __init__(self, model: Embeddings, name: str) -> None:
        self.model, self.name = model, name

    # ------------------------------------------------------------------------------------------- the model

    def describe(self) -> dict[str, Any]:
        """What the page says of the model before a word is asked."""
        model = self.model
        return {
            "name": self.name,
            "method": str(model.manifest.get("method", "vectors")),
            "words": len(model),
            "dim": model.vector_size,
            "languages": list(model.languages),
            "classes": [{"name": name, "words": len(rows)} for name, rows in self.classes.items()],
            "counted": model.counts is not None,
            "composes": model.composes,
            "metrics": list(METRICS),
        }

    def warm(self) -> None:
        """Make now what the first questions would have to wait for."""
        if not self.model.sparse:
            self.model.norms  # noqa: B018
        self.suggester  # noqa: B018
        if isinstance(self.model.parts, Parts):
            self.model.parts.analyser  # noqa: B018

    @cached_property
    def suggester(self) -> Suggester:
        """Finds words by their beginnings."""
        return Suggester(self.model)

    @cached_property
    def classes(self) -> Mapping[str, Ints1d]:
        """Affix → the rows of the words that have it among their parts, ascending; the affix of most words first."""
        return affix_classes(self.model)

    @cached_property
    def atlas(self) -> Atlas:
        """Its maps."""
        return Atlas(self.model)

    def beginnings(self, seed: int, n: int = 12) -> dict[str, Any]:
        """Words to begin with, drawn among the frequent ones that are no mere function words, and analogies that the
        words allow."""
        low = min(100, len(self.model) // 4)
        high = min(_COMMON, len(self.model))
        rows = stream(seed).permutation(np.arange(low, high))
        words = [self.model.words[row] for row in rows.tolist()]
        long = [word for word in words if len(self.model.split(word)[1]) > 3]
        return {"words": (long or words)[:n], "analogies": self._analogies(seed)}

    def _analogies(self, seed: int) -> list[list[str]]:
        """Up to three (a, b, c) whose words all have rows: a lemma and its form, and another lemma."""
        parts, found = self.model.parts, []
        if isinstance(parts, Parts) and self.classes:
            B, words = parts.composition, len(parts.words)
            generator = stream(seed)
            for members in list(self.classes.values())[:6]:
                pairs: list[tuple[int, int]] = []
                for row in members[members < 4 * _COMMON].tolist():
                    pieces = B.indices[B.indptr[row] : B.indptr[row + 1]]
                    lemmas = [
                        int(piece) for piece in pieces if piece < min(words, 4 * _COMMON) and piece != row
                    ]
                    if len(lemmas) == 1 and self._alike(lemmas[0], row):
                        pairs.append((lemmas[0], row))
                    if len(pairs) == 40:
                        break
                if len(pairs) > 1:
                    one, two = generator.permutation(len(pairs))[:2].tolist()
                    (lemma, form), (other, _) = pairs[one], pairs[two]
                    if len({lemma, form, other}) == 3 and self._language(lemma) == self._language(other):
                        found.append([self.model.words[row] for row in (lemma, form, other)])
        if not found:
            found = [list(words) for words in _WELL_KNOWN if all(word in self.model for word in words)]
        return found[:3]

    def _alike(self, lemma: int, form: int) -> bool:
        """Whether a form begins like its lemma, as a pair that explains itself does."""
        one, two = (self.model.split(self.model.words[row])[1] for row in (lemma, form))
        return len(one) > 2 and two.startswith(one[:3])

    def _language(self, row: int) -> str:
        return self.model.split(self.model.words[row])[0]

    # ------------------------------------------------------------------------------------------- words

    def suggest(self, query: str, n: int, language: str = "") -> dict[str, Any]:
        """Words for what was typed so far."""
        self.model.split("", language)
        return {"suggestions": [self._listed(row) for row in self.suggester(query, n, language)]}

    def _listed(self, row: int) -> dict[str, Any]:
        word = self.model.words[row]
        return {"word": word, "count": self.model.count(word)}

    def word(self, word: str) -> dict[str, Any]:
        """What is known of a word: its key, count, rank (1 = the most frequent), parts."""
        key = self._key(word)
        row = self.model.row(key)
        return {
            "word": key if row is None else self.model.words[row],
            "known": row is not None,
            "count": self.model.count(key),
            "rank": None if row is None else row + 1,
            "parts": self.model.known_parts(key),
        }

    def _key(self, word: str) -> str:
        """The key of a query that has a vector. Raises UnknownWordError, with what comes near, where it has none."""
        try:
            key = find(self.model, word)
            if self.model.row(key) is None:
                self.model.vector_for(key)
                return self.model.key(key)
        except UnknownWordError as error:
            raise NotFound(error, self._instead(word)) from error
        return key

    def _instead(self, word: str) -> list[str]:
        """Words that a query without an answer may have meant."""
        meant = readings(self.model, word)
        if meant:
            return meant
        rows = self.suggester(word, 6) or self.suggester.close(word, 6)
        return [self.model.words[row] for row in rows]

    # ------------------------------------------------------------------------------------------- questions

    def neighbors(
        self,
        word: str,
        n: int = 10,
        *,
        metric: str = "cosine",
        language: str = "",
        affix: str = "",
        least: int = 0,
    ) -> dict[str, Any]:
        """The nearest words of a word, seen or unseen.

        language, affix: of the words to choose from; least: how often the text has them.
        """
        asked = self.word(word)
        found = self._nearest(
            self.model.vector_for(asked["word"]),
            n,
            metric,
            [asked["word"]],
            self._allowed(language, affix, least),
        )
        return {**asked, "metric": metric, "neighbors": found}

    def analogy(
        self, a: str, b: str, c: str, n: int = 10, *, language: str = "", affix: str = "", least: int = 0
    ) -> dict[str, Any]:
        """A is to B as C is to ?, by 3CosAdd; A, B and C are left out."""
        keys = [self._key(word) for word in (a, b, c)]
        unit = [self.model.get_vector(key, norm=True).astype(np.float64) for key in keys]
        direction = np.asarray(unit[1] - unit[0] + unit[2], np.float32)
        allowed = self._allowed(language, affix, least)
        answers = self._nearest(direction, n, "cosine", keys, allowed)
        named = dict(zip("abc", keys, strict=True))
        return {**named, "method": "3cosadd", "answers": answers}

    def similarity(self, a: str, b: str) -> dict[str, Any]:
        """How near two words are."""
        one, two = self.word(a), self.word(b)
        return {"a": one, "b": two, **self.model.measures(one["word"], two["word"])}

    def explain(self, a: str, b: str) -> dict[str, Any]:
        """What makes two words near. Raises NothingToTell where the model has nothing to tell it by."""
        keys = self._key(a), self._key(b)
        if not (self.model.composes or self.model.contexts is not None or self.model.sparse):
            raise NothingToTell(
                "the model has neither parts nor feature vectors",
                "nothing tells what two words share",
                "train a model whose words have parts",
            )
        return self.model.explain(*keys).as_dict()

    def map(self, projection: str, words: int, language: str, colour: str) -> dict[str, Any]:
        """The map of the most frequent words, or how far it is."""
        self.model.split("", language)
        return self.atlas.ask(projection, words, language, colour)

    def _allowed(self, language: str, affix: str, least: int) -> Ints1d | None:
        """The rows that pass every filter; None where there is none. Raises OptionError for an unknown name."""
        if not (language or affix or least):
            return None
        passing = np.ones(len(self.model), bool)
        if language:
            passing &= self._languages == self._number(language)
        if affix:
            if affix not in self.classes:
                raise OptionError(
                    f"class {affix!r}",
                    "a class is an affix of the model's words",
                    "choose one of those that the page lists",
                )
            members = np.zeros(len(self.model), bool)
            members[self.classes[affix]] = True
            passing &= members
        if least and self.model.counts is not None:
            passing &= self.model.counts >= least
        return np.flatnonzero(passing)

    def _number(self, language: str) -> int:
        self.model.split("", language)  # raises for a language that the model has not
        return self.model.languages.index(language)

    @cached_property
    def _languages(self) -> Ints1d:
        """The place of each word's language among the model's, int64 [T]."""
        places = {language: place for place, language in enumerate(self.model.languages)}
        return np.array([places.get(self.model.split(word)[0], -1) for word in self.model.words], np.int64)

    def _nearest(
        self, query: Floats1d, n: int, metric: str, asked: list[str], allowed: Ints1d | None
    ) -> list[dict[str, Any]]:
        check_choice("metric", metric, METRICS)
        excluded = [row for row in map(self.model.row, asked) if row is not None]
        rows, scores = self.model.search.nearest(
            query, n, metric=metric, allowed=allowed, excluded=np.array(excluded, np.int64)
        )
        return [
            {**self._listed(row), "score": float(score)}
            for row, score in zip(rows.tolist(), scores, strict=True)
        ]


class NothingToTell(MorphvecError):
    """A question that this model cannot answer."""


class NotFound(UnknownWordError):
    """A word without a vector, and the words that may have been meant instead."""

    def __init__(self, error: UnknownWordError, instead: list[str]) -> None:
        super().__init__(error.value, error.rule, error.mend)
        self.instead = instead
