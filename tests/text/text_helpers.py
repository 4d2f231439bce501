"""What the tests of the text floor share: hostile alphabets, and a scan read back as words."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import strategies as st

from characters import ANY
from morphvec.report import SILENT
from morphvec.text import Corpus, Scan, Source, Tokenizer, scan
from morphvec.text.encoded import RAW, UNITS, open_stream

# Case, final sigma, dotless i, joiners, marks that compose or swap, Hangul parts, several planes, odd white space.
HOSTILE = (
    "aAbiIİıΣσςΑα'’ʼʻ··-‐_.,:1²Ⅳ "
    " \t\r\n\u0301\u0307\u0323\u0327\u0331\u0338\u0345\u0f73\u093c\u094dह=<हिन가ᄀ\u1161\u11a8中。𐐀😀\u00a0\u2028\x85\x1c\u200d\u00adẞKΩ\u1ffc\U00011099\U000110ba"
)
TEXT = st.text(st.sampled_from(HOSTILE) | ANY.filter(lambda character: character != "\0"), max_size=60)
NAMES = ["unicode", "whitespace", "letters", r"regex:\w+|[^\w\s]"]
PLACES = ("", "tur")


def words_by_line(scanned: Scan) -> list[list[str]]:
    rows: list[list[str]] = [[]]
    for number in open_stream(scanned.folder / RAW).tolist():
        if number < 0:
            rows.append([])
        else:
            rows[-1].append(scanned.types[number])
    assert rows.pop() == []
    return rows


def units_of(scanned: Scan) -> list[str]:
    return [scanned.unit_names[unit] for unit in open_stream(scanned.folder / UNITS).tolist()]


def scan_file(path: Path, tokenizer: Tokenizer | None = None, *, language: str = "", **options) -> Scan:
    corpus_options = {key: options.pop(key) for key in ("format", "errors") if key in options}
    corpus = Corpus((Source(str(path), language),), tokenizer or Tokenizer(), **corpus_options)
    folder = Path(tempfile.mkdtemp(dir=path.parent))
    return scan(corpus, folder=folder, units=options.pop("units", False), reporter=SILENT, **options)
