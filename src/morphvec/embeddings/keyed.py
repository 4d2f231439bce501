"""Words with rows, asked by the names of gensim 4's KeyedVectors.

The names, arguments and answers are gensim's, so that code written for it runs here. What differs: an unseen word is
composed from its parts where a model has them, instead of being refused; a vector of zeros has cosine 0, not NaN; ties
go to the lower row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, TypeAlias, cast, overload

import numpy as np
from scipy.sparse import csr_array, issparse, vstack

from morphvec.arrays import Floats1d, Ints1d
from morphvec.embeddings.query import Search, as_rows
from morphvec.embeddings.rows import Rows, Vectors
from morphvec.embeddings.sparse_rows import canonical
from morphvec.errors import OptionError, UnknownWordError

Key: TypeAlias = str | int  # a word, or a row
Item: TypeAlias = (
    Key | Floats1d | tuple[Key | Floats1d, float]
)  # the same, a vector, or one of them with its weight
Items: TypeAlias = Item | Iterable[Item] | None
Scores: TypeAlias = list[tuple[str, float]]

_SMALL = 1e-6  # what 3CosMul adds to its denominator (Levy & Goldberg 2014, eq. 5)


class Keyed(ABC):
    """T words and their vectors: what gensim's names need. vectors [T, k] and counts are set by who inherits."""

    vectors: Vectors
    counts: Ints1d | None

    @property
    @abstractmethod
    def words(self) -> tuple[str, ...]:
        """Row → word."""

    @abstractmethod
    def row(self, word: str, language: str = "") -> int | None:
        """The row of a word; None where it has none."""

    @abstractmethod
    def vector_for(self, word: str, language: str = "") -> Floats1d:
        """The vector of a word, seen or unseen, float32 [k]. Raises UnknownWordError where it can have none."""

    # ------------------------------------------------------------------------------------------- words and rows

    @cached_property
    def key_to_index(self) -> dict[str, int]:
        """Word → row."""
        return {word: row for row, word in enumerate(self.words)}

    @property
    def index_to_key(self) -> list[str]:
        """Row → word."""
        return list(self.words)

    @property
    def vector_size(self) -> int:
        """k."""
        return int(self.vectors.shape[1])

    @property
    def sparse(self) -> bool:
        """Whether the vectors are CSR rather than an array."""
        return bool(issparse(self.vectors))

    @cached_property
    def rows(self) -> Rows:
        """The vectors, asked in the same words whether dense or sparse."""
        return as_rows(self.vectors)

    @cached_property
    def norms(self) -> Floats1d:
        """Length of each vector, float32 [T]."""
        return self.rows.norms()

    @cached_property
    def search(self) -> Search:
        """Finds the rows nearest to vectors."""
        return Search(self.rows, self.norms)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.row(word) is not None

    def get_index(self, key: Key, default: int | None = None) -> int:
        """The row of a word or row; ``default`` where it has none. Raises UnknownWordError where there is no default."""
        row = self.row(key) if isinstance(key, str) else int(key)
        if row is not None and 0 <= row < len(self):
            return row
        if default is None:
            raise UnknownWordError(f"{key!r}", "it has no row of its own", "check the spelling")
        return default

    def has_index_for(self, key: Key) -> bool:
        """Whether a word has a row of its own."""
        return self.get_index(key, -1) >= 0

    def get_vecattr(self, key: Key, attr: str) -> int:
        """``count``: how often the corpus has the word. Raises OptionError for other attributes or without counts."""
        if attr != "count" or self.counts is None:
            raise OptionError(
                f"attribute {attr!r}",
                "a word's one attribute is count" if self.counts is not None else "this model has no counts",
                "ask for count, of a model that has counts",
            )
        return int(self.counts[self.get_index(key)])

    # ------------------------------------------------------------------------------------------- vectors

    def get_vector(self, key: Key, norm: bool = False) -> Floats1d:
        """The vector of a word or row; with ``norm`` of length 1."""
        vector = self.vector_for(key) if isinstance(key, str) else self.rows.row(int(key))
        length = float(np.linalg.norm(vector))
        return vector / np.float32(length) if norm and length > 0 else vector

    def __getitem__(self, keys: Key | Sequence[Key]) -> Floats1d | Vectors:
        if isinstance(keys, (str, int, np.integer)):
            return self.get_vector(keys)
        if self.sparse:
            return canonical(vstack([csr_array(self.get_vector(key)[None]) for key in keys]))
        return np.stack([self.get_vector(key) for key in keys])

    def get_normed_vectors(self) -> Vectors:
        """All vectors at length 1, in the layout of ``vectors``."""
        unit: Any = self.rows.unit()
        return cast(Vectors, unit.matrix if self.sparse else unit.array)

    def get_mean_vector(
        self,
        keys: Sequence[Key | Floats1d],
        weights: Sequence[float] | Floats1d | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> Floats1d:
        """Σ weight·vector / Σ |weight|, float32 [k].

        pre_normalize: words at length 1, vectors as given. post_normalize: the mean at length 1. ignore_missing: leave
        out words that have no vector; else they raise UnknownWordError. Raises OptionError for no keys, or as many
        weights as there are not.
        """
        if not len(keys):
            raise OptionError("no words", "a mean is of at least one", "give a word")
        factors = np.ones(len(keys)) if weights is None else np.asarray(weights, np.float64)
        if len(factors) != len(keys):
            raise OptionError(
                f"{len(keys)} words and {len(factors)} weights", "a word has one weight", "mend the weights"
            )
        total, mass = np.zeros(self.vector_size), 0.0
        for key, factor in zip(keys, factors.tolist(), strict=True):
            try:
                vector = key if isinstance(key, np.ndarray) else self.get_vector(key, norm=pre_normalize)
            except UnknownWordError:
                if ignore_missing:
                    continue
                raise
            total += factor * np.asarray(vector, np.float64)
            mass += abs(factor)
        mean = total / (mass if mass > 0 else 1.0)
        return np.asarray(_unit(mean) if post_normalize else mean, np.float32)

    # ------------------------------------------------------------------------------------------- questions

    def similarity(self, w1: Key, w2: Key) -> float:
        """The cosine of two words, 0 where a vector is all zeros.

        >>> from morphvec import Embeddings
        >>> vectors = Embeddings(["sea", "ship", "cat"], [[3, 1], [2, 1], [0, 1]])
        >>> round(vectors.similarity("sea", "ship"), 4)
        0.9899
        """
        return _cosine(self.get_vector(w1), self.get_vector(w2))

    def distance(self, w1: Key, w2: Key) -> float:
        """1 − the cosine of two words."""
        return 1.0 - self.similarity(w1, w2)

    def n_similarity(self, ws1: Sequence[Key], ws2: Sequence[Key]) -> float:
        """The cosine of the means of two lists of words; words that have no vector are left out."""
        return _cosine(*(self.get_mean_vector(words, pre_normalize=False) for words in (ws1, ws2)))

    def distances(self, word_or_vector: Key | Floats1d, other_words: Sequence[Key] = ()) -> Floats1d:
        """1 − the cosine to each of the other words, to all words where none are given: float32."""
        query = self._vector(word_or_vector)
        if not len(other_words):
            return np.float32(1.0) - self._cosines(query)
        return np.array([1.0 - _cosine(query, self.get_vector(word)) for word in other_words], np.float32)

    def closer_than(self, key1: Key, key2: Key) -> list[str]:
        """The words that are nearer to the first word than the second one is, in row order."""
        first, second = self.get_index(key1), self.get_index(key2)
        away = self.distances(first)
        return [self.words[row] for row in np.flatnonzero(away < away[second]) if row != first]

    def rank(self, key1: Key, key2: Key) -> int:
        """The place of the second word among the neighbours of the first; 1 is the nearest."""
        return len(self.closer_than(key1, key2)) + 1

    def most_similar_to_given(self, key1: Key, keys_list: Sequence[Key]) -> Key:
        """The one of the listed words that is nearest to a word."""
        return keys_list[int(np.argmax([self.similarity(key1, key) for key in keys_list]))]

    def rank_by_centrality(self, words: Sequence[str], use_norm: bool = True) -> list[tuple[float, str]]:
        """(product with the unit mean of the words, word), the most central first. Raises UnknownWordError for a word
        that has no vector, where gensim leaves it out."""
        vectors = [self.get_vector(word, norm=use_norm).astype(np.float64) for word in words]
        if not vectors:
            raise OptionError("no words", "a word is chosen among at least one", "give words")
        centre = _unit(np.mean(vectors, axis=0))
        return sorted(
            ((float(vector @ centre), word) for vector, word in zip(vectors, words, strict=True)),
            reverse=True,
        )

    def doesnt_match(self, words: Sequence[str]) -> str:
        """The word that is furthest from the mean of the words."""
        return self.rank_by_centrality(words)[-1][1]

    @overload
    def most_similar(
        self,
        positive: Items = None,
        negative: Items = None,
        topn: int = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
    ) -> Scores: ...
    @overload
    def most_similar(
        self,
        positive: Items = None,
        negative: Items = None,
        *,
        topn: None,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
    ) -> Floats1d: ...
    def most_similar(
        self,
        positive: Items = None,
        negative: Items = None,
        topn: int | None = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
    ) -> Scores | Floats1d:
        """Words nearest, by cosine, to the sum of unit vectors, + positive and − negative (3CosAdd): [(word, cosine)].

        positive, negative: words, rows, vectors, or pairs of one of them and its weight. Words and rows that are asked
        for are left out. topn: how many; None: the cosines of all, float32 [T]. restrict_vocab: only the first so many
        rows are looked at; clip_start, clip_end: those between two rows.
        """
        add, less = _listed(positive), _listed(negative)
        if not add and not less:
            raise OptionError("no words", "positive or negative names at least one", "give a word")
        total, asked = np.zeros(self.vector_size), []
        for sign, items in ((1.0, add), (-1.0, less)):
            for item in items:
                what, weight = item if isinstance(item, tuple) else (item, sign)
                vector = np.asarray(self._vector(what), np.float64)
                # a vector is taken as it is, as gensim does; a word by its direction
                total += weight * (vector if isinstance(what, np.ndarray) else _unit(vector))
                asked.append(what)
        low, high = (0, restrict_vocab) if restrict_vocab else (clip_start, clip_end or len(self))
        if topn is None:
            return self._cosines(total)[low:high]
        return self._best(total, topn, asked, slice(low, high))

    @overload
    def similar_by_key(self, key: Key, topn: int = 10, restrict_vocab: int | None = None) -> Scores: ...
    @overload
    def similar_by_key(self, key: Key, topn: None, restrict_vocab: int | None = None) -> Floats1d: ...
    def similar_by_key(
        self, key: Key, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Scores | Floats1d:
        """``most_similar`` to one word."""
        return self._similar([key], topn, restrict_vocab)

    @overload
    def similar_by_word(self, word: Key, topn: int = 10, restrict_vocab: int | None = None) -> Scores: ...
    @overload
    def similar_by_word(self, word: Key, topn: None, restrict_vocab: int | None = None) -> Floats1d: ...
    def similar_by_word(
        self, word: Key, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Scores | Floats1d:
        """``most_similar`` to one word."""
        return self._similar([word], topn, restrict_vocab)

    @overload
    def similar_by_vector(
        self, vector: Floats1d, topn: int = 10, restrict_vocab: int | None = None
    ) -> Scores: ...
    @overload
    def similar_by_vector(
        self, vector: Floats1d, topn: None, restrict_vocab: int | None = None
    ) -> Floats1d: ...
    def similar_by_vector(
        self, vector: Floats1d, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Scores | Floats1d:
        """``most_similar`` to one vector [k]."""
        return self._similar([np.asarray(vector)], topn, restrict_vocab)

    def _similar(self, positive: Items, topn: int | None, most: int | None) -> Scores | Floats1d:
        if topn is None:
            return self.most_similar(positive, topn=None, restrict_vocab=most)
        return self.most_similar(positive, topn=topn, restrict_vocab=most)

    @overload
    def most_similar_cosmul(
        self,
        positive: Items = None,
        negative: Items = None,
        topn: int = 10,
        restrict_vocab: int | None = None,
    ) -> Scores: ...
    @overload
    def most_similar_cosmul(
        self, positive: Items = None, negative: Items = None, *, topn: None, restrict_vocab: int | None = None
    ) -> Floats1d: ...
    def most_similar_cosmul(
        self,
        positive: Items = None,
        negative: Items = None,
        topn: int | None = 10,
        restrict_vocab: int | None = None,
    ) -> Scores | Floats1d:
        """Words by 3CosMul, Π (1 + cos)/2 over positive through the same over negative (Levy & Goldberg 2014).

        The arguments of ``most_similar``, without weights; topn None: the scores of all, float32 [T].
        """
        add, less = _listed(positive), _listed(negative)
        if not add or any(isinstance(item, tuple) for item in (*add, *less)):
            raise OptionError(
                "no words" if not add else "weights", "3CosMul multiplies cosines of words, at least one positive", "give words alone"
            )  # fmt: skip
        above, below = (self._shifted(cast(list[Key | Floats1d], items)) for items in (add, less))
        scores = above / (below + np.float32(_SMALL))
        if topn is None:
            return scores[: restrict_vocab or None]
        rows = np.arange(len(scores))[: restrict_vocab or None]
        rows = rows[~np.isin(rows, self._rows_of([*add, *less]))]
        order = np.lexsort((rows, -scores[rows]))[: max(topn, 0)]
        return [(self.words[row], float(scores[row])) for row in rows[order]]

    def _shifted(self, items: Sequence[Key | Floats1d]) -> Floats1d:
        product = np.ones(len(self), np.float32)
        for item in items:
            product *= (1 + self._cosines(self._vector(item))) / 2
        return product

    def _vector(self, item: Any) -> Floats1d:
        return item if isinstance(item, np.ndarray) else self.get_vector(item)

    def _rows_of(self, items: Iterable[Any]) -> Ints1d:
        """The rows of those items that have one."""
        rows = [-1 if isinstance(item, np.ndarray) else self.get_index(item, -1) for item in items]
        return np.array([row for row in rows if row >= 0], np.int64)

    def _cosines(self, query: Floats1d) -> Floats1d:
        """The cosine of every word to a vector, float32 [T]."""
        length = float(np.linalg.norm(np.asarray(query, np.float64)))
        products, lengths = self.rows.dots(np.asarray(query, np.float32)), self.norms * np.float32(length)
        found: Floats1d = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
        return found

    def _best(self, query: Floats1d, count: int, asked: Iterable[Any], span: slice) -> Scores:
        if count < 1:
            return []
        everything = span.indices(len(self)) == (0, len(self), 1)
        allowed = None if everything else np.arange(len(self))[span]
        rows, scores = self.search.nearest(query, count, allowed=allowed, excluded=self._rows_of(asked))
        return [(self.words[row], float(score)) for row, score in zip(rows.tolist(), scores, strict=True)]


def _listed(items: Items) -> list[Item]:
    """One item or many as a list."""
    if items is None:
        return []
    if isinstance(items, np.ndarray):
        return [items] if items.ndim == 1 else list(items)
    if isinstance(items, (str, int, np.integer)):
        return [items]
    if isinstance(items, tuple) and len(items) == 2 and isinstance(items[1], float):
        return [cast(Item, items)]
    return list(cast(Iterable[Item], items))


def _unit(vector: Floats1d) -> Floats1d:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector


def _cosine(a: Floats1d, b: Floats1d) -> float:
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    return min(max(float(x @ y) / lengths, -1.0), 1.0) if lengths > 0 else 0.0
