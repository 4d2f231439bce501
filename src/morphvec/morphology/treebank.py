"""Treebanks in CoNLL-U as tables: which form of which lemma was seen with which features.

The bundles are those of Universal Dependencies (``NOUN;Case=Gen;Number=Sing``). They span the treebanks of several
languages, since these share one set of names, but they are not UniMorph's: a treebank and a UniMorph table of one
language give different classes.
"""

from __future__ import annotations

from pathlib import Path

from morphvec.errors import InputError
from morphvec.morphology.tables import Table, lines_of, row_error, some

_WHAT = "a CoNLL-U treebank"
_COLUMNS = "of ten columns: ID FORM LEMMA UPOS XPOS FEATS HEAD DEPREL DEPS MISC, separated by TAB"
_NO_WORDS = ("PUNCT", "SYM", "NUM", "X")


def read_treebank(path: str | Path, language: str = "") -> Table:
    """The distinct (lemma, form, ``UPOS;Feat=Val;…``) of a treebank, in the order of the file; features sorted.

    Left out are multi-word tokens (1-2), empty nodes (1.1), words without a lemma (``_``), punctuation, symbols,
    numerals and foreign words (PUNCT, SYM, NUM, X), and words marked as misspelled (``Typo=Yes``).
    Some treebanks write compound boundaries into lemmas, as Finnish TDT does (``viikon#loppu``). Where the form has no
    ``#``, that mark is taken out (*viikonloppu*), or becomes the hyphen that the form has there (*aamu-unisille*:
    ``aamu#uninen`` → *aamu-uninen*), which is how dictionaries write the lemma.
    Raises InputError: unreadable, binary or not UTF-8, a row without ten columns, an ID that is no number, a feature
    without ``=``, no word at all.
    """
    path = Path(path)
    seen: dict[tuple[str, str, str], None] = {}
    bundles: dict[tuple[str, str], str] = {}
    for number, line in enumerate(lines_of(path, _WHAT), 1):
        if not line or line.isspace() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != 10 or not all(cells[:4]):
            raise row_error(path, number, cells, _WHAT, _COLUMNS)
        identity, form, lemma, upos, _, features = cells[:6]
        if not identity.isdecimal():
            if not identity.replace("-", ".", 1).replace(".", "", 1).isdecimal():
                raise InputError(
                    f"{path}, line {number}: ID {identity!r}",
                    "an ID is a number, 1-2 for a multi-word token, 1.1 for an empty node",
                    "correct the line",
                )
            continue
        if upos in _NO_WORDS or "_" in (lemma, form, upos):
            continue
        bundle = bundles.get((upos, features))
        if bundle is None:
            bundle = bundles[upos, features] = _bundle(upos, features, f"{path}, line {number}")
        if ";Typo=Yes" not in bundle:
            seen[_without_marks(lemma, form), form, bundle] = None
    some(path, len(seen), _WHAT)
    lemmas, forms, tags = (list(column) for column in zip(*seen, strict=True))
    return Table(language, lemmas, forms, tags, str(path), "treebank")


def _bundle(upos: str, features: str, place: str) -> str:
    values = [] if features in ("_", "") else features.split("|")
    for value in values:
        name, equals, setting = value.partition("=")
        if not (name and equals and setting):
            raise InputError(
                f"{place}: feature {value!r}", "features are Name=Value joined by |, or _", "correct the line"
            )
    return ";".join([upos, *sorted(values)])


def _without_marks(lemma: str, form: str) -> str:
    """A lemma without the marks of compound boundaries."""
    if "#" not in lemma or "#" in form:
        return lemma
    first, *others = lemma.split("#")
    built, written = first, form.casefold()
    for part in others:
        built += ("-" if built and written.startswith(f"{built.casefold()}-") else "") + part
    return built or lemma
