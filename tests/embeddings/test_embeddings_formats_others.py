"""fastText .bin out, Model2Vec, spaCy, Parquet and projector: what lies in the files, and every bit when read back.

`make interop` loads the same files with the tools that they are for.
"""

from __future__ import annotations

import json
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from embedding_models import composed, plain, sparse_and_dense

from morphvec.artifact import open_arrays, save_arrays
from morphvec.embeddings import Embeddings, tables
from morphvec.embeddings.formats import catalogue, spacy, writing
from morphvec.errors import InputError, MissingExtraError, OptionError, OutputError
from morphvec.rng import stream
from morphvec.text.tokenize import Tokenizer
from naive_formats import fasttext as naive_fasttext

WORDS = ("walk", "naïve", "हिन्दी", "ng'ombe", "case", "𐐀𐐁", "New York", "x" * 300)
COUNTED = ["fasttext", "parquet", "projector"]
FOLDERS = ["model2vec", "sentence-transformers", "spacy", "projector"]


def model(words=WORDS, counts=True, **more):
    numbers = stream(0).standard_normal((len(words), 5)).astype(np.float32)
    numbers[0, :2] = 1e-42, -3.4e38  # a denormal, and nearly the largest
    found = np.arange(len(words), 0, -1) if counts else None
    return Embeddings(words, numbers, counts=found, **more)


@pytest.mark.parametrize(
    "format_", ["fasttext", "parquet", "projector", "model2vec", "sentence-transformers"]
)
@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_out_and_in_again_keeps_every_bit(tmp_path, format_, counts, named):
    made = model(counts=counts)
    catalogue.write(made, tmp_path / "out", format_)
    found = catalogue.read(tmp_path / "out", format_ if named else "auto")
    assert found.format == format_.replace("sentence-transformers", "model2vec")
    assert found.model.words == made.words
    assert found.model.vectors.tobytes() == made.vectors.tobytes()
    if format_ in COUNTED and counts:
        assert found.model.counts.tolist() == made.counts.tolist()
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("format_", ["fasttext", "parquet", "projector", "model2vec", "spacy"])
def test_sparse_vectors_are_written_with_their_zeros(tmp_path, monkeypatch, format_):
    sparse, dense = sparse_and_dense()
    for name, one in (("s", sparse), ("d", dense)):
        catalogue.write(one, tmp_path / name, format_)
    files = [
        sorted(file for file in (tmp_path / name).rglob("*") if file.is_file()) or [tmp_path / name]
        for name in "sd"
    ]
    assert [one.read_bytes() for one in files[0]] == [one.read_bytes() for one in files[1]]
    for room in (writing, *vars(catalogue).values()):
        if hasattr(room, "MOST"):
            monkeypatch.setattr(room, "MOST", 100)
    with pytest.raises(OutputError, match="writes every zero out"):
        catalogue.write(sparse, tmp_path / "no", format_)


def test_a_fasttext_file_is_what_its_layout_says(tmp_path):
    made = model()
    catalogue.write(made, tmp_path / "m.bin", "fasttext")
    raw = (tmp_path / "m.bin").read_bytes()
    head = struct.unpack_from("<14id", raw)
    assert head[:3] == (793712314, 12, 5)
    assert head[10:13] == (0, 0, 0)  # no buckets, no n-grams
    place = struct.calcsize("<14id")
    assert struct.unpack_from("<iiiqq", raw, place) == (8, 8, 0, 36, -1)
    place += 28
    for word, count in zip(made.words, made.counts, strict=True):
        entry = word.encode() + b"\0" + struct.pack("<qb", count, 0)
        assert raw[place : place + len(entry)] == entry
        place += len(entry)
    assert raw[place:] == struct.pack("<?qq", 0, 8, 5) + made.vectors.tobytes() + struct.pack("<?qq", 0, 0, 5)


def test_a_model_of_fasttext_keeps_its_rule_for_unseen_words(tmp_path):
    (tmp_path / "first.bin").write_bytes(naive_fasttext().to_bytes())
    first = catalogue.read(tmp_path / "first.bin").model
    catalogue.write(first, tmp_path / "again.bin", "fasttext")
    again = catalogue.read(tmp_path / "again.bin").model
    assert (again.words, again.counts.tolist()) == (first.words, first.counts.tolist())
    np.testing.assert_allclose(again.vectors, first.vectors, rtol=1e-6, atol=1e-7)
    for word in ("unseen", "walkings", "ß", "नमस्ते"):
        assert again.vector_for(word).tobytes() == first.vector_for(word).tobytes()


def test_what_a_format_does_not_carry_is_said():
    parts = composed()
    unseen, rest = (
        "what unseen words are composed from (ngrams)",
        ["counts", "feature vectors", "how queries are folded"],
    )
    assert catalogue.lost(parts, "word2vec") == catalogue.lost(parts, "spacy") == [unseen, *rest]
    assert catalogue.lost(parts, "fasttext") == catalogue.lost(parts, "projector") == [unseen, *rest[1:]]
    assert catalogue.lost(parts, "parquet") == [unseen, "feature vectors"]
    assert catalogue.lost(parts, "model2vec") == [unseen, "counts", "feature vectors"]
    joint = composed(("eng:walk", "eng:walks", "spa:walk"), ("eng", "spa"))
    assert "how queries are folded" in catalogue.lost(joint, "model2vec")
    assert catalogue.lost(plain(), "fasttext") == []


def test_a_model2vec_folder(tmp_path):
    made = model((*WORDS, "[UNK]"), tokenizer=Tokenizer("unicode", "lower"))
    catalogue.write(made, tmp_path / "m", "model2vec")
    assert sorted(file.name for file in (tmp_path / "m").iterdir()) == ["config.json", "model.safetensors", "modules.json", "tokenizer.json"]  # fmt: skip
    (table,) = open_arrays(tmp_path / "m" / "model.safetensors").values()
    assert table.shape == (10, 5)
    assert table[:9].tobytes() == made.vectors.tobytes()
    assert not table[9].any()
    told = json.loads((tmp_path / "m" / "tokenizer.json").read_text(encoding="utf-8"))
    assert told["model"]["vocab"] == {**made.key_to_index, "[[UNK]]": 9}
    assert told["model"]["unk_token"] == "[[UNK]]"
    assert [step["type"] for step in told["normalizer"]["normalizers"]] == ["NFC", "Lowercase", "NFC"]
    assert json.loads((tmp_path / "m" / "config.json").read_text())["normalize"] is False
    for rule, kind in (
        (Tokenizer("whitespace", "keep"), "WhitespaceSplit"),
        (Tokenizer("regex:[a-z]+", "keep"), "Split"),
    ):
        catalogue.write(model(tokenizer=rule), tmp_path / kind, "model2vec")
        told = json.loads((tmp_path / kind / "tokenizer.json").read_text(encoding="utf-8"))
        assert told["normalizer"] is None
        assert told["pre_tokenizer"]["type"] == kind


def test_weights_and_mappings_of_model2vec_are_applied(tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    table = np.arange(6, dtype=np.float16).reshape(3, 2)
    save_arrays(folder / "model.safetensors", {"embeddings": table, "mapping": np.array([2, 0, 1, 2]), "weights": np.array([1, 2, 3, 0.5])})  # fmt: skip
    tokens = {"a": 0, "[UNK]": 1, "b": 2, "##c": 3}
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": tokens, "unk_token": "[UNK]"}}))
    found = catalogue.read(folder).model
    assert found.words == ("a", "b", "##c")
    assert found.vectors.tolist() == [[4, 5], [6, 9], [2, 2.5]]
    pieces = [["<unk>", 0.0], ["▁a", -1.5], ["b", -2.0], ["c", -2.5]]
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": pieces, "unk_id": 0}}))
    assert catalogue.read(folder).model.words == ("▁a", "b", "c")
    for bad in ({"model": {"vocab": {"a": 4}}}, {"model": {}}, [], {"model": {"vocab": {"a": -1}}}):
        (folder / "tokenizer.json").write_text(json.dumps(bad))
        with pytest.raises(InputError):
            catalogue.read(folder)


def test_a_spacy_folder(tmp_path):
    made = model(tokenizer=Tokenizer("unicode", "lower"))
    catalogue.write(made, tmp_path / "m", "spacy")
    vocab = tmp_path / "m" / "vocab"
    assert np.load(vocab / "vectors").tobytes() == made.vectors.tobytes()
    assert json.loads((vocab / "strings.json").read_text(encoding="utf-8")) == list(WORDS)
    assert json.loads((vocab / "vectors.cfg").read_text()) == {"mode": "default", "attr": 66}
    raw = (vocab / "key2row").read_bytes()
    assert raw[:5] == b"\xdf" + struct.pack(">I", len(WORDS))
    entries = list(struct.iter_unpack(">BQBI", raw[5:]))
    assert [(key, row) for _, key, _, row in entries] == [
        (spacy.key_of(word), row) for row, word in enumerate(WORDS)
    ]


def test_keys_of_spacy():
    """Keys that spaCy 3.8 gives, of words of 0, 3, 7, 8 and 9 bytes and more, and of its symbols."""
    known = {"walk": 1674876016505392235, "case": 8110129090154140942, "NOUN": 92, "mark": 423, "PERSON": 380, "acl": 451, "xcomp": 450, "IDX": 455}  # fmt: skip
    assert {word: spacy.key_of(word) for word in known} == known


def test_parquet_has_lists_of_one_size(tmp_path):
    made = model(tokenizer=Tokenizer("unicode", "lower"))
    catalogue.write(made, tmp_path / "m.parquet", "parquet")
    table = pq.read_table(tmp_path / "m.parquet")
    assert table.schema.names == ["word", "count", "vector"]
    assert table.schema.field("vector").type == pa.list_(pa.float32(), 5)
    assert catalogue.read(tmp_path / "m.parquet").model.tokenizer == made.tokenizer
    other = pa.table({"more": [1, 2], "vector": [[1.0, 2.0], [3.0, 4.0]], "word": ["a", "b"]})
    pq.write_table(other, tmp_path / "other")
    found = catalogue.read(tmp_path / "other").model
    assert (found.words, found.vectors.tolist(), found.counts) == (("a", "b"), [[1, 2], [3, 4]], None)


@pytest.mark.parametrize(
    "columns",
    [
        {"word": ["a", "b"]},
        {"word": ["a", "a"], "vector": [[1.0], [2.0]]},
        {"word": ["a", None], "vector": [[1.0], [2.0]]},
        {"word": ["a", "b"], "vector": [[1.0], [2.0, 3.0]]},
        {"word": ["a", "b"], "vector": [[1.0], None]},
        {"word": ["a", "b"], "vector": [[1.0], [None]]},
        {"word": ["a", "b"], "vector": [[1.0], [float("nan")]]},
        {"word": ["a", "b"], "vector": ["1", "2"]},
        {"word": ["a", "b"], "vector": [[1.0], [2.0]], "count": [1.5, 2.0]},
        {"word": pa.array([], pa.string()), "vector": pa.array([], pa.list_(pa.float32()))},
        {"word": ["a"], "vector": [[]]},
    ],
)
def test_other_tables_are_refused(tmp_path, columns):
    pq.write_table(pa.table(columns), tmp_path / "t")
    with pytest.raises(InputError):
        catalogue.read(tmp_path / "t")


def test_a_parquet_file_that_is_cut_off_is_refused(tmp_path):
    catalogue.write(model(), tmp_path / "m", "parquet")
    (tmp_path / "m").write_bytes((tmp_path / "m").read_bytes()[:-9])
    with pytest.raises(InputError, match="a Parquet file is whole"):
        catalogue.read(tmp_path / "m")


def test_the_files_of_the_projector(tmp_path):
    catalogue.write(
        Embeddings(["a", "New York"], [[1, 0.1], [-2, 3]], counts=np.array([7, 3])),
        tmp_path / "p",
        "projector",
    )
    assert (tmp_path / "p" / "vectors.tsv").read_bytes() == b"1\t0.100000001\n-2\t3\n"
    assert (tmp_path / "p" / "metadata.tsv").read_bytes() == b"word\tcount\na\t7\nNew York\t3\n"
    catalogue.write(Embeddings(["a", "b"], [[1, 2], [3, 4]]), tmp_path / "q", "projector")
    assert (tmp_path / "q" / "metadata.tsv").read_bytes() == b"a\nb\n"  # one column has no header
    for name, text in {"vectors.tsv": "1\t2\n3\n", "metadata.tsv": "a\nb\nc\n"}.items():
        before = (tmp_path / "q" / name).read_text()
        (tmp_path / "q" / name).write_text(text)
        with pytest.raises(InputError):
            catalogue.read(tmp_path / "q")
        (tmp_path / "q" / name).write_text(before)
    (tmp_path / "q" / "metadata.tsv").write_text("tag\tcount\na\t1\nb\tmany\n")
    with pytest.raises(InputError, match="counts that are not whole numbers"):
        catalogue.read(tmp_path / "q")


@pytest.mark.parametrize("format_", FOLDERS)
def test_a_folder_is_never_overwritten(tmp_path, format_):
    place = tmp_path / "m"
    place.mkdir()
    catalogue.write(model(), place, format_)  # an empty one is filled
    with pytest.raises(OutputError, match="nothing is overwritten"):
        catalogue.write(model(), place, format_)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="nothing is overwritten"):
        catalogue.write(model(), tmp_path / "file", format_)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("format_", "word"), [("projector", "a\tb"), ("projector", "a\nb"), ("fasttext", "a\0b"), ("model2vec", "\ud800"), ("spacy", "\ud800"), ("parquet", "\ud800")]
)  # fmt: skip
def test_words_that_a_format_cannot_carry_are_refused(tmp_path, format_, word):
    with pytest.raises(OutputError, match="cannot carry words"):
        catalogue.write(model(("a", word)), tmp_path / "m", format_)
    assert not list(tmp_path.iterdir())


def test_names_of_formats(tmp_path):
    with pytest.raises(OptionError, match="model2vec"):
        catalogue.read(tmp_path, "numpy")
    for name in ("model2vec", "projector", "parquet"):
        with pytest.raises(InputError, match=r"is no (folder|file)"):
            catalogue.read(tmp_path, name)
    with pytest.raises(InputError, match="is a folder"):
        catalogue.read(tmp_path)


def test_tables_of_arrow_and_pandas():
    made = model()
    table = made.to_arrow()
    assert table["word"].to_pylist() == list(made.words)
    assert table["count"].to_pylist() == made.counts.tolist()
    assert np.array(table["vector"].to_pylist(), np.float32).tobytes() == made.vectors.tobytes()
    frame = made.to_pandas()
    assert list(frame.index) == list(made.words)
    assert frame.index.name == "word"
    assert frame.to_numpy().tobytes() == made.vectors.tobytes()
    sparse, dense = sparse_and_dense()
    assert sparse.to_pandas().equals(dense.to_pandas())
    assert sparse.to_arrow().equals(dense.to_arrow())


def test_a_missing_package_is_named_with_its_extra(monkeypatch, tmp_path):
    def gone(name):
        raise ImportError(name)

    monkeypatch.setattr(tables.importlib, "import_module", gone)
    with pytest.raises(MissingExtraError, match=r"pandas is not installed.*pip install 'morphvec\[pandas\]'"):
        plain().to_pandas()
    for ask in (plain().to_arrow, lambda: catalogue.write(plain(), tmp_path / "p", "parquet")):
        with pytest.raises(
            MissingExtraError, match=r"pyarrow is not installed.*pip install 'morphvec\[arrow\]'"
        ):
            ask()
    assert not list(tmp_path.iterdir())
