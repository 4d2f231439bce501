"""A corpus and the one pass over it: text in, a stream of type ids on disk out."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from morphvec.engine.base import Engine
from morphvec.engine.local import local_engine
from morphvec.errors import InputError, OptionError, OutputError
from morphvec.report import Reporter
from morphvec.text.ahead import groups
from morphvec.text.encoded import IDS, RAW, UNITS, Encoded, Scan, open_stream
from morphvec.text.readers import Source, format_of, read_blocks
from morphvec.text.streams import InputFile, open_raw
from morphvec.text.tokenize import Tokenizer, token_too_long
from morphvec.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from morphvec.text.lexicon import Lexicon

CHUNK_CHARS = 1 << 20
_STEP = 1 << 20  # ids renumbered at once
_SENTENCES = "(sentences)"
_UNFIT = re.compile("[\t\n\r\0\ud800-\udfff]")


@dataclass(frozen=True)
class Corpus:
    """Text and how to read it: files with their languages, or sentences that are words already.

    format: auto, text, tsv, conllu or jsonl. errors: strict or replace. sentences: a sequence of sequences of
    words, taken as they are, each a line; then there are no sources. Raises OptionError, or InputError where
    there is nothing to read.
    """

    sources: tuple[Source, ...]
    tokenizer: Tokenizer = field(default_factory=Tokenizer)
    format: str = "auto"
    errors: str = "strict"
    sentences: Sequence[Sequence[str]] | None = None

    def __post_init__(self) -> None:
        format_of("", self.format)
        if self.errors not in ("strict", "replace"):
            raise OptionError(
                f"errors {self.errors!r}", "errors is strict or replace", "choose one of the two"
            )
        if (self.sentences is None) == (not self.sources):
            raise InputError(
                "no corpus" if self.sentences is None else "files and sentences at once",
                "a corpus is files, or sentences",
                "give one of the two",
            )

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the sources, sorted; empty where they have none."""
        return tuple(sorted({source.language for source in self.sources if source.language}))


def scan(
    corpus: Corpus,
    *,
    folder: Path,
    units: bool,
    reporter: Reporter,
    known: Vocabulary | None = None,
    engine: Engine | None = None,
    chunk_chars: int = CHUNK_CHARS,
) -> Scan:
    """Read the corpus once; write the id of every token, in order, to files in the scratch ``folder``.

    units: lines carry their alignment ids; equal ids are one unit in all files and languages.
    known: tokens that are not in this vocabulary are left out at once, and type i is its row i.
    engine: threads that read blocks side by side (None: one a core). chunk_chars: about how much text is a block. The
    result depends on neither.
    Raises InputError for text that cannot be used, OutputError where the folder cannot be written.
    """
    from morphvec.text.lexicon import Lexicon

    lexicon = Lexicon()
    languages = corpus.languages
    if known is not None:
        _same_languages(languages, known)
        languages = known.languages
        _enter(lexicon, known, languages)
        lexicon.frozen = True
    with _writing(folder), (folder / RAW).open("wb") as ids, (folder / UNITS).open("wb") as unit_file:
        sink = _Sink(ids, unit_file)
        inputs: tuple[InputFile, ...]
        if corpus.sentences is not None:
            if units:
                raise InputError(
                    "alignment ids with sentences from Python", "sentences carry no ids", "leave out ids"
                )
            inputs = (_scan_sentences(corpus.sentences, lexicon, sink, reporter),)
        else:
            inputs = _scan_files(
                corpus, languages, lexicon, sink, units, reporter, chunk_chars, engine or local_engine()
            )
    if not lexicon.tokens:
        raise InputError(
            f"{', '.join(item.name for item in inputs[:3])}{', ...' if len(inputs) > 3 else ''}: 0 tokens",
            "a corpus holds words",
            "give text, or choose another --tokenizer",
        )
    return Scan(
        folder=folder,
        tokenizer=corpus.tokenizer,
        lexicon=lexicon,
        languages=languages,
        tokens=lexicon.tokens,
        lines=sink.lines,
        inputs=inputs,
        unit_names=tuple(sink.unit_index),
    )


def encode(scan: Scan, vocabulary: Vocabulary, folder: Path) -> Encoded:
    """The scanned stream by the rows of a vocabulary; what it does not hold is left out.

    Writes one file to ``folder``, but where the stream is one of these rows already. Raises OptionError where one has
    languages and the other has none, OutputError where the folder cannot be written.
    """
    from morphvec.kernels.tokens import renumber

    _same_languages(scan.languages, vocabulary)
    lexicon = scan.lexicon
    rows = np.full(len(lexicon), -1, np.int32)
    was_frozen, lexicon.frozen = lexicon.frozen, True
    found = _enter(lexicon, vocabulary, scan.languages)
    lexicon.frozen = was_frozen
    inside = np.flatnonzero(found >= 0)
    rows[found[inside]] = inside
    raw = open_stream(scan.folder / RAW)
    if np.array_equal(rows, np.arange(len(vocabulary))):  # the text was scanned by this vocabulary
        return _encoded(scan, raw)
    out = np.empty(min(_STEP, raw.size), np.int32)
    with _writing(folder), (folder / IDS).open("wb") as file:
        for begin in range(0, raw.size, _STEP):
            written = renumber(np.ascontiguousarray(raw[begin : begin + _STEP]), rows, out)
            file.write(out[:written].data)
    return _encoded(scan, open_stream(folder / IDS))


def _encoded(scan: Scan, ids: NDArray[np.int32]) -> Encoded:
    units = open_stream(scan.folder / UNITS)
    return Encoded(ids, units, scan.unit_names, tokens=ids.size - scan.lines, lines=scan.lines)


def _same_languages(languages: Sequence[str], vocabulary: Vocabulary) -> None:
    if bool(languages) != bool(vocabulary.languages):
        raise OptionError(
            f"a corpus {'with' if languages else 'without'} languages and a vocabulary "
            f"{'with' if vocabulary.languages else 'without'}",
            "the words of both have a language, or none has",
            "give the corpus as " + ("LANG=PATH" if vocabulary.languages else "PATH without a language"),
        )


def _enter(lexicon: Lexicon, vocabulary: Vocabulary, languages: Sequence[str]) -> NDArray[np.int32]:
    """int32[T]: the lexicon's id of each word of the vocabulary; added where it is not frozen, else -2."""
    words: Sequence[str] = vocabulary.words
    owners = np.zeros(len(words), np.int32)
    if vocabulary.languages:
        numbers = {language: number for number, language in enumerate(languages)}
        split = [word.partition(":") for word in words]
        owners[:] = [numbers.get(language, -1) for language, _, _ in split]
        words = [word for _, _, word in split]
    return lexicon.add(words, owners)


# -------------------------------------------------------------------------------------------------- the pass


class _Sink:
    """Where ids and units go, and what is counted on the way."""

    def __init__(self, ids: BinaryIO, units: BinaryIO) -> None:
        self._ids, self._units = ids, units
        self.lines = 0
        self.unit_index: dict[str, int] = {}

    def write(self, ids: NDArray[np.int32], names: Sequence[str] = ()) -> None:
        self._ids.write(ids.astype("<i4", copy=False).data)
        self.lines += int(np.count_nonzero(ids == -1))
        if names:
            index = self.unit_index
            self._units.write(np.array([index.setdefault(name, len(index)) for name in names], "<i4").data)


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{folder} could not be written: {error.strerror or error}",
            "the scratch folder holds 4 bytes a token",
            "free some space, or choose another scratch folder",
        ) from error


def _scan_files(
    corpus: Corpus,
    languages: Sequence[str],
    lexicon: Lexicon,
    sink: _Sink,
    units: bool,
    reporter: Reporter,
    chunk_chars: int,
    engine: Engine,
) -> tuple[InputFile, ...]:
    from morphvec.text.spotting import spotters

    if chunk_chars < 1:
        raise OptionError(f"chunk_chars={chunk_chars}", "a chunk has at least 1 character", "raise it")
    inputs: list[InputFile] = []
    wordless: list[str] = []
    make = spotters(corpus.tokenizer, lexicon, engine)
    with reporter.stage("read", total=_total_bytes(corpus.sources), unit="B") as progress:
        for source in corpus.sources:
            if source.language and source.language not in languages:
                raise OptionError(
                    f"language {source.language!r}",
                    f"the vocabulary has the languages {', '.join(languages)}",
                    "give one of them",
                )
            before = lexicon.tokens
            with open_raw(source.path) as raw:
                owner = languages.index(source.language) if source.language else 0
                spotter = make(raw.name, source.language, owner)
                seen = 0
                blocks = read_blocks(
                    raw, source, chosen=corpus.format, errors=corpus.errors, size=chunk_chars, ids=units
                )
                ahead = source.path != "-" and Path(source.path).is_file()  # others may keep us waiting
                for group in groups(blocks, 2 * engine.threads, ahead=ahead):
                    for block, ids in zip(group, spotter.read(group), strict=True):
                        sink.write(ids, block.ids)
                    progress.advance(raw.count - seen)
                    seen = raw.count
                inputs.append(raw.summary())
            if lexicon.tokens == before:
                wordless.append(inputs[-1].name)
    if lexicon.tokens:  # a corpus without any word is refused in one line
        for name in wordless:
            reporter.warn(f"{name} holds no words")
    return tuple(inputs)


def _total_bytes(sources: Iterable[Source]) -> int | None:
    total = 0
    for source in sources:
        path = Path(source.path)
        if source.path == "-" or not path.is_file():
            return None
        total += path.stat().st_size
    return total


def _scan_sentences(
    sentences: Sequence[Sequence[str]], lexicon: Lexicon, sink: _Sink, reporter: Reporter
) -> InputFile:
    digest, size = hashlib.sha256(), 0
    with reporter.stage("read", total=len(sentences), unit="sentences") as progress:
        for batch in _batches(sentences):
            ids, raw = _read_words(batch, lexicon)
            sink.write(ids)
            digest.update(raw)
            size += len(raw)
            progress.advance(batch.count(None))
    return InputFile(_SENTENCES, size, digest.hexdigest())


def _batches(sentences: Sequence[Sequence[str]]) -> Iterator[list[str | None]]:
    """The words in order, None after each sentence, some thousands at once."""
    batch: list[str | None] = []
    for number, sentence in enumerate(sentences):
        if isinstance(sentence, str):
            raise _bad_word(f"sentence {number} is the string {sentence[:40]!r}")
        for word in sentence:
            if not isinstance(word, str):
                raise _bad_word(f"sentence {number} holds {word!r:.40}")
            batch.append(word)
            if len(batch) >= CHUNK_CHARS:
                yield batch
                batch = []
        batch.append(None)
    if batch:
        yield batch


def _read_words(batch: list[str | None], lexicon: Lexicon) -> tuple[NDArray[np.int32], bytes]:
    """The ids of a batch, and its bytes for the hash: words ended by tab, sentences by LF."""
    from morphvec.text.lexicon import TokenTooLong

    words = [word for word in batch if word is not None]
    joined = "".join(words)
    try:
        if not all(words) or any(mark in joined for mark in "\t\n\r\0"):
            raise ValueError
        ids = lexicon.read_words(batch, np.zeros(1, np.int32))
    except ValueError as error:
        bad = next(word for word in words if not word or _UNFIT.search(word))
        raise _bad_word(f"the word {bad[:40]!r}") from error
    except TokenTooLong as error:
        raise token_too_long(f"the word {str(batch[error.position])[:40]!r}...") from error
    raw = "".join("\n" if word is None else word + "\t" for word in batch).encode()
    return ids[ids != -2], raw


def _bad_word(value: str) -> InputError:
    return InputError(
        value,
        "a sentence is a sequence of words, a word a non-empty string without tab, LF, CR, NUL or half surrogate",
        "tokenise the text first, or write it to a file and give its path",
    )
