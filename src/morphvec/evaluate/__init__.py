"""Scores with n, coverage and intervals: similarity, analogies, relations, bilingual lexicons, paradigms."""

from morphvec.evaluate.base import Outcome, WordVectors
from morphvec.evaluate.constrained import read_constrained
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
from morphvec.evaluate.summary import Summary, summarise
from morphvec.evaluate.tables import markdown_table, text_table

__all__ = [
    "AnalogySet",
    "Comparison",
    "DictionarySet",
    "Outcome",
    "RelationSet",
    "Result",
    "SimilaritySet",
    "Summary",
    "WordVectors",
    "compare",
    "evaluate",
    "markdown_table",
    "read_analogies",
    "read_constrained",
    "read_dictionary",
    "read_relations",
    "read_similarity",
    "summarise",
    "text_table",
]
