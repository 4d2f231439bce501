"""Word vectors as a scikit-learn transformer: texts in, the mean of their words' vectors out. Needs the extra ``sklearn``.

from morphvec.sklearn import MeanVectors
make_pipeline(MeanVectors("model"), LogisticRegression()).fit(texts, labels)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from morphvec.api import load, train
from morphvec.arrays import Floats2d
from morphvec.embeddings.embeddings import Embeddings
from morphvec.errors import MissingExtraError, OptionError, UnknownWordError

try:
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError as error:
    raise MissingExtraError(
        "the package scikit-learn is not installed",
        "morphvec.sklearn is a transformer of it",
        "run: pip install 'morphvec[sklearn]'",
    ) from error

UNKNOWN = ("compose", "skip")


class MeanVectors(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A text as the mean of its words' vectors, float32 [n, k].

    Parameters
    ----------
    model: Embeddings, or the path of a model folder; None: ``fit`` trains one on its texts. options: those of
    ``morphvec.train``, for that. unit: words count by their direction, each at length 1, rather than by their vector.
    unknown: ``compose`` (words outside the vocabulary get their vector from their parts, where the model has any) or
    ``skip``. language: of the texts, in a model of several.

    Attributes ``model_`` (Embeddings). A text without a word that has a vector is a row of zeros.
    Raises OptionError for bad parameters, and as ``morphvec.train`` and ``load`` do.
    """

    def __init__(
        self,
        model: Embeddings | str | Path | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        unit: bool = False,
        unknown: str = "compose",
        language: str = "",
    ) -> None:
        self.model = model
        self.options = options
        self.unit = unit
        self.unknown = unknown
        self.language = language

    def fit(self, X: Iterable[str], y: Any = None) -> MeanVectors:
        """Open or train the model. X: texts. y: ignored."""
        del y
        texts = _texts(X)
        if self.unknown not in UNKNOWN:
            raise OptionError(f"unknown={self.unknown!r}", "it is compose or skip", "choose one of the two")
        if self.model is None:
            self.model_ = _trained(texts, dict(self.options or {}))
        else:
            self.model_ = self.model if isinstance(self.model, Embeddings) else load(self.model)
        self.model_.split("", self.language)  # refuses a language that the model does not have
        return self

    def transform(self, X: Iterable[str]) -> Floats2d:
        """The vectors of texts, float32 [n, k]."""
        check_is_fitted(self)
        texts, model = _texts(X), self.model_
        found = np.zeros((len(texts), model.vector_size), np.float32)
        for place, text in enumerate(texts):
            vectors = [self._vector(word) for word in model.tokenizer.tokens(text, self.language)]
            known = [vector for vector in vectors if vector is not None]
            if known:
                found[place] = np.mean(known, axis=0, dtype=np.float64)
        return found

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns: ``meanvectors0`` …"""
        del input_features
        check_is_fitted(self)
        return np.array([f"meanvectors{column}" for column in range(self.model_.vector_size)], object)

    def _vector(self, word: str) -> np.ndarray | None:
        model = self.model_
        key = f"{self.language}:{word}" if self.language else word
        if self.unknown == "skip" and not model.has_index_for(key):
            return None
        try:
            return model.get_vector(key, norm=self.unit)
        except UnknownWordError:
            return None

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        tags.target_tags.required = False
        tags.transformer_tags.preserves_dtype = []
        return tags


def _trained(texts: Sequence[str], options: Mapping[str, Any]) -> Embeddings:
    """Vectors of the texts' own words, cut by the rule that the options name."""
    from morphvec.pipeline.options import TextStage, make_stage

    rule = make_stage(TextStage, options).rule
    return train([rule.tokens(text) for text in texts], **options)


def _texts(X: Iterable[str]) -> list[str]:
    """Texts as a list. Raises OptionError where they are none."""
    texts = [X] if isinstance(X, str) else list(X)
    bad = next((text for text in texts if not isinstance(text, str)), None)
    if isinstance(X, str) or bad is not None:
        raise OptionError(
            f"{(X if isinstance(X, str) else bad)!r:.40}", "texts come as a list of strings", "give a list"
        )
    return texts
