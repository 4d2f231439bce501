"""The scikit-learn transformer: scikit-learn's own checks where they take texts, and what comes out.

`check_estimator` feeds its estimators numbers and skips whatever takes texts only. The checks below are those of its list
that need no numeric input; the others (of shapes, NaN, sparse matrices, dtypes, feature counts) do not apply to texts.
"""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the extra sklearn is not installed")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from morphvec import Embeddings, MorphvecError
from morphvec.sklearn import MeanVectors
from morphvec.text.tokenize import Tokenizer

WORDS = Embeddings(
    ["sea", "ship", "cat", "dog"], [[1, 0], [3, 1], [0, 2], [0, 1]], tokenizer=Tokenizer("unicode", "lower")
)
TEXTS = ["The SEA, a ship!", "cat", "", "dog dog cat", "nothing known"]
CHECKS = (
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_mixin_order",
)


@pytest.mark.parametrize("name", CHECKS)
def test_scikit_learns_own_checks(name):
    getattr(estimator_checks, name)("MeanVectors", MeanVectors())


def test_a_text_is_the_mean_of_its_words():
    found = MeanVectors(WORDS).fit_transform(TEXTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[2, 0.5], [0, 2], [0, 0], [0, 4 / 3], [0, 0]], rtol=1e-6)
    unit = MeanVectors(WORDS, unit=True).fit_transform(["ship cat"])
    np.testing.assert_allclose(unit, [[1.5 / np.sqrt(10), 0.5 / np.sqrt(10) + 0.5]], rtol=1e-6)
    assert not MeanVectors(WORDS).fit_transform([]).size


def test_a_folder_and_unseen_words(tmp_path):
    WORDS.save(tmp_path / "m")
    assert np.array_equal(
        MeanVectors(tmp_path / "m").fit_transform(TEXTS), MeanVectors(WORDS).fit_transform(TEXTS)
    )


def test_inside_a_pipeline_and_a_search():
    texts, labels = (
        ["sea", "a ship", "the sea", "sea ship", "cat", "dogs dog", "cat dog", "a cat"],
        [0] * 4 + [1] * 4,
    )
    search = GridSearchCV(
        make_pipeline(MeanVectors(WORDS), LogisticRegression()), {"meanvectors__unit": [True, False]}, cv=2
    ).fit(texts, labels)
    assert search.predict(["ship sea", "dog"]).tolist() == [0, 1]
    one = MeanVectors(WORDS).set_output(transform="pandas").fit(texts)
    assert (
        list(one.transform(texts).columns)
        == list(one.get_feature_names_out())
        == ["meanvectors0", "meanvectors1"]
    )


def test_trained_on_its_texts():
    texts = ["walk talk walked talked"] * 30 + ["WALKS talks!"] * 30
    made = MeanVectors(
        options={"min_count": 1, "dim": 4, "epochs": 1, "ngrams": "2-3", "ngram_min_types": 2}
    ).fit(texts)
    assert set(made.model_.words) == {"walk", "talk", "walked", "talked", "walks", "talks"}
    unseen = ["talking walking"]
    assert made.transform(unseen).any()
    made.unknown = "skip"
    assert not made.transform(unseen).any()
    again = clone(made).fit(texts)
    assert np.array_equal(again.model_.vectors, made.model_.vectors)


def test_refusals(tmp_path):
    with pytest.raises(NotFittedError):
        MeanVectors().transform(["a"])
    for bad in ("one text", [1, 2], [["sea"]]):
        with pytest.raises(MorphvecError, match="list of strings"):
            MeanVectors(WORDS).fit(bad)
    for wrong in ({"unknown": "zero"}, {"language": "fin"}, {"model": tmp_path / "nothing"}):
        with pytest.raises(MorphvecError):
            MeanVectors(**{"model": WORDS, **wrong}).fit(["sea"])
