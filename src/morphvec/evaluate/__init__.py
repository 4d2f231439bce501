"""Scores with n, coverage and intervals: similarity, analogies, relations, bilingual lexicons, paradigms."""

from morphvec.evaluate.base import Outcome, WordVectors
from morphvec.evaluate.datasets import (
    AnalogySet,
    DictionarySet,
    RelationSet,
    SimilaritySet,
    read_analogies,
    read_dictionary,
    read_relations,
    read_similarity,
)
from morphvec.evaluate.report import Comparison, Result, compare, evaluate
from morphvec.evaluate.tables import markdown_table, text_table

__all__ = [
    "AnalogySet",
    "Comparison",
    "DictionarySet",
    "Outcome",
    "RelationSet",
    "Result",
    "SimilaritySet",
    "WordVectors",
    "compare",
    "evaluate",
    "markdown_table",
    "read_analogies",
    "read_dictionary",
    "read_relations",
    "read_similarity",
    "text_table",
]
