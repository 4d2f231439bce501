"""Bytes of a file or of stdin: hashed, decompressed, decoded, and cut where folding does not mind.

Everything streams: what is held at once is a few blocks, whatever the length of a line or of the file.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from morphvec.errors import InputError, MissingExtraError
from morphvec.text.folding import last_boundary

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
_RAW = 1 << 20  # bytes read from the file at once
_ZSTD_RAW = 1 << 10  # its decoder has no output limit: 1 KiB holds at most 2^8 blocks of 128 KiB
_XZ_MEMORY = 1 << 29  # bytes; `xz -9` needs 65 MiB
_ZSTD_WINDOW = 1 << 27  # bytes; the limit of `zstd -d` without --long
_UNBROKEN = 1 << 20  # characters without a place to cut, before the cut is forced


@dataclass(frozen=True)
class InputFile:
    """One input as it was read: base name ("-" for stdin), size in bytes and SHA-256 of its raw bytes."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Piece:
    """Decoded text, and where in the (decompressed) file it begins: line from 1, byte from 0."""

    text: str
    line: int
    byte: int


class Raw(io.RawIOBase):
    """A binary file that counts and hashes what is read from it; ``owned``: closed with it."""

    def __init__(self, name: str, file: Any, *, owned: bool = True) -> None:
        super().__init__()
        self.name = name
        self.count = 0  # bytes read
        self._hash = hashlib.sha256()
        self._file, self._owned = file, owned

    def readable(self) -> bool:
        """Always: it is a source."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read up to len(buffer) bytes.

        Raises InputError where the system cannot read the file.
        """
        try:
            length = self._file.readinto(buffer) or 0
        except OSError as error:
            raise _unreadable(self.name, error) from error
        self._hash.update(memoryview(buffer)[:length])
        self.count += length
        return length

    def close(self) -> None:
        """Close the file where it is owned."""
        if self._owned and not self.closed:
            self._file.close()
        super().close()

    def summary(self) -> InputFile:
        """Name, size and hash of everything read so far."""
        return InputFile(self.name, self.count, self._hash.hexdigest())


def open_raw(path: str) -> Raw:
    """The file at a path, or stdin for "-" (never closed).

    Raises InputError where it cannot be opened.
    """
    if path == "-":
        return Raw(path, sys.stdin.buffer, owned=False)
    try:
        return Raw(Path(path).name.encode("utf-8", "replace").decode("utf-8"), io.FileIO(path))
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError) -> InputError:
    return InputError(
        f"{path}: {error.strerror or error}",
        "a corpus must be readable",
        "check the path and its permissions",
    )


# -------------------------------------------------------------------------------------------- decompressing


def unpacked(raw: Raw, suffix: str) -> Iterator[bytes]:
    """The bytes of the file without the compression that its suffix names, in bounded blocks.

    Raises InputError where the compressed data are damaged or cut off, MissingExtraError for .zst without zstandard.
    """
    if suffix == ".gz":
        blocks = _gzip(raw)
    elif suffix == ".bz2":
        blocks = _bz2(raw)
    elif suffix == ".xz":
        blocks = _xz(raw)
    elif suffix == ".zst":
        blocks = _zstd(raw)
    else:
        blocks = _raw_blocks(raw, _RAW)
    damage: tuple[type[Exception], ...] = (
        EOFError,
        OSError,
        ValueError,
        zlib.error,
        *_foreign_errors(suffix),
    )
    try:
        yield from blocks
    except damage as error:
        detail = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{raw.name}: damaged or cut off {suffix} data ({detail})",
            "a compressed corpus must be whole",
            "check it with its own tool, and fetch or compress it anew",
        ) from error


def _raw_blocks(raw: Raw, size: int) -> Iterator[bytes]:
    while block := raw.read(size):
        yield block


def _foreign_errors(suffix: str) -> tuple[type[Exception], ...]:
    if suffix == ".xz":
        import lzma

        return (lzma.LZMAError,)
    if suffix == ".zst":
        return (_zstandard().ZstdError,)
    return ()


def _gzip_module() -> Any:
    try:
        from isal import igzip
    except ImportError:
        import gzip

        return gzip
    return igzip  # about three times as fast


def _gzip(raw: Raw) -> Iterator[bytes]:
    with _gzip_module().GzipFile(fileobj=raw, mode="rb") as file:
        while block := file.read(_RAW):
            yield block


def _bz2(raw: Raw) -> Iterator[bytes]:
    import bz2

    return _streams(raw, bz2.BZ2Decompressor, padding=b"")


def _xz(raw: Raw) -> Iterator[bytes]:
    import lzma

    return _streams(raw, lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY), padding=b"\0")


def _streams(raw: Raw, start: Callable[[], Any], padding: bytes) -> Iterator[bytes]:
    """One compressed stream after another; anything after them but ``padding`` is damage."""
    decoder, fed = start(), False
    for block in _raw_blocks(raw, _RAW):
        rest = block
        while rest or (fed and not decoder.eof and not decoder.needs_input):
            if decoder.eof:
                rest = rest.lstrip(padding) if padding else rest
                if not rest:
                    break
                decoder, fed = start(), False
            data = decoder.decompress(rest, _RAW)
            fed, rest = True, decoder.unused_data if decoder.eof else b""
            if data:
                yield data
    if not decoder.eof:
        raise EOFError("the data end inside a stream")


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise MissingExtraError(
            "the package zstandard is not installed",
            "it reads .zst files",
            "run: pip install 'morphvec[fast-io]'",
        ) from error
    return zstandard


def _zstd(raw: Raw) -> Iterator[bytes]:
    context = _zstandard().ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    decoder = None
    for block in _raw_blocks(raw, _RAW):
        for begin in range(0, len(block), _ZSTD_RAW):
            rest = block[begin : begin + _ZSTD_RAW]
            while rest:
                decoder = context.decompressobj() if decoder is None else decoder
                data = decoder.decompress(rest)
                rest = b""
                if decoder.eof:
                    rest, decoder = decoder.unused_data, None
                if data:
                    yield data
    if decoder is not None or not raw.count:
        raise EOFError("the data end inside a frame")


# ------------------------------------------------------------------------------------------------- decoding


class _Decoder:
    """UTF-8 bytes to text, block by block, with the place of whatever is not text."""

    def __init__(self, name: str, errors: str) -> None:
        self._name, self._errors = name, errors
        self._kept = b""  # the beginning of a character that the block's end cut
        self._at_start = True
        self.end, self.line = 0, 1  # bytes decoded so far, and the line that they reach

    def decode(self, block: bytes, *, final: bool) -> str:
        data = self._kept + block
        try:
            text, used = codecs.utf_8_decode(data, self._errors, final)
        except UnicodeDecodeError as error:
            nul = data.find(0, 0, error.start)
            raise self._refusal(data, error.start if nul < 0 else nul) from error
        nul = data.find(0, 0, used)
        if nul >= 0:
            if self._errors == "strict":
                raise self._refusal(data, nul)
            text = text.replace("\0", "\ufffd")
        self._kept = data[used:]
        self.line += text.count("\n")
        self.end += used
        if text and self._at_start:
            self._at_start = False
            text = text.removeprefix("\ufeff")
        return text

    def _refusal(self, data: bytes, position: int) -> InputError:
        line = self.line + data.count(b"\n", 0, position)
        value = f"{self._name}, line {line}, byte {self.end + position}: 0x{data[position]:02X}"
        if data[position] == 0:
            mend = "check that the file is text, or pass --errors replace"
            return InputError(value, "text holds no NUL", mend)
        return InputError(value, "text is UTF-8", "convert the file to UTF-8, or pass --errors replace")


def pieces(raw: Raw, suffix: str, *, errors: str, size: int) -> Iterator[Piece]:
    """The text in pieces of about ``size`` bytes that fold apart as they fold together; the last ends with LF.

    Cut after LF or a space where there is one, else at ``folding.is_boundary``; forced after about a million
    characters without such a place. A byte order mark at the start is dropped.
    errors: ``strict`` refuses invalid UTF-8 and NUL, naming line and byte (InputError); ``replace`` puts U+FFFD.
    """
    decoder = _Decoder(raw.name, errors)
    held, line, byte = "", 1, 0  # text not yet given out, and where it begins
    ended = True
    for block in unpacked(raw, suffix):
        for begin in range(0, len(block), size):
            held += decoder.decode(block[begin : begin + size], final=False)
            cut = len(held) if len(held) > _UNBROKEN + size else last_boundary(held)
            if cut:
                piece, held = held[:cut], held[cut:]
                ended = piece.endswith("\n")
                yield Piece(piece, line, byte)
                line = decoder.line - held.count("\n")
                byte = decoder.end - len(held.encode())
    held += decoder.decode(b"", final=True)
    if held or not ended:
        yield Piece(held if held.endswith("\n") else held + "\n", line, byte)
