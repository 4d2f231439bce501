"""Derivations: which word is made of which other word, from MorphyNet or CatVar, as tables of pairs.

A pair (source, target) is what (lemma, form) is in an inflection table, so that everything made for those works for
derivations too. Entries that stand for no word (*-uskoinen*) stay as rows and end up unknown.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

from morphvec.errors import InputError
from morphvec.morphology.tables import Table, row_error, rows_in, some

_WHAT = "a list of derivations"
_COLUMNS = (
    "source TAB target TAB source POS TAB target POS TAB morpheme TAB type (MorphyNet), "
    "or cluster TAB word TAB POS (CatVar), the same throughout"
)
_MORPHYNET, _CATVAR = 6, 3  # columns
# The parts of speech of both, as UniMorph names them; others stay as they are.
_TAGS = {"J": "ADJ", "AJ": "ADJ", "R": "ADV", "AV": "ADV"}
_BASES = (
    "V",
    "ADJ",
    "N",
    "ADV",
)  # which part of speech a base that has several counts as: the first of these


def read_derivations(path: str | Path, language: str = "") -> Table:
    """The pairs of a MorphyNet file (six columns) or a CatVar file (three columns).

    MorphyNet: row source, target, their parts of speech, affix, type → pair (source, target) under a bundle such as
    ``DRV;N;ADJ;-li``: a suffix is written -li, a prefix li-, of any other type -li-. CatVar: the words of a cluster are
    paired with its base, the shortest word (ties: the first by code point), under ``DRV;V;N``: part of speech of the
    base and of the word. A base with several counts as the first of V, ADJ, N, ADV; a word that is spelled like its
    base makes no pair.
    Parts of speech are spelled as UniMorph does (J, AJ → ADJ; R, AV → ADV). Affixes are brought to NFC and keep their
    case, and the order of a bundle means something: unlike inflectional bundles these are not upper-cased or sorted.
    Raises InputError: unreadable, binary or not UTF-8, columns of neither kind or of both, an empty cell, no pair.
    """
    path = Path(path)
    rows: list[tuple[int, list[str]]] = []
    for number, cells in rows_in(path, _WHAT):
        width = len(rows[0][1]) if rows else len(cells)
        if len(cells) != width or width not in (_MORPHYNET, _CATVAR) or not all(cells):
            raise row_error(path, number, cells, _WHAT, _COLUMNS)
        rows.append((number, cells))
    some(path, len(rows), _WHAT)
    made = _morphynet if len(rows[0][1]) == _MORPHYNET else _catvar
    pairs = made([cells for _, cells in rows])
    if not pairs:
        raise InputError(
            f"{path} has no pairs: each cluster is one word",
            f"{_WHAT} has at least one pair",
            "check that this is the file you mean",
        )
    lemmas, forms, features = (list(column) for column in zip(*pairs, strict=True))
    return Table(language, lemmas, forms, features, str(path), "derivations")


def _morphynet(rows: list[list[str]]) -> list[tuple[str, str, str]]:
    pairs = []
    same: dict[str, str] = {}
    for source, target, source_tag, target_tag, affix, kind in rows:
        bundle = f"DRV;{_tag(source_tag)};{_tag(target_tag)};{_affix(affix, kind)}"
        pairs.append((source, target, same.setdefault(bundle, bundle)))
    return pairs


def _affix(affix: str, kind: str) -> str:
    bare = unicodedata.normalize("NFC", affix).strip("-") or "-"
    return f"-{bare}" if kind == "suffix" else f"{bare}-" if kind == "prefix" else f"-{bare}-"


def _tag(tag: str) -> str:
    return _TAGS.get(tag.upper(), tag.upper())


def _catvar(rows: list[list[str]]) -> list[tuple[str, str, str]]:
    clusters: dict[str, dict[tuple[str, str], None]] = {}
    for cluster, word, tag in rows:
        clusters.setdefault(cluster, {})[word, _tag(tag)] = None
    pairs = []
    for members in clusters.values():
        base = min((word for word, _ in members), key=lambda word: (len(word), word))
        own = sorted((tag for word, tag in members if word == base), key=_rank)[0]
        pairs += [(base, word, f"DRV;{own};{tag}") for word, tag in members if word != base]
    return pairs


def _rank(tag: str) -> tuple[int, str]:
    return (_BASES.index(tag) if tag in _BASES else len(_BASES), tag)
