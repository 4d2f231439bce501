"""Language models: n-gram models with their smoothings, neural ones, and what can be asked of any of them."""

from morphvec.lm.base import (
    Kind,
    LanguageModel,
    LmVocabulary,
    Perplexity,
    Predictor,
    SentenceScore,
    Stream,
    Training,
)

__all__ = [
    "Kind",
    "LanguageModel",
    "LmVocabulary",
    "Perplexity",
    "Predictor",
    "SentenceScore",
    "Stream",
    "Training",
]
