"""What a word is: four tokenizers, each given twice, as plain Python here and as a table for the kernel.

``Tokenizer.tokens`` is the definition; ``codepoints.CodePoints`` holds the same rules by code point, and the
corpus is read through that. Tests hold the two against each other.
"""

from __future__ import annotations

import functools
import re
import unicodedata
import warnings
from dataclasses import dataclass

from morphvec.errors import InputError, OptionError
from morphvec.text.folding import fold, is_turkic

JOINERS = "'’ʼʻ·"
HYPHENS = "-‐‑"
LONGEST_TOKEN = 999_999  # bytes of UTF-8: 1 MB is too long
LONGEST_MATCHED = 1 << 20  # characters of one line that a pattern sees at once
_BREAKS = "\t\n\r"
_NAMES = ("unicode", "whitespace", "letters")
_LETTERS = re.compile(r"[^\W\d_]+")
_MEND = "choose one of unicode, whitespace, letters, regex:PATTERN"


@dataclass(frozen=True)
class Tokenizer:
    """The rule that turns text into words, stored with every model and applied to queries.

    Parameters
    ----------
    name: ``unicode`` (NFC; runs of letters, marks and numbers, joined inside by ' ’ ʼ ʻ ·), ``whitespace``,
        ``letters`` (``[^\\W\\d_]+``), or ``regex:PATTERN`` (the pattern's non-overlapping matches).
    case: ``lower`` (Unicode lower case; dotless i by language) or ``keep``.
    join_hyphen: ``unicode`` only: a hyphen joins too.

    Raises OptionError for anything else.
    """

    name: str = "unicode"
    case: str = "lower"
    join_hyphen: bool = False

    def __post_init__(self) -> None:
        if self.name.startswith("regex:"):
            _compiled(self.name)
        elif self.name not in _NAMES:
            raise OptionError(f"tokenizer {self.name!r}", "no such tokenizer", _MEND)
        if self.case not in ("lower", "keep"):
            raise OptionError(f"case {self.case!r}", "case is lower or keep", "choose one of the two")
        if self.join_hyphen and self.name != "unicode":
            raise OptionError(
                f"join_hyphen with tokenizer {self.name!r}",
                "only the tokenizer unicode joins words",
                "leave it out, or use the tokenizer unicode",
            )

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """The compiled pattern of ``regex:PATTERN``, None for the others."""
        return _compiled(self.name) if self.name.startswith("regex:") else None

    @property
    def composes(self) -> bool:
        """Whether text is brought to NFC."""
        return self.name == "unicode"

    @property
    def joiners(self) -> str:
        """The characters that join two word characters."""
        if self.name != "unicode":
            return ""
        return JOINERS + HYPHENS if self.join_hyphen else JOINERS

    def fold(self, text: str, language: str = "") -> str:
        """The text in the form in which words are compared: NFC (``unicode`` only) and case."""
        return fold(text, compose=self.composes, lower=self.case == "lower", turkic=is_turkic(language))

    def is_word(self, character: str) -> bool:
        """Whether a single character makes words (joiners do not; meaningless for a pattern)."""
        if self.name == "whitespace":
            return not character.isspace()
        if self.name == "letters":
            return character.isalnum() and not character.isdecimal()
        return unicodedata.category(character)[0] in "LMN" and character not in self.joiners

    def tokens(self, text: str, language: str = "") -> list[str]:
        """The words of a text, exactly as in a corpus of the same lines.

        Raises InputError for a token of 1 MB or more, or one of a pattern that holds a tab, LF or CR.
        """
        folded = self.fold(text, language)
        if self.pattern is not None:
            lines = (line.removesuffix("\r") for line in folded.split("\n"))
            found = [line[low:high] for line in lines for low, high in matches(self.pattern, line)]
        elif self.name == "whitespace":
            found = folded.split()
        elif self.name == "letters":
            found = _LETTERS.findall(folded)
        else:
            found = self._joined(folded)
        for token in found:
            if len(token) > LONGEST_TOKEN or len(token.encode("utf-8", "surrogatepass")) > LONGEST_TOKEN:
                raise token_too_long(f"{token[:40]!r}...")
        return found

    def _joined(self, text: str) -> list[str]:
        is_word = functools.cache(self.is_word)
        found, start = [], -1
        for position, character in enumerate(text + "\n"):
            if is_word(character):
                if start < 0:
                    start = position
            elif start >= 0:
                inside = position + 1 < len(text) and is_word(text[position - 1])
                if not (character in self.joiners and inside and is_word(text[position + 1])):
                    found.append(text[start:position])
                    start = -1
        return found


def token_too_long(value: str) -> InputError:
    """The refusal of a token of more than LONGEST_TOKEN bytes at the place ``value``."""
    return InputError(
        f"{value}: a token of 1 MB or more",
        f"a token has fewer than {LONGEST_TOKEN + 1:,} bytes of UTF-8",
        "check that the file is text, or choose another --tokenizer",
    )


@functools.cache
def _compiled(name: str) -> re.Pattern[str]:
    pattern = name.removeprefix("regex:")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a warning here means that the pattern is ambiguous
            compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        raise OptionError(
            f"tokenizer {name!r} ({error})", "PATTERN is a Python regular expression", _MEND
        ) from error
    if not pattern:
        raise OptionError(f"tokenizer {name!r}", "the pattern is empty", _MEND)
    return compiled


def matches(pattern: re.Pattern[str], line: str) -> list[tuple[int, int]]:
    """Where the pattern's matches lie in one line, empty ones left out; long lines are seen piece by piece.

    Raises InputError for a match that holds a tab, LF or CR.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    while start < len(line):
        end = piece_end(line, start) if len(line) - start > LONGEST_MATCHED else len(line)
        piece = line[start:end]
        found = [match.span() for match in pattern.finditer(piece)]
        spans.extend((start + low, start + high) for low, high in found if low < high)
        start = end
    if any(mark in line for mark in _BREAKS):
        for low, high in spans:
            if any(mark in line[low:high] for mark in _BREAKS):
                raise InputError(
                    f"the token {line[low : min(high, low + 40)]!r}",
                    "a token holds no tab, LF or CR",
                    "write the pattern so that it does not match them",
                )
    return spans


def piece_end(line: str, start: int) -> int:
    """Where the piece of a long line ends: after the last space within LONGEST_MATCHED characters, else there."""
    cut = line.rfind(" ", start, start + LONGEST_MATCHED) + 1
    return cut if cut > start else start + LONGEST_MATCHED
