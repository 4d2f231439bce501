"""Every noun's folder: a manifest, arrays as safetensors, lists as plain text. Never pickle.

A folder is written beside its place under a temporary name, every file is flushed to the disk, the manifest
comes last, and one rename (an exchange where an older folder stands) puts it there: a reader meets the old state
or the new one, never a mixture. Arrays are opened as memory maps; sizes stated in a header are checked against
the file before anything is allocated.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import mapped
from morphvec.errors import ArtifactError, OutputError

FORMAT = "morphvec"
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
LOG = "log.jsonl"  # times: the one file that may differ between equal runs
_DTYPES = {
    "F32": "<f4",
    "F64": "<f8",
    "I32": "<i4",
    "I64": "<i8",
    "U8": "|u1",
    "U32": "<u4",
    "U64": "<u8",
    "I8": "|i1",
    "I16": "<i2",
    "U16": "<u2",
    "F16": "<f2",
    "BOOL": "|b1",
}
_MAX_HEADER = 100_000_000  # bytes; the limit of the safetensors format itself
_MAX_MANIFEST = 64_000_000


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_array(array: NDArray[Any]) -> str:
    """The SHA-256 of an array's little-endian, row-major bytes, in hexadecimal."""
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return hashlib.sha256(little.reshape(-1).view(np.uint8).data).hexdigest()


# ---------------------------------------------------------------------------------------------- writing


def check_output(path: Path, *, overwrite: bool) -> None:
    """Refuse, before any work, a place that could not be written at the end.

    Raises OutputError: a file stands there, a non-empty folder without ``overwrite``, a folder that is no artifact
    (it is never replaced), or a parent that is missing or read-only.
    """
    if path.absolute() == Path.cwd():
        raise OutputError(
            f"{path} is the current folder", "the output is a folder of its own", "name one with -o"
        )
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise OutputError(f"{path} is not a folder", "the output is a folder", "choose another name with -o")
    if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
        raise OutputError(
            f"{path} cannot be read", "an output folder is looked into first", "choose another place with -o"
        )
    if path.is_dir() and any(path.iterdir()):
        if not overwrite:
            raise OutputError(
                f"{path} exists and is not empty",
                "an output folder is never overwritten unasked",
                "choose another name, or pass --overwrite",
            )
        if not _is_ours(path):
            raise OutputError(
                f"{path} holds files that are not morphvec's",
                "--overwrite replaces only folders with a manifest.json of morphvec",
                "choose another name",
            )
    parent = path.absolute().parent
    if not parent.is_dir():
        raise OutputError(
            f"{parent} does not exist", "the output's parent folder must exist", f"run: mkdir -p {parent}"
        )
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(
            f"{parent} cannot be written",
            "the output's parent folder must be writable",
            "choose another place with -o",
        )


def _is_ours(path: Path) -> bool:
    try:
        document = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("format") == FORMAT


@contextlib.contextmanager
def writing(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a temporary folder; when the block ends well, it takes the place of ``path`` in one step.

    The block writes its files and ends with ``write_manifest``. On any error the temporary folder is removed and
    whatever stood at ``path`` is untouched.
    """
    check_output(path, overwrite=overwrite)
    path = path.absolute()
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    except OSError as error:
        raise _write_error(path, error) from error
    try:
        temporary.chmod(0o755)
        yield temporary
        for file in temporary.iterdir():
            _fsync(file)
        _fsync(temporary)
        _put_in_place(temporary, path, overwrite=overwrite)
        _fsync(path.parent)
    except OSError as error:
        raise _write_error(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_error(path: Path, error: OSError) -> OutputError:
    mend = (
        "free some space, or choose another disk"
        if error.errno == errno.ENOSPC
        else "choose another place with -o"
    )
    return OutputError(
        f"{path} could not be written: {error.strerror or error}",
        "what stood there before is unchanged",
        mend,
    )


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _put_in_place(temporary: Path, path: Path, *, overwrite: bool) -> None:
    try:
        temporary.rename(path)  # a missing or an empty folder gives way
        return
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    check_output(path, overwrite=overwrite)  # it may have appeared while we worked
    if not _exchange(temporary, path):
        aside = temporary.with_suffix(".old")
        path.rename(aside)
        try:
            temporary.rename(path)
        except OSError:
            aside.rename(path)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step of the file system, where it has such a step (Linux renameat2)."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    at_cwd, exchange = -100, 2
    return bool(call(at_cwd, os.fsencode(one), at_cwd, os.fsencode(other), exchange) == 0)


def discard(path: Path) -> None:
    """Remove a folder of ours that has done its service, with what a killed writer of it left beside it.

    It is moved aside first, so that it is never seen half removed. A folder that is not ours stays.
    """
    if path.is_dir() and not path.is_symlink() and _is_ours(path):
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.absolute().parent))
        path.rename(aside)
    left = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}\.tmp")
    for entry in path.absolute().parent.iterdir():
        if left.fullmatch(entry.name):
            shutil.rmtree(entry, ignore_errors=True)


def save_arrays(file: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays (any numeric dtype, any rank) as one safetensors file. Raises OSError."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    file.touch()
    mode = file.stat().st_mode  # as the process's mask has it; safetensors makes files for their owner alone
    file.unlink()  # some file systems flush a file at once that was there before and is written anew
    try:
        save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, str(file))
    except SafetensorError as error:  # a full disk reaches us in its text only
        stated = re.search(r"os error (\d+)", str(error))
        if stated is None:
            raise
        raise OSError(int(stated[1]), os.strerror(int(stated[1]))) from error
    file.chmod(mode)


def save_lines(file: Path, lines: Iterable[str]) -> None:
    """Write text lines, each ended by LF, as UTF-8."""
    with file.open("w", encoding="utf-8", newline="\n") as handle:
        handle.writelines(line + "\n" for line in lines)


def write_manifest(folder: Path, noun: str, fields: Mapping[str, Any]) -> None:
    """Write ``manifest.json`` last: the noun, its fields, and size and SHA-256 of every other file but the log.

    Keys keep the order of ``fields``; numbers must be finite.
    """
    files = sorted(file for file in folder.iterdir() if file.name not in (MANIFEST, LOG))
    with ThreadPoolExecutor(1) as disk:  # the disk takes the files in while they are read again
        flushed = [disk.submit(_fsync, file) for file in files]
        parts = {file.name: {"bytes": file.stat().st_size, "sha256": sha256_file(file)} for file in files}
        for one in flushed:
            one.result()
    document = {"format": FORMAT, "format_version": FORMAT_VERSION, "noun": noun, **fields, "parts": parts}
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


# ---------------------------------------------------------------------------------------------- reading


def load_manifest(path: Path, noun: str) -> dict[str, Any]:
    """The manifest of the folder ``path``, checked to be a ``noun`` of a format version that we read.

    Raises ArtifactError where the folder, the manifest or one of its parts is missing, torn or of another kind.
    Part sizes are checked here; hashes are checked by ``verify``.
    """
    mend = "give a folder written by morphvec, or make it anew"
    file = path / MANIFEST
    if not path.is_dir() or not file.is_file():
        raise ArtifactError(f"{path} has no {MANIFEST}", f"a {noun} is a folder with a {MANIFEST}", mend)
    if file.stat().st_size > _MAX_MANIFEST:
        raise ArtifactError(
            f"{file} is {file.stat().st_size} bytes", f"a manifest has at most {_MAX_MANIFEST} bytes", mend
        )
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{file} is not JSON ({error})", "a manifest is one JSON object", mend) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ArtifactError(f"{file} is not a morphvec manifest", f'its "format" must be "{FORMAT}"', mend)
    if document.get("format_version") != FORMAT_VERSION:
        raise ArtifactError(
            f"{file} has format version {document.get('format_version')!r}",
            f"this release reads version {FORMAT_VERSION}",
            "use the release that wrote it, or make it anew",
        )
    if document.get("noun") != noun:
        raise ArtifactError(f"{path} holds a {document.get('noun')!r}", f"a {noun} is needed here", mend)
    parts = document.get("parts")
    if not isinstance(parts, dict) or not all(isinstance(part, dict) for part in parts.values()):
        raise ArtifactError(f"{file} lists no parts", "a manifest lists every part with its size", mend)
    for name, part in parts.items():
        if Path(name).name != name or name in (".", ".."):
            raise ArtifactError(f"{file} names the part {name!r}", "parts lie in the folder itself", mend)
        target = path / name
        if not target.is_file() or target.stat().st_size != part.get("bytes"):
            raise ArtifactError(
                f"{target} is missing or has another size than its manifest says",
                "a folder is read whole or not at all",
                mend,
            )
    return document


def verify(path: Path, noun: str) -> list[str]:
    """Every problem of a folder, one line each; an empty list means that all hashes agree."""
    try:
        manifest = load_manifest(path, noun)
    except ArtifactError as error:
        return [str(error)]
    return [
        f"{path / name} does not have the SHA-256 that the manifest states"
        for name, part in manifest["parts"].items()
        if sha256_file(path / name) != part.get("sha256")
    ]


def open_arrays(file: Path, *, private: bool = False) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file as read-only memory maps, or as private ones for kernels (``arrays.mapped``).

    Raises ArtifactError where the header is damaged or states sizes that the file does not have.
    """
    mend = "restore the file, or make it anew"
    size = file.stat().st_size if file.is_file() else -1
    if size < 8:
        raise ArtifactError(f"{file} is missing or too short", "arrays are stored as safetensors", mend)
    with file.open("rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        if length > min(size - 8, _MAX_HEADER):
            raise ArtifactError(
                f"{file} states a header of {length} bytes", "the header must fit into the file", mend
            )
        raw = handle.read(length)
    try:
        header = json.loads(raw)
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        arrays = {}
        for name, entry in entries.items():
            dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), tuple(int(n) for n in entry["shape"])
            begin, end = (int(n) for n in entry["data_offsets"])
            count = 1
            for extent in shape:
                count *= extent
            if (
                min(shape, default=0) < 0
                or begin < 0
                or end - begin != count * dtype.itemsize
                or 8 + length + end > size
            ):
                raise ValueError(f"array {name!r} does not fit")
            if count == 0:
                arrays[name] = np.zeros(shape, dtype)
            elif private:
                arrays[name] = mapped(file, dtype, shape, 8 + length + begin)
            else:
                arrays[name] = np.memmap(file, dtype, "r", offset=8 + length + begin, shape=shape)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ArtifactError(
            f"{file} has a damaged header ({error})", "arrays are stored as safetensors", mend
        ) from error
    return arrays


def load_text(file: Path) -> str:
    """A text part.

    Raises ArtifactError where it is not UTF-8.
    """
    try:
        return file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(
            f"{file} cannot be read ({error})", "text parts are UTF-8", "restore the file, or make it anew"
        ) from error


def load_lines(file: Path) -> list[str]:
    """The lines of a text part, without their LF.

    Raises ArtifactError where it is not UTF-8.
    """
    lines = load_text(file).split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return lines
