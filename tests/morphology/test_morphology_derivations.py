from __future__ import annotations

import pytest

from morphvec.errors import InputError
from morphvec.morphology import read_derivations


def read(folder, text, language=""):
    path = folder / "derivations.tsv"
    path.write_text(text, encoding="utf-8")
    return read_derivations(path, language)


def rows(table):
    return list(zip(table.lemmas, table.forms, table.features, strict=True))


MORPHYNET = "Afrika\tAfrikalı\tN\tJ\tlı\tsuffix\n\nkind\tunkind\tJ\tJ\tun\tprefix\nnopea\tnopeasti\tj\tR\tsti\tsuffix\n"


def test_morphynet_rows_become_pairs_under_part_of_speech_and_affix(tmp_path):
    table = read(tmp_path, MORPHYNET, "tur")
    assert (table.language, table.kind, table.source) == (
        "tur",
        "derivations",
        str(tmp_path / "derivations.tsv"),
    )
    assert rows(table) == [
        ("Afrika", "Afrikalı", "DRV;N;ADJ;-lı"),
        ("kind", "unkind", "DRV;ADJ;ADJ;un-"),
        ("nopea", "nopeasti", "DRV;ADJ;ADV;-sti"),
    ]


@pytest.mark.parametrize(
    ("affix", "kind", "written"),
    [
        ("Mac", "prefix", "Mac-"),  # the case stays
        ("-er", "suffix", "-er"),
        ("s", "interfix", "-s-"),
        ("e\u0301", "suffix", "-é"),  # NFC
    ],
)
def test_an_affix_is_written_with_its_hyphen(tmp_path, affix, kind, written):
    (row,) = rows(read(tmp_path, f"a\tb\tN\tU\t{affix}\t{kind}\n"))
    assert row == ("a", "b", f"DRV;N;U;{written}")


def test_bound_forms_stay_as_rows(tmp_path):
    assert rows(read(tmp_path, "-uskoinen\t-uskoisuus\tJ\tN\tuus\tsuffix\n")) == [
        ("-uskoinen", "-uskoisuus", "DRV;ADJ;N;-uus")
    ]


CATVAR = """\
7\twalking\tN
7\twalk\tN
7\twalk\tV
8\tlone\tAJ
7\twalker\tN
9\tbee\tN
9\tant\tN
9\tantic\tAJ
9\tantly\tAV
9\tantly\tAV
"""


def test_catvar_clusters_hang_on_their_shortest_word(tmp_path):
    """walk counts as a verb; of bee and ant the first by code point is the base; lone stands alone; rows come once."""
    assert rows(read(tmp_path, CATVAR)) == [
        ("walk", "walking", "DRV;V;N"),
        ("walk", "walker", "DRV;V;N"),
        ("ant", "bee", "DRV;N;N"),
        ("ant", "antic", "DRV;N;ADJ"),
        ("ant", "antly", "DRV;N;ADV"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (MORPHYNET + "1\tword\tN\n", 5, "3 columns"),
        ("1\tword\tN\n" + MORPHYNET, 2, "6 columns"),
        ("a\tb\n", 1, "2 columns"),
        ("a\tb\tN;PL\tx\n", 1, "4 columns"),
        ("a\tb\tN\tN\ts\tsuffix\tmore\n", 1, "7 columns"),
        ("a\tb\tN\tN\t\tsuffix\n", 1, "6 columns, one of them empty"),
        ("1\t\tN\n", 1, "3 columns, one of them empty"),
    ],
)
def test_columns_of_neither_kind_or_both_are_refused(tmp_path, text, line, problem):
    with pytest.raises(InputError, match=rf"derivations\.tsv, line {line}: {problem}") as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_clusters_of_one_word_are_no_pairs(tmp_path):
    with pytest.raises(InputError, match="has no pairs: each cluster is one word"):
        read(tmp_path, "1\ta\tN\n2\tb\tN\n2\tb\tV\n")
