from __future__ import annotations

import gzip

import pytest

from morphvec.errors import InputError
from morphvec.morphology import read_treebank


def line(identity, form, lemma, upos="NOUN", features="_"):
    return f"{identity}\t{form}\t{lemma}\t{upos}\t_\t{features}\t0\troot\t_\t_\n"


def read(folder, *lines, language=""):
    path = folder / "bank.conllu"
    path.write_text("".join(lines), encoding="utf-8")
    return read_treebank(path, language)


def rows(table):
    return list(zip(table.lemmas, table.forms, table.features, strict=True))


SENTENCES = (
    "# sent_id = 1\n# text = vámonos.\n",
    line("1-2", "vámonos", "_", "_"),
    line("1", "vamos", "ir", "VERB", "Number=Plur|Mood=Imp|Person=1"),
    line("2", "nos", "nosotros", "PRON", "Person=1|Number=Plur"),
    line("2.1", "va", "ir", "VERB"),
    line("3", ".", ".", "PUNCT"),
    "\n",
    line("1", "vamos", "ir", "VERB", "Person=1|Mood=Imp|Number=Plur"),  # the same, features in another order
    line("2", "_", "_", "NOUN"),
    line("3", "casa", "_", "NOUN"),
    line("4", "$", "$", "SYM"),
    line("5", "dos", "dos", "NUM"),
    line("6", "house", "house", "X"),
    line("7", "teh", "the", "DET", "Definite=Def|Typo=Yes"),
    line("8", "Madrid", "Madrid", "PROPN"),
    "  \n",
)


def test_words_become_distinct_rows(tmp_path):
    table = read(tmp_path, *SENTENCES, language="spa")
    assert (table.language, table.kind) == ("spa", "treebank")
    assert rows(table) == [
        ("ir", "vamos", "VERB;Mood=Imp;Number=Plur;Person=1"),
        ("nosotros", "nos", "PRON;Number=Plur;Person=1"),
        ("Madrid", "Madrid", "PROPN"),
    ]


def test_compression_changes_nothing(tmp_path):
    path = tmp_path / "bank.conllu.gz"
    path.write_bytes(gzip.compress("".join(SENTENCES).encode()))
    assert rows(read_treebank(path)) == rows(read(tmp_path, *SENTENCES))


@pytest.mark.parametrize(
    ("form", "lemma", "written"),
    [
        ("Viikonlopun", "viikon#loppu", "viikonloppu"),
        ("Aamu-unisille", "aamu#uninen", "aamu-uninen"),
        ("a-bcd-efg", "a#bc#d#ef", "a-bcd-ef"),
        ("linja-autoasemalla", "linja#auto#asema", "linja-autoasema"),
        ("#metoo", "#metoo", "#metoo"),  # the form has the mark: it is no boundary
        ("x", "#", "#"),
        ("talon", "talo", "talo"),
    ],
)
def test_marks_of_compounds_are_taken_out(tmp_path, form, lemma, written):
    assert read(tmp_path, line(1, form, lemma)).lemmas == [written]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("1\ta\tb\tNOUN\n", "4 columns"),
        (line("x", "a", "b"), "ID 'x'"),
        (line("1-x", "a", "b"), "ID '1-x'"),
        (line("", "a", "b"), "one of them empty"),
        (line("1", "a", "", "NOUN"), "one of them empty"),
        (line("1", "a", "b", features="Case"), "feature 'Case'"),
        (line("1", "a", "b", features="Case=Nom|=x"), "feature '=x'"),
        (line("1", "a", "b", features="Case="), "feature 'Case='"),
    ],
)
def test_errors_name_file_and_line(tmp_path, row, problem):
    with pytest.raises(InputError, match=r"bank\.conllu, line 3: ") as caught:
        read(tmp_path, "# one\n", line("1", "a", "b"), row)
    assert problem in str(caught.value)


def test_a_treebank_without_words_is_refused(tmp_path):
    with pytest.raises(InputError, match="has no rows"):
        read(tmp_path, "# nothing\n", line("1", ".", ".", "PUNCT"))
