"""Embeddings: words and their vectors, with gensim 4's KeyedVectors names for everyday questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import issparse

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.embeddings import store, tables
from morphvec.embeddings.buckets import Composer
from morphvec.embeddings.coded import Coded
from morphvec.embeddings.explain import (
    Cells,
    Explanation,
    FeatureShare,
    Made,
    cell_shares,
    check_cells,
    part_shares,
    profile_shares,
    whitening,
)
from morphvec.embeddings.keyed import Keyed
from morphvec.embeddings.query import METRICS, nearest_of_many
from morphvec.embeddings.rows import Vectors
from morphvec.embeddings.sparse_rows import canonical
from morphvec.embeddings.word_file import WordFile
from morphvec.errors import InputError, OptionError, UnknownWordError
from morphvec.features.space import check_choice
from morphvec.text.tokenize import Tokenizer

AS_IS = Tokenizer("whitespace", "keep")


class Embeddings(Keyed):
    """Word vectors, frozen once made.

    Parameters
    ----------
    words: T distinct keys, ``LANG:word`` where there are languages. vectors: float32 [T, k], finite, not normalised; an
    array, or a SciPy sparse matrix, kept as CSR: such a model answers the same questions at sparse cost, and has no parts.
    counts: int64 [T] or None. contexts: float32 [F, k], the feature vectors, and features their (block, name) pairs.
    biases: float32 [T] of the words and [F] of the contexts, for models whose objective has them (GloVe's b and c).
    constrained: word → how training was told of it (``offset``, ``lemma``, ``class``, ``parts``); None where it was not.
    parts: what words are made of, for vectors of unseen words. tokenizer: the rule by which queries are folded.
    manifest: the record of how the vectors were made.

    Raises InputError for shapes that disagree, duplicate words, or numbers that are not finite.
    """

    def __init__(
        self,
        words: Sequence[str] | WordFile,
        vectors: Any,
        *,
        counts: Ints1d | None = None,
        contexts: Floats2d | None = None,
        features: Sequence[tuple[str, str]] = (),
        biases: tuple[Floats1d, Floats1d] | None = None,
        constrained: Mapping[str, tuple[str, ...]] | None = None,
        parts: Composer | None = None,
        tokenizer: Tokenizer = AS_IS,
        languages: Sequence[str] = (),
        manifest: Mapping[str, Any] | None = None,
        checked: bool = False,
        counted: bool = False,
    ) -> None:
        self._file = words if isinstance(words, WordFile) else None
        self._words = None if isinstance(words, WordFile) else tuple(words)
        self.vectors: Vectors = vectors
        if not checked and not isinstance(vectors, Coded):
            self.vectors = (
                canonical(vectors) if issparse(vectors) else np.ascontiguousarray(vectors, np.float32)
            )
        if self.vectors.ndim != 2 or self.vectors.shape[0] != len(words) or not len(words):
            raise InputError(
                f"{len(words)} words and vectors of shape {self.vectors.shape}",
                "one row per word, at least one",
                "mend the input",
            )
        if not checked:
            self._check_finite()
        if self.sparse and parts is not None:
            raise InputError(
                "sparse vectors with parts", "parts compose dense vectors", "leave the parts out"
            )
        self._counted = counted
        self._counts, self.contexts, self.features = counts, contexts, tuple(features)
        if biases is not None and not checked:
            biases = np.ascontiguousarray(biases[0], np.float32), np.ascontiguousarray(biases[1], np.float32)
            fault = store.bias_fault(biases, len(words), contexts)
            if fault:
                raise InputError(fault, "a bias is one finite number for each row", "mend the biases")
        self.biases, self.constrained = biases, constrained
        self.parts, self.tokenizer, self.languages = parts, tokenizer, tuple(languages)
        self.manifest: dict[str, Any] = dict(manifest or {})
        if not checked and len(self.key_to_index) != len(words):
            raise InputError(
                f"{len(words) - len(self.key_to_index)} duplicate words",
                "a word has one row",
                "drop the repeats",
            )

    def _check_finite(self) -> None:
        numbers = self.vectors.data if self.sparse else self.vectors
        if not np.isfinite(numbers).all():
            row = next(row for row in range(len(self)) if not np.isfinite(self.rows.row(row)).all())
            raise InputError(
                f"the vector of {self.words[row]!r} is not finite",
                "vectors hold finite numbers",
                "mend the vectors",
            )

    # ------------------------------------------------------------------------------------------- words and rows

    @property
    def words(self) -> tuple[str, ...]:
        """Row → word; those of a folder are read whole when they are first asked for."""
        if self._words is None:
            assert self._file is not None
            self._words = self._file.words
        return self._words

    @property
    def counts(self) -> Ints1d | None:
        """int64 [T], how often the corpus has each word; None where that is not known."""
        if self._counts is None and self._counted:
            assert self._file is not None
            self._counts = self._file.counts
        return self._counts

    @counts.setter
    def counts(self, counts: Ints1d | None) -> None:
        self._counts, self._counted = counts, False

    @cached_property
    def key_to_index(self) -> dict[str, int]:
        """Word → row."""
        if self._file is not None:
            return self._file.index
        return {word: row for row, word in enumerate(self.words)}

    def __len__(self) -> int:
        return int(self.vectors.shape[0])

    @property
    def composes(self) -> bool:
        """Whether unseen words can get vectors."""
        return self.parts is not None

    def __repr__(self) -> str:
        made = self.manifest.get("method", "vectors")
        return f"<morphvec {made}: {len(self)} words, dim {self.vector_size}{', composes unseen words' if self.composes else ''}>"

    def split(self, word: str, language: str = "") -> tuple[str, str]:
        """(language, bare word) of a query such as ``spa:casa``; the language may be given beside it."""
        prefix, colon, rest = word.partition(":")
        if colon and prefix in self.languages:
            return prefix, rest
        if language and language not in self.languages:
            raise OptionError(
                f"language {language!r}",
                f"the model has {', '.join(self.languages) or 'no languages'}",
                "choose one of them",
            )
        return language, word

    def fold(self, word: str, language: str = "") -> str:
        """A bare word in the form of the vocabulary: case and normalisation by the model's own rule."""
        return self.tokenizer.fold(word, language)

    def key(self, word: str, language: str = "") -> str:
        """The key of a query: folded, with its language in front where it has one."""
        language, bare = self.split(word, language)
        folded = self.fold(bare, language)
        return f"{language}:{folded}" if language else folded

    def row(self, word: str, language: str = "") -> int | None:
        """The row of a word as given, or else of its folded form; None where it has none."""
        find = self.key_to_index.get if self._file is None else self._file.row
        found = find(word)
        return find(self.key(word, language)) if found is None else found

    def count(self, word: str) -> int | None:
        """How often the corpus has the word; None where the word or the counts are unknown."""
        row = self.row(word)
        return None if row is None or self.counts is None else int(self.counts[row])

    def language_rows(self, language: str) -> Ints1d:
        """The rows of one language."""
        self.split("", language)
        return np.flatnonzero([word.startswith(f"{language}:") for word in self.words])

    # ------------------------------------------------------------------------------------------- vectors

    def vector_for(self, word: str, language: str = "") -> Floats1d:
        """The vector of a word, float32 [k]: its row, or composed from its parts where it is unseen.

        Raises UnknownWordError for an unseen word that shares no part with a known one, or where the model has no
        parts.
        """
        row = self.row(word, language)
        if row is not None:
            return self.rows.row(row)
        language, bare = self.split(self.key(word, language))
        composed = self.parts.compose(bare, language) if self.parts is not None else None
        if composed is None:
            rule = (
                self.parts.missing
                if self.parts is not None
                else "it is not among the words, and this model has no parts to compose it from"
            )
            raise UnknownWordError(
                f"{word!r}",
                rule,
                "check the spelling"
                + (f", or prefix it with a language ({', '.join(self.languages)})" if self.languages else ""),
            )
        return composed

    def known_parts(self, word: str, language: str = "") -> list[str]:
        """The parts of a word that have vectors, as names: n-grams as they are, others as ``lemma:walk``."""
        if self.parts is None:
            return []
        row = self.row(word, language)
        if row is not None:
            return self.parts.of_row(row)
        return self.parts.known(*reversed(self.split(self.key(word, language))))

    # ------------------------------------------------------------------------------------------- questions

    def measures(self, a: str, b: str) -> dict[str, float]:
        """cosine, dot product and Euclidean distance of two words."""
        x, y = self.vector_for(a).astype(np.float64), self.vector_for(b).astype(np.float64)
        lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
        dot = float(x @ y)
        return {
            "cosine": min(max(dot / lengths, -1.0), 1.0) if lengths > 0 else 0.0,  # past 1 by rounding alone
            "dot": dot,
            "euclidean": float(np.linalg.norm(x - y)),
        }

    def explain(self, a: str, b: str, *, n: int = 20, association: Cells | None = None) -> Explanation:
        """What makes two words near: their dot product as a sum over pairs of parts, and as a sum over features.

        Seen or unseen words. n: how many features are named, 0 for all; the rest is summed. association: the stored cells
        that the model was fitted to; without them features are weighed by the model's own feature vectors.
        Raises UnknownWordError as ``vector_for`` does, OptionError for an association of another model.
        """
        vectors = self.vector_for(a), self.vector_for(b)
        rows = self.row(a), self.row(b)
        measures = self.measures(a, b)
        made = self._made(a), self._made(b)
        shares = self._feature_shares(vectors, rows, association)
        order = np.argsort(-shares, kind="stable")
        chosen = [column for column in order[: n or None].tolist() if shares[column]]
        named = tuple(FeatureShare(*self._feature(column), float(shares[column])) for column in chosen)
        rest = measures["dot"] - float(shares[chosen].sum())
        return Explanation(a, b, measures["dot"], measures["cosine"], part_shares(vectors, made), named, rest)

    def _made(self, word: str) -> Made | None:
        if self.parts is None:
            return None
        language, bare = self.split(self.key(word))
        return self.parts.made_of(self.row(word), bare, language)

    def _feature_shares(
        self,
        vectors: tuple[Floats1d, Floats1d],
        rows: tuple[int | None, int | None],
        association: Cells | None,
    ) -> Floats1d:
        contexts = self.contexts
        if association is not None:
            check_cells(association, self.words, contexts)
        if self.sparse:  # a row is its profile
            return np.asarray(vectors[0], np.float64) * vectors[1]
        if contexts is None or contexts.shape[1] != self.vector_size:
            return np.zeros(0)
        if association is not None:
            return cell_shares(vectors, rows, contexts, association)
        return profile_shares(vectors, contexts, self._whitening)

    @cached_property
    def _whitening(self) -> Floats2d:
        assert self.contexts is not None
        return whitening(self.contexts)

    def _feature(self, column: int) -> tuple[str, str]:
        return self.features[column] if self.features else ("column", str(column))

    def neighbors(
        self, word: str, n: int = 10, *, metric: str = "cosine", language: str = "", among: str = ""
    ) -> list[tuple[str, float]]:
        """The n nearest words of a word (itself left out) and their scores.

        language: of the query where it does not carry it. among: the language to choose from; all where left out.

        >>> vectors = Embeddings(["sea", "ship", "cat"], [[3, 1], [2, 1], [0, 1]])
        >>> [(word, round(score, 3)) for word, score in vectors.neighbors("sea", 2)]
        [('ship', 0.99), ('cat', 0.316)]
        """
        row = self.row(word, language)
        return self._nearest(self.vector_for(word, language), n, metric, [] if row is None else [row], among)

    def neighbors_of(
        self, words: Sequence[str], n: int = 10, *, metric: str = "cosine", among: str = ""
    ) -> list[list[tuple[str, float]]]:
        """``neighbors`` of many words: the vectors are read once for every 32 of them, as products of matrices.

        Scores may differ from those of ``neighbors`` in the last digit.
        """
        check_choice("metric", metric, METRICS)
        _check_count(n)
        allowed = self.language_rows(among) if among else None
        queries = np.array([self.vector_for(word) for word in words], np.float32)
        queries = queries.reshape(len(words), self.vector_size)
        own = [self.row(word) for word in words]
        found = nearest_of_many(self.vectors, self.norms, queries, n, metric=metric, allowed=allowed, own=own)
        return [
            [(self.words[row], float(score)) for row, score in zip(rows.tolist(), scores, strict=True)]
            for rows, scores in found
        ]

    def _nearest(
        self, query: Floats1d, n: int, metric: str, excluded: Sequence[int], among: str
    ) -> list[tuple[str, float]]:
        check_choice("metric", metric, METRICS)
        _check_count(n)
        allowed = self.language_rows(among) if among else None
        rows, scores = self.search.nearest(
            query, n, metric=metric, allowed=allowed, excluded=np.array(excluded, np.int64)
        )
        return [(self.words[row], float(score)) for row, score in zip(rows.tolist(), scores, strict=True)]

    def analogy(self, a: str, b: str, c: str, n: int = 10) -> list[tuple[str, float]]:
        """A is to B as C is to ?: the n best words by 3CosAdd (Mikolov et al. 2013); A, B and C are left out.

        >>> words = ["walk", "walked", "talk", "talked", "sea"]
        >>> vectors = Embeddings(words, [[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1], [1, 1, 0]])
        >>> vectors.analogy("walk", "walked", "talk", 1)[0][0]
        'talked'
        """
        _check_count(n)
        return self.most_similar(positive=[b, c], negative=[a], topn=n)

    def to_arrow(self) -> Any:
        """A pyarrow.Table: ``word``, ``count`` where there are counts, ``vector`` (fixed_size_list of float32 [k]).

        Raises MissingExtraError without the extra ``arrow``.
        """
        return tables.to_arrow(self)

    def to_pandas(self) -> Any:
        """A pandas.DataFrame: a row for each word (the index, named ``word``), k columns of float32.

        Raises MissingExtraError without the extra ``pandas``.
        """
        return tables.to_pandas(self)

    @classmethod
    def load(cls, path: str | Path) -> Embeddings:
        """Open a model folder; vectors stay on disk until they are used.

        Raises ArtifactError where the folder is missing, torn, of another kind, or its parts are at odds.
        """
        found = store.load(path)
        return cls(
            found.words,
            found.vectors,
            counted=found.counted,
            contexts=found.contexts,
            features=found.features,
            biases=found.biases,
            constrained=found.constrained,
            parts=found.parts,
            tokenizer=found.tokenizer,
            languages=found.languages,
            manifest=found.manifest,
            checked=True,
        )

    def save(
        self, path: str | Path, *, overwrite: bool = False, log: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        """Write the model folder; an existing one is replaced in one step, and only with ``overwrite``.

        log: records for ``log.jsonl``. The manifest that was written becomes this object's own.
        """
        self.manifest = store.save(self, Path(path), overwrite=overwrite, log=log)


def _check_count(n: int) -> None:
    if n < 1:
        raise OptionError(f"n={n}", "at least one answer is asked for", "give another -n")
