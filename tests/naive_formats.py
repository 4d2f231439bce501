"""Files of other tools, written from the descriptions of their formats, byte by byte; and fastText's rule, slowly."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field, replace

import numpy as np

from morphvec.embeddings.formats import catalogue
from morphvec.errors import MorphvecError
from morphvec.rng import stream

MAGIC = 793712314


def word2vec_binary(words, vectors, between=b""):
    """Bytes of a word2vec binary file. words: bytes. between: LF, as the first program writes it, or nothing."""
    out = f"{len(words)} {len(vectors[0])}\n".encode()
    for word, row in zip(words, vectors, strict=True):
        out += word + b" " + struct.pack(f"<{len(row)}f", *row) + between
    return out


def fnv1a(data):
    """FNV-1a, 32 bits, over bytes that are taken as signed numbers."""
    value = 2166136261
    for byte in data:
        signed = byte - 256 if byte > 127 else byte
        value = ((value ^ (signed % 2**32)) * 16777619) % 2**32
    return value


def grams_of(word, shortest, longest):
    """n-grams of <word>, as bytes, in fastText's order; word: bytes. The line end has none."""
    if word == b"</s>":
        return []
    letters = re.findall(rb"(?s)[^\x80-\xbf][\x80-\xbf]*", b"<" + word + b">")
    found = []
    for i in range(len(letters)):
        for n in range(max(shortest, 1), longest + 1):
            at_edge = i == 0 or i + n == len(letters)
            if i + n <= len(letters) and not (n == 1 and at_edge):
                found.append(b"".join(letters[i : i + n]))
    return found


@dataclass
class FastText:
    """A fastText model: its words as bytes, and its input matrix, own rows first, then buckets."""

    words: list[bytes]
    counts: list[int]
    matrix: np.ndarray
    bucket: int
    minn: int = 3
    maxn: int = 6
    model: int = 2
    loss: int = 2
    version: int = 12
    quantized: bool = False
    labels: list[bytes] = field(default_factory=list)
    pruned: int = -1

    @property
    def dim(self):
        return self.matrix.shape[1]

    def to_bytes(self):
        """The file, version 12."""
        out = struct.pack("<ii", MAGIC, self.version)
        out += struct.pack(
            "<12id",
            *(self.dim, 5, 5, 1, 5, 1, self.loss, self.model, self.bucket, self.minn, self.maxn, 100),
            1e-4,
        )
        size = len(self.words) + len(self.labels)
        out += struct.pack("<iiiqq", size, len(self.words), len(self.labels), 1000, self.pruned)
        for word, count in zip(self.words, self.counts, strict=True):
            out += word + b"\0" + struct.pack("<qb", count, 0)
        for label in self.labels:
            out += label + b"\0" + struct.pack("<qb", 1, 1)
        out += struct.pack("<?", self.quantized)
        out += struct.pack("<qq", *self.matrix.shape) + self.matrix.astype("<f4").tobytes()
        output = np.zeros((len(self.words), self.dim), "<f4")
        return out + struct.pack("<?qq", False, *output.shape) + output.tobytes()

    def rows(self, word):
        """Rows of a word in the order in which they are added."""
        own = [self.words.index(word)] if word in self.words else []
        hashed = [fnv1a(gram) % self.bucket for gram in grams_of(word, self.minn, self.maxn)]
        return own + [len(self.words) + row for row in hashed]

    def vector(self, word):
        """The mean of a word's rows, in float32, one after another; zeros where it has none."""
        rows = self.rows(word)
        total = np.zeros(self.dim, np.float32)
        for row in rows:
            total = (total + self.matrix[row]).astype(np.float32)
        return total * np.float32(1.0 / len(rows)) if rows else total


WORDS = [b"</s>", *(word.encode() for word in ("the", "walk", "walked", "naïve", "हिन्दी", "a", "𐐀𐐁"))]


def fasttext(words=tuple(WORDS), *, bucket=97, dim=5, seed=0, **changes):
    """A little model with numbers of both signs."""
    matrix = stream(seed).standard_normal((len(words) + bucket, dim)).astype(np.float32)
    counts = list(range(2 * len(words), len(words), -1))
    return replace(FastText(list(words), counts, matrix, bucket), **changes)


def outcome(path, format_="auto"):
    """The model of a file, or the text of its refusal; any other error comes through."""
    try:
        return catalogue.read(path, format_, errors="replace").model
    except MorphvecError as error:
        return str(error)
