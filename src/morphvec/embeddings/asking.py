"""Which word of a model a query means."""

from __future__ import annotations

from morphvec.embeddings.embeddings import Embeddings
from morphvec.errors import UnknownWordError


def readings(model: Embeddings, word: str) -> list[str]:
    """The keys of a model that a bare word may mean, one for each language that has it; [] where the query names its
    language, or the model has none."""
    if not model.languages or model.split(word)[0]:
        return []
    keys = (model.key(word, language) for language in model.languages)
    return [key for key in keys if key in model.key_to_index]


def find(model: Embeddings, word: str) -> str:
    """A query as a key of the model where it can be one: a bare word of several languages takes the one that has it.

    Raises UnknownWordError where several languages have it.
    """
    known = readings(model, word)
    if len(known) > 1:
        raise UnknownWordError(
            f"{word!r}", f"several languages have it: {', '.join(known)}", "write the one you mean"
        )
    return known[0] if known else word
