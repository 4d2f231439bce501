"""The bytes of a foreign file, unpacked, in blocks: nothing is allocated because a header says so."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from morphvec.arrays import Floats2d
from morphvec.errors import InputError, OutputError
from morphvec.text.streams import Raw, unpacked

BLOCK = 1 << 20  # bytes read at once
LONGEST_LINE = 1 << 26  # bytes
_PACKED = (
    (re.compile(rb"\x1f\x8b"), ".gz"),
    (re.compile(rb"BZh[1-9]1AY&SY"), ".bz2"),
    (re.compile(rb"\xfd7zXZ\0"), ".xz"),
    (re.compile(rb"\x28\xb5\x2f\xfd"), ".zst"),
)
_WHOLE = "check that the file is whole, and fetch it anew"


class Source:
    """One file of vectors, read once from front to back; compression is told by content (gzip, bzip2, xz, zstd).

    A context manager. advance: is told how many bytes of the file were read. Raises InputError where the path is no ordinary file, cannot be read, or its compressed data are
    damaged.
    """

    def __init__(self, path: Path, advance: Callable[[float], None] | None = None) -> None:
        self.name = path.name
        self._advance, self._told = advance or (lambda _: None), 0
        if path.is_dir():
            ours = (path / "manifest.json").is_file()
            raise InputError(
                f"{path} is a folder",
                "vectors are read from one file",
                "it is a model already" if ours else "name the file in it",
            )
        if path.exists() and not path.is_file():
            raise InputError(
                f"{path} is no ordinary file", "vectors are read from a file", "save it as a file first"
            )
        try:
            self._handle: BinaryIO = path.open("rb", buffering=0)
            start = self._handle.read(16)
            self._handle.seek(0)
        except OSError as error:
            raise self._unreadable(str(path), error) from error
        self._size = path.stat().st_size
        self.suffix = next((suffix for magic, suffix in _PACKED if magic.match(start)), "")
        self._blocks = self._unpacked() if self.suffix else self._plain()
        self._buffer, self._at = b"", 0
        self.position = 0  # of the next byte, unpacked

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.close()

    @staticmethod
    def _unreadable(name: str, error: OSError) -> InputError:
        return InputError(
            f"{name}: {error.strerror or error}",
            "vectors are read from a file",
            "check the path and its permissions",
        )

    def _plain(self) -> Iterator[bytes]:
        try:
            while block := self._handle.read(BLOCK):
                self._reached(self._handle.tell())
                yield block
        except OSError as error:
            raise self._unreadable(self.name, error) from error

    def _unpacked(self) -> Iterator[bytes]:
        try:
            raw = Raw(self.name, self._handle, owned=False)
            for block in unpacked(raw, self.suffix):
                self._reached(raw.count)
                yield block
        except InputError as error:
            raise InputError(error.value, "a compressed file is whole", error.mend) from error

    def _reached(self, place: int) -> None:
        """Tell of bytes of the file that were not told of yet."""
        if place > self._told:
            self._advance(place - self._told)
            self._told = place

    def _more(self) -> bool:
        """Take one block more; False at the end of the file."""
        block = next(self._blocks, b"")
        if block:
            self._buffer = self._buffer[self._at :] + block
            self._at = 0
        return bool(block)

    @property
    def left(self) -> int | None:
        """How many bytes are still to come; None under compression, where nobody knows."""
        return None if self.suffix else self._size - self.position

    def head(self, most: int = 1 << 16) -> bytes:
        """The next bytes, which stay to be read."""
        while len(self._buffer) - self._at < most and self._more():
            pass
        return self._buffer[self._at : self._at + most]

    def read(self, most: int) -> bytes:
        """The next bytes, ``most`` of them but at the end of the file."""
        pieces, missing = [], most
        while missing:
            if self._at == len(self._buffer) and not self._more():
                break
            piece = self._buffer[self._at : self._at + missing]
            self._at += len(piece)
            missing -= len(piece)
            pieces.append(piece)
        self.position += most - missing
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def exactly(self, size: int, what: str) -> bytes:
        """So many bytes. Raises InputError where the file ends before."""
        found = self.read(size)
        if len(found) < size:
            raise self.cut_off(what)
        return found

    def until(self, mark: bytes, limit: int) -> bytes:
        """The bytes up to a mark of one byte and with it; without it where the file ends or ``limit`` bytes have none."""
        seen = 0
        while True:
            place = self._buffer.find(mark, self._at + seen, self._at + limit)
            if place >= 0:
                return self.read(place + 1 - self._at)
            seen = min(len(self._buffer) - self._at, limit)
            if seen == limit or not self._more():
                return self.read(seen)

    def line(self) -> bytes:
        """The next line with its LF; empty at the end of the file. Raises InputError for one of 64 MiB."""
        found = self.until(b"\n", LONGEST_LINE)
        if len(found) == LONGEST_LINE and not found.endswith(b"\n"):
            raise InputError(
                f"{self.name}: a line of {LONGEST_LINE:,} bytes or more",
                "a line is one word and its numbers",
                "check the format, or name it with --from",
            )
        return found

    def skip(self, size: int, what: str) -> None:
        """Pass over so many bytes. Raises InputError where the file ends before."""
        while size:
            step = len(self.read(min(size, BLOCK)))
            if not step:
                raise self.cut_off(what)
            size -= step

    def need(self, size: int, what: str) -> None:
        """Raise InputError where a plain file has fewer bytes left than ``what`` takes."""
        if self.left is not None and size > self.left:
            raise InputError(
                f"{self.name} states {what}, {size:,} bytes, and has {self.left:,} left",
                "a file holds all that its header states",
                _WHOLE,
            )

    def ended(self, what: str) -> None:
        """Raise InputError where bytes other than line ends follow."""
        if self.read(2).strip(b"\r\n") or self.read(1):
            raise InputError(
                f"{self.name} goes on after {what}",
                "a file ends with what its header states",
                "check that the file is of one piece, or name its format with --from",
            )

    def matrix(self, rows: int, dim: int, what: str) -> Floats2d:
        """float32 [rows, dim] as a memory map: of the file itself, or of an unnamed copy where it is compressed."""
        size = 4 * rows * dim
        self.need(size, what)
        if not self.suffix:
            start = self.position
            found = np.memmap(self._handle, "<f4", "r", offset=start, shape=(rows, dim))
            self._handle.seek(start + size)
            self._reached(start + size)
            self._blocks = self._plain()  # the old one may have met the end
            self._buffer, self._at, self.position = b"", 0, start + size
            return found
        try:
            if size > shutil.disk_usage(tempfile.gettempdir()).free:
                raise OSError(28, "No space left on device")
            with tempfile.TemporaryFile() as copy:
                missing = size
                while missing:
                    block = self.exactly(min(missing, BLOCK), what)
                    copy.write(block)
                    missing -= len(block)
                copy.flush()
                return np.memmap(copy, "<f4", "r", shape=(rows, dim))
        except OSError as error:
            raise OutputError(
                f"{self.name} unpacked ({size:,} bytes): {error.strerror or error}",
                f"{what} are unpacked into {tempfile.gettempdir()} first",
                "free some space, point TMPDIR elsewhere, or unpack the file yourself",
            ) from error

    def cut_off(self, what: str) -> InputError:
        """The refusal of a file that ends inside ``what``."""
        return InputError(
            f"{self.name} ends at byte {self.position:,}, inside {what}",
            "a file holds all that its header states",
            _WHOLE,
        )
