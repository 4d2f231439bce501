"""Real tables. Needs the folder that MORPHVEC_DATA names."""

from __future__ import annotations

import functools
import gzip
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from morphvec.morphology import graph_edges, lemma_families, pair_classes, read_unimorph, read_words
from morphvec.report import SILENT
from morphvec.text import Corpus, Source, Tokenizer, scan

FOLDER = os.environ.get("MORPHVEC_DATA")
pytestmark = pytest.mark.skipif(not FOLDER, reason="MORPHVEC_DATA is not set")


def key(word, language):
    return f"{language}:{word}" if language else word


def fold(text, language):
    return text.lower()


@functools.cache
def table(language, code=""):
    return read_unimorph(Path(FOLDER) / "unimorph" / f"{language}.tsv.gz", code)


@functools.cache
def bible(language, code=""):
    corpus = Corpus((Source(f"{FOLDER}/bible/{language}.txt.gz", ""),), Tokenizer("letters"), "tsv")
    with tempfile.TemporaryDirectory() as folder:
        found = scan(corpus, folder=Path(folder), units=False, reporter=SILENT)
        return tuple(key(word, code) for word in found.types)


def index_of(words):
    return {word: row for row, word in enumerate(words)}


def test_english_is_whole_and_consistent():
    english = table("eng")
    assert len(english) == 115_523
    words = bible("eng")
    pairs, (report,) = pair_classes([english], key, index_of(words), fold)
    assert report.rows == 115_523
    assert report.multiword == 0
    assert pairs.names == ("V;3;PRS;SG", "V;PRS;V.PTCP", "V;PST", "V;PST;V.PTCP")
    past = [
        (words[a], words[b])
        for a, b, c in zip(pairs.lemmas, pairs.forms, pairs.class_of, strict=True)
        if c == 2
    ]
    assert ("give", "gave") in past
    assert ("walk", "walked") in past
    assert ("give", "given") not in past
    families = lemma_families(pairs)
    assert len(families.lemmas) < len(pairs.lemmas)  # walked is both past and participle
    edges, counts = graph_edges(pairs.sizes, "random:3", 0)
    assert len(edges) == counts.sum() > 2 * len(pairs.lemmas)


def test_holding_out_the_analogy_words_removes_them(tmp_path):
    with gzip.open(Path(FOLDER) / "analogy" / "eng_google.tsv.gz", "rt", encoding="utf-8") as lines:
        words = sorted({word for line in lines for word in line.split()[1:]})
    path = tmp_path / "held.txt"
    path.write_text("\n".join(words), encoding="utf-8")
    vocabulary = bible("eng")
    pairs, (report,) = pair_classes(
        [table("eng")], key, index_of(vocabulary), fold, hold_out=read_words(path)
    )
    used = {vocabulary[row] for row in np.concatenate((pairs.lemmas, pairs.forms))}
    assert report.held_out > 100
    assert report.used > 1000
    assert not used & {word.lower() for word in words}


def test_spanish_and_portuguese_share_bundles():
    words = bible("spa", "spa") + bible("por", "por")
    tables = [table("spa", "spa"), table("por", "por")]
    pairs, (report,) = pair_classes(tables, key, index_of(words), fold)
    assert report.multiword == 17_257
    languages = [set() for _ in pairs.names]
    for number, lemma in zip(pairs.class_of.tolist(), pairs.lemmas.tolist(), strict=True):
        languages[number].add(words[lemma][:3])
    both = [name for name, found in zip(pairs.names, languages, strict=True) if found == {"spa", "por"}]
    assert len(both) >= 30
    swapped, _ = pair_classes(tables[::-1], key, index_of(words), fold)
    assert swapped.names == pairs.names
    assert np.array_equal(swapped.forms, pairs.forms)


def test_turkish_tag_order_does_not_split_a_class():
    path = Path(FOLDER) / "unimorph" / "tur.tsv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        raw = {line.rstrip("\n").split("\t")[2] for line in lines}
    turkish = table("tur")
    classes = set(turkish.features)
    assert len(classes) < len(raw)
    by_tags = {(bundle.split(";")[0], frozenset(bundle.split(";"))) for bundle in raw}
    assert len(classes) == len(by_tags)


@pytest.mark.parametrize("language", ["deu", "est", "eus", "fin", "hun", "que", "swa", "swe"])
def test_every_table_reads(language):
    found = table(language)
    assert len(found) > 10_000
    assert all(bundle and not bundle.endswith(";") for bundle in set(found.features))
