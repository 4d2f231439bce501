"""The MorphvecError family: every refusal names the value, the rule and the mend.

``str(error)`` is the one line that the command line prints after ``morphvec: error:``.
"""

from __future__ import annotations


class MorphvecError(Exception):
    """Bad input, a bad option, or a refusal: something the user can mend.

    Parameters
    ----------
    value: what was found, with its place where it has one ("corpus.txt, line 3, byte 17: 0xFF").
    rule: what is accepted ("text is UTF-8").
    mend: what to do about it ("convert the file, or pass --errors replace").
    """

    def __init__(self, value: str, rule: str, mend: str) -> None:
        super().__init__(value, rule, mend)
        self.value, self.rule, self.mend = value, rule, mend

    def __str__(self) -> str:
        return " ".join(f"{self.value}; {self.rule}; {self.mend}".split())


class OptionError(MorphvecError):
    """A setting that is out of range, unknown, or at odds with another one."""


class InputError(MorphvecError):
    """A corpus, table or test file that cannot be used as it is."""


class ArtifactError(MorphvecError):
    """A saved folder that is missing, torn, altered, or of another kind than asked for."""


class OutputError(MorphvecError):
    """A place that cannot be written, or must not be overwritten."""


class BudgetError(MorphvecError):
    """Work that does not fit into the memory that it was given."""


class DivergenceError(MorphvecError):
    """A solver that left the finite numbers."""


class UnknownWordError(MorphvecError, KeyError):
    """A word that is not in the vocabulary and cannot be composed from known parts."""

    __str__ = MorphvecError.__str__


class MissingExtraError(MorphvecError, ImportError):
    """An optional package that is not installed."""

    __str__ = MorphvecError.__str__
