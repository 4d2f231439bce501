"""Mixtures of models: p(w|h) = Σ_i μ_i p_i(w|h), the weights by EM on held-out text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d
from morphvec.errors import OptionError
from morphvec.lm.backoff import KIND, NgramTables
from morphvec.lm.base import Predictor, Stream

_ROUNDS, _SETTLED = 500, 1e-9  # of EM; nats a token


@dataclass(frozen=True, eq=False)
class Mixture:
    """Several predictors over one vocabulary with weights (float64, ≥ 0, sum 1); itself a predictor.

    Raises OptionError where members and weights do not fit together.
    """

    members: tuple[Predictor, ...]
    weights: Floats1d

    def __post_init__(self) -> None:
        weights = self.weights
        sound = len(weights) == len(self.members) > 0 and bool(np.all(weights >= 0))
        if not sound or abs(float(weights.sum()) - 1.0) > 1e-9:
            raise OptionError(
                f"{len(self.members)} models with the weights {', '.join(f'{w:g}' for w in weights)}",
                "each model of a mixture has a weight from 0, and they sum to 1",
                "give other weights, or let them be found on held-out text",
            )

    @property
    def kind(self) -> str:
        """The name of the kind."""
        return KIND

    @property
    def order(self) -> int:
        """The largest order of its members."""
        return max(member.order for member in self.members)

    def token_logprobs(self, stream: Stream) -> Floats1d:
        """See Predictor.token_logprobs."""
        p = np.zeros(stream.tokens)
        for weight, member in zip(self.weights.tolist(), self.members, strict=True):
            p += weight * np.exp(member.token_logprobs(stream))
        with np.errstate(divide="ignore"):  # an impossible word has log 0 = -inf
            return np.log(p, out=p)

    def distribution(self, history: NDArray[np.int32]) -> Floats1d:
        """See Predictor.distribution."""
        parts = [
            weight * member.distribution(history)
            for weight, member in zip(self.weights.tolist(), self.members, strict=True)
        ]
        return np.asarray(np.sum(parts, axis=0))

    def save(self, folder: Path) -> dict[str, Any]:
        """See Predictor.save: a file for each member. Raises OptionError for members that are no n-gram tables."""
        fields = []
        for number, member in enumerate(self.members, 1):
            if not isinstance(member, NgramTables):
                raise OptionError(
                    f"a mixture with a model of the kind {member.kind}",
                    "a saved mixture is one of n-gram models",
                    "save its members one by one",
                )
            fields.append(member.save(folder, f"ngrams-{number}.safetensors"))
        return {"weights": self.weights.tolist(), "members": fields}


def fit_weights(members: Sequence[Predictor], held_out: Stream) -> Floats1d:
    """float64[members]: the weights with the highest likelihood of a held-out text, by EM from equal ones.

    Raises OptionError where the text is empty, or holds a word that every member holds impossible.
    """
    if not held_out.tokens:
        raise OptionError(
            "an ensemble without held-out text",
            "its weights are found on text that was not counted",
            "pass --held-out, or give more lines of text",
        )
    shares = np.stack([np.exp(member.token_logprobs(held_out)) for member in members])
    if not np.all(shares.any(axis=0)):
        raise OptionError(
            f"{int(np.count_nonzero(~shares.any(axis=0)))} held-out tokens are impossible in every model",
            "weights need a likelihood above 0",
            "choose a smoothing that leaves no word without probability",
        )
    weights, before = np.full(len(members), 1.0 / len(members)), -np.inf
    for _ in range(_ROUNDS):
        weights, nats = mixture_round(weights, shares)
        if nats - before < _SETTLED:
            break
        before = nats
    return weights


def mixture_round(weights: Floats1d, shares: Floats2d) -> tuple[Floats1d, float]:
    """One round of EM. shares: float64[members, tokens], p_i of every token. Returns new weights and the mean
    log-likelihood (nats a token) of the old ones."""
    parts = weights[:, None] * shares
    p = parts.sum(axis=0)
    new = (parts / p).mean(axis=1)
    return np.asarray(new / new.sum()), float(np.log(p).mean())
