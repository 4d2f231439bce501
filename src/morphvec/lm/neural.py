"""The neural language model of Bengio et al. (2003): its training, saved form, and its table as Embeddings.

The previous K = order − 1 words are looked up in a shared table, a tanh layer reads them side by side, and a softmax over
the vocabulary predicts the next word. Source: Bengio, Ducharme, Vincent & Jauvin (2003), §2; CSC421 lecture 3 ("Bengio's
Neural Language Model", and its use of vectors from elsewhere).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Bools1d, Floats1d, Floats2d
from morphvec.artifact import open_arrays, save_arrays, sha256_array
from morphvec.embeddings import Embeddings
from morphvec.engine.base import Engine
from morphvec.engine.local import local_engine
from morphvec.errors import ArtifactError, BudgetError, InputError, OptionError
from morphvec.lm.base import Kind, LanguageModel, LmVocabulary, Stream, Training
from morphvec.lm.feedforward import (
    NetworkTrainer,
    Parameters,
    Windows,
    log_probabilities,
    losses,
    start,
)
from morphvec.lm.neural_options import MAX_ORDER, MAX_WIDTH, NeuralOptions, options_of
from morphvec.report import SILENT, Reporter
from morphvec.rng import stream as random_stream
from morphvec.training import Keeper, LoopOptions, run

KIND = "neural"
DIM = 100  # where neither --dim nor --init says otherwise
_FILE = "network.safetensors"


@dataclass(frozen=True, eq=False)
class NeuralPredictor:
    """A trained network.

    parameters: float32, see ``feedforward``; V = the T words, <unk> and the boundary. counts: int64 [V], of the
    predictions in the training text. order: see NeuralOptions. record: for the manifest.
    """

    parameters: Parameters
    counts: NDArray[np.int64]
    order: int
    record: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """``neural``."""
        return KIND

    @cached_property
    def _engine(self) -> Engine:
        return local_engine()  # the bits do not depend on its threads

    def token_logprobs(self, stream: Stream) -> Floats1d:
        """float64[stream.tokens]: ln p of every predicted token, in order."""
        return -losses(self.parameters, windows(stream, self.order), self._engine)

    def distribution(self, history: NDArray[np.int32]) -> Floats1d:
        """float64 [V]: p of every predicted id. Where ``history`` is shorter than the context it is filled up with <s>."""
        boundary = len(self.counts) - 1
        context = np.full((1, self.order - 1), boundary, np.int32)
        latest = np.minimum(history[1 - self.order :], boundary)
        if len(latest):
            context[0, -len(latest) :] = latest
        return np.asarray(np.exp(log_probabilities(self.parameters, context)[0]))

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the network into an open artifact folder; its fields for the manifest."""
        save_arrays(folder / _FILE, {**self.parameters, "counts": self.counts})
        return {"order": self.order, **self.record}


def windows(stream: Stream, order: int) -> Windows:
    """A stream as the network reads it."""
    return Windows(stream.ids, stream.begins, stream.vocabulary.end, order)


def train(options: NeuralOptions, training: Training) -> NeuralPredictor:
    """Train on ``training``: see ``fit``. Raises BudgetError where the network does not fit into its memory."""
    init = _open(options)
    _check_memory(options, training, init)
    return fit(
        options,
        training.stream,
        training.held_out,
        init=init,
        seed=training.seed,
        engine=training.engine,
        checkpoint_every=training.loop.checkpoint_every,
        keeper=training.loop.keeper,
        reporter=training.reporter,
    )


def fit(
    options: NeuralOptions,
    text: Stream,
    held_out: Stream | None = None,
    *,
    init: Embeddings | None = None,
    seed: int = 0,
    engine: Engine | None = None,
    checkpoint_every: int = 0,
    keeper: Keeper | None = None,
    reporter: Reporter = SILENT,
) -> NeuralPredictor:
    """Minimise the mean −ln p of the tokens of ``text``, stopping by ``held_out``.

    init: the vectors that ``options.init`` names, where they are open already. The same seed gives the
    same bits for any number of threads. Raises OptionError for patience without held-out text, or vectors of another
    dimension; InputError for vectors of other words, or text without tokens; DivergenceError.
    """
    if options.patience and (held_out is None or not held_out.tokens):
        raise OptionError(
            f"patience={options.patience}",
            "it waits for a lower loss on held-out text",
            "give --held-out, or --patience 0",
        )
    if not text.tokens:
        raise InputError("a text without tokens", "a model learns from text", "give some text")
    init = _open(options) if init is None else init
    words = text.vocabulary.predicted
    counts = np.bincount(np.delete(text.ids, text.begins), minlength=words).astype(np.int64)
    table, frozen, known = _table(options, text.vocabulary, init, seed)
    bias = np.log((counts + 1) / (counts.sum() + words))  # where a network that ignores the context would end
    parameters = start(table, options.hidden, options.order, bias, direct=options.direct, seed=seed)
    seen = None if held_out is None or not held_out.tokens else windows(held_out, options.order)
    trainer = NetworkTrainer(
        parameters,
        windows(text, options.order),
        steps=options.steps,
        epochs=options.epochs,
        batch=options.batch,
        dropout=options.dropout,
        seed=seed,
        frozen=frozen,
        validation=seen,
        engine=local_engine() if engine is None else engine,
        sampled=options.sampled if options.sampled < words else 0,
        counts=counts,
    )
    history = run(
        trainer,
        LoopOptions(options.epochs, patience=options.patience, checkpoint_every=checkpoint_every),
        reporter=reporter,
        name="lm",
        knob="--learning-rate",
        keeper=keeper,
    )
    record: dict[str, Any] = {
        "dim": table.shape[1],
        "curve": [{name: value for name, value in item.items() if name != "seconds"} for item in history],
    }
    if init is not None:
        record |= {"init_sha256": sha256_array(np.asarray(init.vectors)), "init_words": known}
    return NeuralPredictor(parameters, counts, options.order, record)


def _open(options: NeuralOptions) -> Embeddings | None:
    """The vectors that the words start with."""
    if options.init is None:
        return None
    found = Embeddings.load(options.init)
    if found.sparse:
        raise OptionError(
            f"init={options.init}, a model of sparse vectors",
            "words start with dense vectors",
            "train them with --method svd",
        )
    return found


def _check_memory(options: NeuralOptions, training: Training, init: Embeddings | None) -> None:
    """Raise BudgetError where parameters, their moments, the copies that early stopping keeps, the logits of a batch and
    the order of an epoch are more than the memory given."""
    words, dim = training.stream.vocabulary.predicted, _dim(options, init)
    inputs = (options.order - 1) * dim
    width = options.hidden + 1 + (inputs if options.direct else 0)
    numbers = words * (dim + width) + options.hidden * (inputs + 1)
    copies = (3 if options.optimiser == "adam" else 2) * (3 if options.patience else 1)
    batch = options.batch * (words + 4 * (inputs + options.hidden))
    needed = 4 * (copies * numbers + words * dim + 2 * batch) + 12 * training.stream.tokens
    if needed > training.memory:
        raise BudgetError(
            f"a network of {numbers:,} parameters, which needs {needed / 2**20:,.0f} MiB to train",
            f"--memory gives {training.memory / 2**20:,.0f} MiB",
            f"lower --vocab-size (now {words - 2:,} words), --hidden or --dim, or raise --memory",
        )


def _dim(options: NeuralOptions, init: Embeddings | None) -> int:
    """The dimension of the table."""
    return options.dim or (DIM if init is None else init.vector_size)


def _table(
    options: NeuralOptions, vocabulary: LmVocabulary, init: Embeddings | None, seed: int
) -> tuple[Floats2d, Bools1d, int]:
    """The first table float32 [V, d], which of its rows are frozen, and how many were copied.

    Drawn rows are uniform with the mean square 1/d, copied ones scaled to it by one factor: steps are of one size for
    every number of the network, and vectors of a hundredth of it would be lost in the first of them.
    """
    words = vocabulary.predicted
    rows = [] if init is None else _rows_of(vocabulary, init)
    here = np.array([place for place, _ in rows], np.int64)
    there = np.array([row for _, row in rows], np.int64)
    dim = _dim(options, init)
    copied = None
    if init is not None:
        if dim != init.vector_size:
            raise OptionError(
                f"dim={dim}", f"the vectors of --init have {init.vector_size}", "leave --dim out"
            )
        if not rows:
            raise InputError(
                f"vectors of {len(init)} words, none of which is in the vocabulary of {len(vocabulary.words)}",
                "the words of the text start with their vectors",
                "check language, case and tokenizer of the two, or leave --init out",
            )
        copied = np.array(init.vectors[there], np.float32)
        square = float(np.mean(np.square(copied, dtype=np.float64)))
        copied *= np.float32(np.sqrt(1 / (dim * square)) if square else 1)
    reach = np.sqrt(3 / dim)
    table = (reach * random_stream(seed, 0, 0).uniform(-1, 1, (words, dim))).astype(np.float32)
    if copied is not None:
        table[here] = copied
    frozen = np.zeros(words, np.bool_)
    frozen[here] = options.freeze
    return table, frozen, len(rows)


def _rows_of(vocabulary: LmVocabulary, init: Embeddings) -> list[tuple[int, int]]:
    """(id, row of ``init``) of the words that both have."""
    if init.languages and vocabulary.language not in init.languages:
        raise OptionError(
            f"vectors of the languages {', '.join(init.languages)} and text of {vocabulary.language or 'none'}",
            "words are looked up in the language of the text",
            "give the text as LANG=PATH",
        )
    language = vocabulary.language if init.languages else ""
    found = ((place, init.row(word, language)) for place, word in enumerate(vocabulary.words))
    return [(place, row) for place, row in found if row is not None]


def embeddings(model: LanguageModel) -> Embeddings:
    """The table of a neural model as Embeddings, one row for each word of its vocabulary with its count.

    Rows are by falling count in the training text, ties by code point: held-out lines may have ordered the vocabulary
    a little differently. Raises OptionError for a model of another kind.
    """
    predictor, vocabulary = model.predictor, model.vocabulary
    if not isinstance(predictor, NeuralPredictor):
        raise OptionError(
            f"a model of kind {predictor.kind}",
            "only a neural model has vectors",
            "train one with --kind neural",
        )
    words, language, counts = vocabulary.words, vocabulary.language, predictor.counts
    rows = sorted(range(len(words)), key=lambda row: (-int(counts[row]), words[row]))
    record: dict[str, Any] = {
        name: model.manifest[name] for name in ("config", "versions", "inputs") if name in model.manifest
    }
    return Embeddings(
        [f"{language}:{words[row]}" if language else words[row] for row in rows],
        predictor.parameters["table"][rows],
        counts=counts[rows],
        tokenizer=vocabulary.tokenizer,
        languages=(language,) if language else (),
        manifest={"method": "neural-lm", **record},
    )


def load(folder: Path, manifest: Mapping[str, Any], vocabulary: LmVocabulary) -> NeuralPredictor:
    """Read what ``save`` wrote. Raises ArtifactError where it is damaged, or at odds with the manifest or vocabulary."""
    arrays = dict(open_arrays(folder / _FILE))
    try:
        order, dim, words = int(manifest["order"]), int(manifest["dim"]), vocabulary.predicted
        counts = np.array(arrays.pop("counts"))
        if not (2 <= order <= MAX_ORDER and 1 <= dim <= MAX_WIDTH):
            raise ValueError(f"order {order}, dim {dim}")
        hidden = len(arrays["hidden"])
        inputs = (order - 1) * dim
        fits = (
            arrays["table"].shape == (words, dim)
            and arrays["hidden"].shape == (hidden, inputs + 1)
            and arrays["output"].shape in ((words, hidden + 1), (words, hidden + 1 + inputs))
            and counts.shape == (words,)
            and counts.dtype == np.int64
            and set(arrays) == {"table", "hidden", "output"}
            and all(array.dtype == np.float32 and np.isfinite(array).all() for array in arrays.values())
        )
        if not fits:
            raise ValueError("its arrays do not fit the vocabulary, or are not finite")
        record = {
            name: manifest[name] for name in ("dim", "curve", "init_sha256", "init_words") if name in manifest
        }
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ArtifactError(
            f"{folder / _FILE}: {error}", "network and manifest agree", "restore the folder, or train it anew"
        ) from error
    return NeuralPredictor(arrays, counts, order, record)


NEURAL = Kind(options_of, train, load, epochs=True)
