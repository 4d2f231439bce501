"""Words to choose from while one is typed: by how they begin, forgiving of case and accents.

The words stand in one string in the order of their rows, the most frequent first, so that a search from its
beginning meets the best answers first and stops at the last that is wanted.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from morphvec.embeddings.embeddings import Embeddings

_KEPT_MARKS = (0, 7, 8, 9)  # vowel signs, nukta, voicing and virama make letters; accents and points do not
_STROKES = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "ı": "i",
        "ł": "l",
        "ŋ": "n",
        "ŧ": "t",
        "þ": "th",
        **dict.fromkeys("'’ʼʻ·-‐‑ʹʾʿ", ""),
    }
)
_SHORTEST_INSIDE = 2  # characters looked for inside words


def plain(text: str) -> str:
    """A word without case, accents, points, strokes, apostrophes and hyphens: what people type for it."""
    if not text.isascii():
        text = "".join(
            character
            for character in unicodedata.normalize("NFKD", text)
            if unicodedata.combining(character) in _KEPT_MARKS
        )
    return text.casefold().translate(_STROKES)


class _Lines:
    """Strings one below the other, none with a line feed, searched as one text."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._text = "\n" + "\n".join(lines) + "\n"
        lengths = np.fromiter((len(line) + 1 for line in lines), np.int64, len(lines))
        self._starts = np.concatenate([[0], np.cumsum(lengths)])  # of the line feed before each line

    def holding(self, piece: str) -> Iterator[int]:
        """The numbers of the lines that hold the piece, ascending; one that begins or ends with a line feed is
        found at the beginning or end of a line only."""
        place = self._text.find(piece)
        while place >= 0:
            line = int(np.searchsorted(self._starts, place, side="right")) - 1
            yield line
            place = self._text.find(piece, int(self._starts[line + 1]))


class Suggester:
    """The words of a model, to be found by their beginnings."""

    def __init__(self, model: Embeddings) -> None:
        self._model = model
        split = [model.split(word) for word in model.words] if model.languages else []
        bare = [word for _, word in split] or list(model.words)
        self._languages = [language for language, _ in split]
        self._exact, self._plain = _Lines(bare), _Lines([plain(word) for word in bare])

    def __call__(self, query: str, n: int, language: str = "") -> list[int]:
        """At most n rows for what was typed so far, best first: the word itself, words that begin like that, words
        that begin like that but for accents and case, words that hold it; the more frequent first among each.

        query: may begin with a language, as in ``spa:ca``. language: of the words to choose from; any where left out.
        """
        typed, bare = self._model.split(query.strip())
        language = typed or language
        exact, loose = self._model.fold(bare, language), plain(bare)
        if not exact:
            return []
        found: dict[int, None] = {}
        searches: list[Iterator[int]] = [
            self._exact.holding(f"\n{exact}\n"),
            self._exact.holding(f"\n{exact}"),
        ]
        if loose:
            searches += [self._plain.holding(f"\n{loose}\n"), self._plain.holding(f"\n{loose}")]
        if len(loose) >= _SHORTEST_INSIDE:
            searches.append(self._plain.holding(loose))
        for rows in searches:
            self._take(rows, n, found, self._in(language))
        return list(found)

    def close(self, query: str, n: int) -> list[int]:
        """At most n rows of words spelled most like an unknown word: those that share the longest beginning."""
        language, bare = self._model.split(query.strip())
        loose = plain(bare)
        found: dict[int, None] = {}
        for length in range(len(loose), 2, -1):
            self._take(self._plain.holding("\n" + loose[:length]), n, found, self._in(language))
            if found:
                break
        return list(found)

    def _in(self, language: str) -> Callable[[int], bool]:
        if not language:
            return lambda row: True
        return lambda row: self._languages[row] == language

    @staticmethod
    def _take(rows: Iterator[int], n: int, found: dict[int, None], fits: Callable[[int], bool]) -> None:
        if len(found) >= n:
            return
        for row in rows:
            if fits(row):
                found[row] = None
                if len(found) >= n:
                    return
