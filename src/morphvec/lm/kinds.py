"""The kinds of language models by name; each is entered when it is asked for, so that the others cost nothing."""

from __future__ import annotations

from collections.abc import Callable

from morphvec.errors import OptionError
from morphvec.lm.base import Kind


def _ngram() -> Kind:
    from morphvec.lm.ngram import NGRAM

    return NGRAM


def _neural() -> Kind:
    from morphvec.lm.neural import NEURAL

    return NEURAL


KINDS: dict[str, Callable[[], Kind]] = {"ngram": _ngram, "neural": _neural}


def find_kind(name: str) -> Kind:
    """The kind of a name. Raises OptionError for a name that no kind has."""
    if name not in KINDS:
        raise OptionError(
            f"kind={name}", "no such kind of language model", f"choose one of {', '.join(KINDS)}"
        )
    return KINDS[name]()
