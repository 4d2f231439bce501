"""Real derivations, treebanks and segmentations. Needs the folder that MORPHVEC_DATA names."""

from __future__ import annotations

import collections
import functools
import os
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest

from morphvec.morphology import (
    pair_classes,
    read_derivations,
    read_segmentation,
    read_treebank,
    train_morphs,
)
from morphvec.morphology.constraints import ConstraintOptions, Knowledge, build_penalties
from morphvec.report import SILENT
from morphvec.text import Corpus, Source, Tokenizer, Vocabulary, scan

FOLDER = os.environ.get("MORPHVEC_DATA")
pytestmark = pytest.mark.skipif(not FOLDER, reason="MORPHVEC_DATA is not set")

# file → rows of the table, bundle → pairs of it that a Bible holds (some of them)
DERIVATIONS = {
    "deu": (29_381, {"DRV;V;N;-ung": {("bedeuten", "bedeutung")}, "DRV;N;N;-in": {("freund", "freundin")}}),
    "eng_catvar": (23_479, {"DRV;V;N": {("teach", "teacher")}, "DRV;ADJ;N": {("dark", "darkness")}}),
    "fin": (36_843, {"DRV;ADJ;N;-uus": {("kova", "kovuus")}, "DRV;ADJ;ADV;-sti": {("kova", "kovasti")}}),
    "hun": (28_176, {"DRV;V;V;meg-": {("bocsát", "megbocsát")}}),
    "por": (11_774, {"DRV;ADJ;ADV;-mente": {("alegre", "alegremente")}}),
    "spa": (30_777, {"DRV;ADJ;ADV;-mente": {("antiguo", "antiguamente")}}),
    "swe": (9_244, {}),  # no Bible here
    "tur": (1_776, {"DRV;N;ADJ;-siz": {("ses", "sessiz")}}),
}
TREEBANKS = {
    "en_ewt-ud-dev": "eng",
    "en_ewt-ud-test": "eng",
    "es_pud-ud-test": "spa",
    "fi_tdt-ud-dev": "fin",
    "fi_tdt-ud-test": "fin",
    "hu_szeged-ud-dev": "hun",
    "hu_szeged-ud-train": "hun",
    "tr_imst-ud-dev": "tur",
    "tr_imst-ud-train": "tur",
}
SEEN = {  # (lemma, form) and its bundle in the treebanks of a language, both words in its Bible
    "eng": (("come", "comes"), "VERB;Mood=Ind;Number=Sing;Person=3;Tense=Pres;VerbForm=Fin"),
    "spa": (("camino", "caminos"), "NOUN;Gender=Masc;Number=Plur"),
    "fin": (("mies", "miehen"), "NOUN;Case=Gen;Number=Sing"),
    "hun": (("ország", "országok"), "NOUN;Case=Nom;Number=Plur"),
    "tur": (("ev", "eve"), "NOUN;Case=Dat;Number=Sing;Person=3"),
}


@functools.cache
def bible(language):
    corpus = Corpus((Source(f"{FOLDER}/bible/{language}.txt.gz", ""),), Tokenizer("letters"), "tsv")
    with tempfile.TemporaryDirectory() as folder:
        found = scan(corpus, folder=Path(folder), units=False, reporter=SILENT)
        return Vocabulary.from_scan(found, 1, None)


def classes(language, tables):
    """{bundle: {(lemma, form)}} with the words of a Bible, and the reports."""
    vocabulary = bible(language)
    pairs, reports = pair_classes(
        tables, vocabulary.key, vocabulary.index, lambda text, _: vocabulary.tokenizer.fold(text, language)
    )
    found = {name: set() for name in pairs.names}
    for number, lemma, form in zip(
        pairs.class_of.tolist(), pairs.lemmas.tolist(), pairs.forms.tolist(), strict=True
    ):
        found[pairs.names[number]].add((vocabulary.words[lemma], vocabulary.words[form]))
    return found, reports


@pytest.mark.parametrize("name", sorted(DERIVATIONS))
def test_every_derivation_file_reads_and_makes_classes(name):
    rows, expected = DERIVATIONS[name]
    table = read_derivations(Path(FOLDER) / "derivation" / f"{name}.tsv.gz")
    assert len(table) == rows
    assert all(re.fullmatch(r"DRV;[A-Z]+;[A-Z]+(;\S+( \S+)*)?", bundle) for bundle in set(table.features))
    if not expected:
        return
    found, (report,) = classes(name[:3], [table])
    assert (report.source, report.rows) == ("derivations", rows)
    assert report.used > 100 or name == "tur"
    for bundle, pairs in expected.items():
        assert pairs <= found[bundle], bundle


def test_bound_forms_end_up_unknown():
    table = read_derivations(Path(FOLDER) / "derivation" / "fin.tsv.gz")
    bound = [(a, b) for a, b in zip(table.lemmas, table.forms, strict=True) if a.startswith("-")]
    assert len(bound) > 50
    used = set().union(*classes("fin", [table])[0].values())
    assert not any(word.startswith("-") for pair in used for word in pair)


@pytest.mark.parametrize("language", sorted(SEEN))
def test_every_treebank_reads_and_makes_classes(language):
    names = [name for name, owner in TREEBANKS.items() if owner == language]
    tables = [read_treebank(Path(FOLDER) / "conllu" / f"{name}.conllu.gz") for name in names]
    for table in tables:
        assert len(table) > 4_000
        assert len(set(zip(table.lemmas, table.forms, table.features, strict=True))) == len(table)
        kinds = {bundle.split(";")[0] for bundle in table.features}
        assert {"NOUN", "VERB", "ADJ"} <= kinds
        assert not kinds & {"PUNCT", "SYM", "NUM", "X", "_"}
    found, (report,) = classes(language, tables)
    assert report.rows == sum(map(len, tables))
    assert report.used > 300
    pair, bundle = SEEN[language]
    assert pair in found[bundle]


def test_finnish_compounds_lose_their_marks():
    table = read_treebank(Path(FOLDER) / "conllu" / "fi_tdt-ud-dev.conllu.gz")
    assert "viikonloppu" in table.lemmas
    assert "aamu-uninen" in table.lemmas
    assert not any("#" in lemma for lemma in table.lemmas)


@pytest.mark.parametrize(("language", "rows"), [("eng", 57_371), ("hun", 92_796), ("spa", 86_085)])
def test_every_segmentation_reads(language, rows):
    found = read_segmentation(Path(FOLDER) / "segmentation" / f"{language}.dev.tsv.gz")
    assert len(found) == rows
    known = [row for row, word in enumerate(found.words) if word in bible(language).index]
    assert len(known) > 500
    many = collections.Counter(part for row in known for part in found.morphemes[row][1:])
    common = [part for part, _ in many.most_common(12)]
    assert {"eng": {"s", "ed", "ing"}, "hun": {"k", "t", "ok"}, "spa": {"s", "ar"}}[language] <= set(common)


def test_treebanks_and_derivations_constrain_together():
    """Offsets, families and words of all kinds of tables of one language, in one call."""
    knowledge = Knowledge(
        (
            read_treebank(Path(FOLDER) / "conllu" / "fi_tdt-ud-dev.conllu.gz"),
            read_derivations(Path(FOLDER) / "derivation" / "fin.tsv.gz"),
        ),
        class_weights={"DRV;ADJ;N;-uus": 2.0},
    )
    options = ConstraintOptions((("offset", 1.0), ("lemma", 1.0), ("class", 1.0)), "random:2")
    penalties, reports = build_penalties(knowledge, bible("fin"), options)
    assert [name for _, _, name in penalties] == ["offset", "lemma", "class"]
    assert [report.source for report in reports] == ["treebank", "derivations"]
    assert all(report.used > 300 and report.contradictory > 100 for report in reports)
    assert all(np.count_nonzero(penalty.diagonal()) > 300 for _, penalty, _ in penalties)


def test_morphs_of_a_bible():
    pytest.importorskip("morfessor")
    words = bible("eng")
    frequent = [row for row, word in enumerate(words.words) if words.counts[row] >= 40]
    model = train_morphs([words.words[row] for row in frequent], words.counts[frequent])
    assert {"ed", "s"} <= set(model.morphs)
    assert model.segment("walked")[-1] == "ed"
