from __future__ import annotations

import bz2
import gzip
import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from morphvec.errors import InputError, OptionError
from morphvec.morphology import (
    normalise_features,
    parse_language_path,
    parse_pair_path,
    read_affixes,
    read_class_weights,
    read_classes,
    read_derivations,
    read_edges,
    read_morphs,
    read_segmentation,
    read_treebank,
    read_unimorph,
    read_words,
)
from morphvec.morphology.tables import read_lines

READERS = [
    read_unimorph,
    read_words,
    read_classes,
    read_edges,
    read_affixes,
    read_class_weights,
    read_derivations,
    read_treebank,
    read_segmentation,
    read_morphs,
]
GOOD = "hablar\thablé\tV;PST\n\ncasa\tcasas\tN;PL\n"


def write(folder, content, name="file.tsv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_table_is_three_parallel_columns(tmp_path):
    table = read_unimorph(write(tmp_path, GOOD), "spa")
    assert len(table) == 2
    assert (table.language, table.source) == ("spa", str(tmp_path / "file.tsv"))
    assert table.lemmas == ["hablar", "casa"]
    assert table.forms == ["hablé", "casas"]
    assert table.features == ["V;PST", "N;PL"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, bytes])
def test_compression_changes_nothing(tmp_path, pack):
    ending = {gzip.compress: ".gz", bz2.compress: ".bz2", lzma.compress: ".xz"}.get(pack, "")
    packed = read_unimorph(write(tmp_path, pack(GOOD.encode()), "t.tsv" + ending))
    assert packed.forms == ["hablé", "casas"]


@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace("\n", "\r\n"),
        GOOD.rstrip("\n"),
        GOOD.replace("\n", "\r\n").rstrip("\n"),
        "\ufeff" + GOOD,
        GOOD + "\n \n\t\n",
        GOOD.replace("\t", " \t "),
    ],
)
def test_line_ends_blanks_and_marks_change_nothing(tmp_path, content):
    table = read_unimorph(write(tmp_path, content))
    assert (table.lemmas, table.forms, table.features) == (
        ["hablar", "casa"],
        ["hablé", "casas"],
        ["V;PST", "N;PL"],
    )


def test_lines_come_without_their_ends(tmp_path):
    assert read_lines(write(tmp_path, "\ufeffa \r\n\r\nb\r\nc\r"), "a test") == ["a ", "", "b", "c"]
    assert read_lines(write(tmp_path, "a\n\n"), "a test") == ["a", ""]


def test_a_carriage_return_or_line_separator_inside_ends_no_line(tmp_path):
    assert read_words(write(tmp_path, "a\u2028b\nc\rd\n")) == ["a\u2028b", "c\rd"]


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("V;PST", "V;PST"),
        ("V;SG;3;PRS", "V;3;PRS;SG"),
        ("V;3;SG;PRS;SG;V", "V;3;PRS;SG"),
        (" n ; pl ;; Nom", "N;NOM;PL"),
        ("V.PTCP;PST", "V.PTCP;PST"),
        ("N;ß", "N;ß"),  # upper-casing beyond ASCII would change the tag
        ("", ""),
        (" ; ", ""),
    ],
)
def test_bundles_have_one_spelling(raw, normal):
    assert normalise_features(raw) == normal


@given(
    st.lists(st.sampled_from(["SG", "PL", "1", "nom", "Σ"]), max_size=6), st.randoms(use_true_random=False)
)
def test_tag_order_never_matters_behind_the_first(tags, random):
    shuffled = list(tags)
    random.shuffle(shuffled)
    first = normalise_features(";".join(["N", *tags]))
    assert first == normalise_features(";".join(["N", *shuffled])) == normalise_features(first)


def test_errors_name_file_line_and_byte(tmp_path):
    table = write(tmp_path, "a\tb\tN\n\nc\td\n", "t.tsv")
    with pytest.raises(InputError, match=r"t\.tsv, line 3: 2 columns: 'c\\td'; a UniMorph table has rows"):
        read_unimorph(table)
    words = write(tmp_path, b"ok\nab\xffc\n", "w.txt")
    with pytest.raises(InputError, match=r"w\.txt, line 2, byte 3: 0xFF; text is UTF-8; convert"):
        read_words(words)
    with pytest.raises(InputError, match=r"w\.txt, line 3: a NUL byte"):
        read_words(write(tmp_path, b"ok\nab\nx\0\n", "w.txt"))


@pytest.mark.parametrize("row", ["a\tb", "a\tb\tN\tx", "a\t\tN", "\tb\tN", "a\tb\t;", "a b N", "a\tb\t"])
def test_a_table_row_has_three_filled_columns(tmp_path, row):
    with pytest.raises(InputError, match="line 2"):
        read_unimorph(write(tmp_path, "a\tb\tN\n" + row + "\n"))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("content", [b"", b"\n \n", b"a\0b\n", b"\xff\xfea\n", b"x" * (3 << 20)])
def test_every_reader_refuses_empty_and_binary_files(tmp_path, reader, content):
    with pytest.raises(InputError) as caught:
        reader(write(tmp_path, content))
    assert "\n" not in str(caught.value)
    assert str(caught.value).count("; ") >= 2
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_refuses_missing_files_and_folders(tmp_path, reader):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        reader(tmp_path / "missing.tsv.gz")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        reader(tmp_path)


@pytest.mark.parametrize(
    ("pack", "ending"), [(gzip.compress, "gz"), (bz2.compress, "bz2"), (lzma.compress, "xz")]
)
def test_damaged_compression_is_an_input_error(tmp_path, pack, ending):
    whole = pack(GOOD.encode() * 1000)
    for content in (whole[: len(whole) // 2], GOOD.encode(), whole[:40] + b"?????" + whole[45:]):
        with pytest.raises(InputError, match=f"cannot be unpacked.*ends in .{ending}"):
            read_unimorph(write(tmp_path, content, f"t.{ending}"))


def test_a_bomb_is_refused_early(tmp_path):
    with pytest.raises(InputError, match="line 1: over 1 MB"):
        read_words(write(tmp_path, gzip.compress(b"a" * (1 << 24)), "bomb.gz"))


def test_a_long_bomb_is_refused_too(tmp_path, monkeypatch):
    monkeypatch.setattr("morphvec.morphology.tables._MAX_FILE", 1 << 20)
    with pytest.raises(InputError, match="more than 1 GB so far"):
        read_words(write(tmp_path, gzip.compress(b"word\n" * (1 << 19)), "bomb.gz"))


def test_lines_across_blocks_are_whole(tmp_path):
    words = [f"wörd{number}" for number in range(250_000)]  # more than two blocks
    assert read_words(write(tmp_path, "\n".join(words))) == words
    with pytest.raises(InputError, match="line 250001, byte 2: 0x80"):
        read_words(write(tmp_path, "\n".join(words).encode() + b"\nx\x80\n"))


def test_word_lists_keep_order_and_drop_repeats(tmp_path):
    assert read_words(write(tmp_path, "b\na\nb\nNew York\n")) == ["b", "a", "New York"]
    with pytest.raises(InputError, match="line 1: 2 columns"):
        read_words(write(tmp_path, "a\tb\n"))


def test_classes_and_edges(tmp_path):
    listed = read_classes(write(tmp_path, "colour\tred\ncolour\tblue\nnumber\tone\n"))
    assert (listed.classes, listed.words) == (["colour", "colour", "number"], ["red", "blue", "one"])
    edges = read_edges(write(tmp_path, "a\tb\nb\tc\t2.5\n"))
    assert (edges.first, edges.second, list(edges.weights)) == (["a", "b"], ["b", "c"], [1.0, 2.5])


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "x", "1,5"])
def test_an_edge_weight_is_finite_and_positive(tmp_path, weight):
    with pytest.raises(InputError, match="line 1: weight"):
        read_edges(write(tmp_path, f"a\tb\t{weight}\n"))


def test_class_weights(tmp_path):
    path = write(tmp_path, "V;PST\t2\nN;PL\t0\n\n-ing\t0.5\n")
    assert read_class_weights(path) == {"V;PST": 2.0, "N;PL": 0.0, "-ing": 0.5}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("b\t-1", "factor '-1'"),
        ("b\tnan", "factor 'nan'"),
        ("b\tinf", "factor 'inf'"),
        ("b\tmuch", "factor 'much'"),
        ("b", "1 column"),
        ("b\t1\t2", "3 columns"),
        ("\t1", "one of them empty"),
        ("a\t2", "class 'a' again"),
    ],
)
def test_bad_class_weights_name_the_line(tmp_path, row, problem):
    with pytest.raises(InputError, match="line 2") as caught:
        read_class_weights(write(tmp_path, f"a\t1\n{row}\n"))
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("spa=tables/spa.tsv", ("spa", "tables/spa.tsv")),
        ("pt-BR=a=b.tsv", ("pt-BR", "a=b.tsv")),
        ("tables/spa.tsv", ("", "tables/spa.tsv")),
        ("./a=b.tsv", ("", "./a=b.tsv")),
        ("C:x=y", ("", "C:x=y")),
    ],
)
def test_language_paths(argument, expected):
    assert parse_language_path(argument) == expected


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("eng:deu=pairs.tsv", (("eng", "deu"), "pairs.tsv")),
        ("pt-BR:es=a=b.tsv", (("pt-BR", "es"), "a=b.tsv")),
        ("deu=pairs.tsv", (("deu", "deu"), "pairs.tsv")),
        ("pairs.tsv", (("", ""), "pairs.tsv")),
        ("./a:b=c.tsv", (("", ""), "./a:b=c.tsv")),
        ("a:b.tsv", (("", ""), "a:b.tsv")),
    ],
)
def test_paths_of_pairs(argument, expected):
    assert parse_pair_path(argument) == expected


@pytest.mark.parametrize("argument", ["eng:deu=", "eng:=file"])
def test_bad_paths_of_pairs(argument):
    with pytest.raises(OptionError, match="names no"):
        parse_pair_path(argument)


@pytest.mark.parametrize("argument", ["", "spa=", "=file"])
def test_bad_language_paths(argument):
    with pytest.raises(OptionError, match="names no"):
        parse_language_path(argument)
