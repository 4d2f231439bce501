"""Tables in back-off form: log10 p of every stored n-gram and the weight of every stored history. What ARPA holds.

p(w|h) is the stored one where hw is stored, else backoff(h) · p(w|h'), h' without its first word; a history that is
not stored has weight 1. Interpolated models are written so exactly: the stored p is the whole interpolated sum.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d
from morphvec.artifact import open_arrays, save_arrays
from morphvec.errors import ArtifactError
from morphvec.kernels.sequences import score_stream
from morphvec.lm.base import LmVocabulary, Stream

KIND = "ngram"
FILE = "ngrams.safetensors"
_LN10 = math.log(10.0)


@dataclass(frozen=True, eq=False)
class NgramTables:
    """A trie (see ``kernels.sequences``) with probabilities: the predictor of every single n-gram model.

    words: int32[M]. begin: int64[C + 1]. logprob: float64[M], log10 p, -inf for 0. backoff: float64[C], log10 of the
    weight of the n-gram as a history. levels: int64[N + 1]. chain: False for add-k, whose unseen words have the
    history's weight times ``uniform`` = 1 / V instead of a shorter history's probability.
    """

    words: NDArray[np.int32]
    begin: NDArray[np.int64]
    logprob: NDArray[np.float64]
    backoff: NDArray[np.float64]
    levels: NDArray[np.int64]
    chain: bool = True

    @property
    def kind(self) -> str:
        """The name of the kind."""
        return KIND

    @property
    def order(self) -> int:
        """N."""
        return len(self.levels) - 1

    @property
    def _predicted(self) -> int:
        return int(self.levels[1]) - 1

    def token_logprobs(self, stream: Stream) -> Floats1d:
        """See Predictor.token_logprobs; nats."""
        out = np.empty(stream.tokens)
        score_stream(
            stream.ids,
            stream.vocabulary.start,
            self.words,
            self.begin,
            self.logprob,
            self.backoff,
            self.order,
            self.chain,
            -math.log10(self._predicted),
            out,
        )
        return out * _LN10

    def distribution(self, history: NDArray[np.int32]) -> Floats1d:
        """See Predictor.distribution."""
        size = self._predicted
        p = np.power(10.0, self.logprob[:size])
        known = min(self.order - 1, len(history))
        if not self.chain and known:
            p = np.full(size, 1.0 / size)
        for length in range(1 if self.chain else max(known, 1), known + 1):
            node = self._find(history[len(history) - length :])
            if node is None:
                continue
            p *= 10.0 ** self.backoff[node]
            low, high = self.begin[node : node + 2]
            p[self.words[low:high]] = np.power(10.0, self.logprob[low:high])
        return p

    def _find(self, gram: NDArray[np.int32]) -> int | None:
        node = int(gram[0])
        for word in gram[1:]:
            low, high = (int(edge) for edge in self.begin[node : node + 2])
            node = low + int(np.searchsorted(self.words[low:high], word))
            if node == high or self.words[node] != word:
                return None
        return node

    def save(self, folder: Path, name: str = FILE) -> dict[str, Any]:
        """See Predictor.save."""
        save_arrays(
            folder / name,
            {
                "words": self.words,
                "begin": self.begin,
                "logprob": self.logprob,
                "backoff": self.backoff,
                "levels": self.levels,
            },
        )
        return {"ngrams": np.diff(self.levels).tolist(), "chain": self.chain}


def load_tables(
    folder: Path, fields: Mapping[str, Any], vocabulary: LmVocabulary, name: str = FILE
) -> NgramTables:
    """The tables of an artifact folder as memory maps.

    fields: what ``NgramTables.save`` returned. Raises ArtifactError where they are damaged.
    """
    file = folder / name
    arrays = open_arrays(file, private=True)
    kinds = {"words": "<i4", "begin": "<i8", "logprob": "<f8", "backoff": "<f8", "levels": "<i8"}
    if any(
        key not in arrays or (arrays[key].ndim, arrays[key].dtype.str) != (1, kinds[key]) for key in kinds
    ):
        raise _damaged(f"{file} lacks one of {', '.join(kinds)}")
    words, begin, logprob, backoff, levels = (np.asarray(arrays[key]) for key in kinds)
    first = vocabulary.predicted + 1
    sound = (
        isinstance(fields.get("chain"), bool)
        and len(levels) >= 2
        and (levels[0], levels[1], levels[-1]) == (0, first, len(words))
        and not np.any(np.diff(levels) <= 0)
        and np.diff(levels).tolist() == fields.get("ngrams")
        and len(logprob) == len(words)
        and len(backoff) == len(begin) - 1 == levels[-2]
        and begin[-1] == len(words)
        and begin[0] == first
        and not np.any(np.diff(begin) < 0)
    )
    if not sound or int(words.min()) < 0 or int(words.max()) >= first or _strange(logprob, backoff):
        raise _damaged(f"{file} is not the trie that its manifest states")
    return NgramTables(words, begin, logprob, backoff, levels, bool(fields["chain"]))


def _strange(logprob: Floats1d, backoff: Floats1d) -> bool:
    """Whether a number is NaN, +inf or a probability clearly above 1."""
    return not (float(logprob.max()) < 1e-6 and (not len(backoff) or float(backoff.max()) < math.inf))


def _damaged(value: str) -> ArtifactError:
    return ArtifactError(
        value, "the parts of a folder agree with its manifest", "restore the folder, or train it anew"
    )
