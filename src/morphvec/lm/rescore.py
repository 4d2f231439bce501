"""n-best lists: candidates with an observation score, ranked by ln p(observation|sentence) + weight · ln p(sentence)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from morphvec.errors import InputError, OptionError
from morphvec.lm.base import LanguageModel
from morphvec.text.readers import Source, read_blocks
from morphvec.text.streams import open_raw


@dataclass(frozen=True)
class Candidate:
    """A sentence of a list. observation: ln p(observation|sentence), nats, up to a constant of its list."""

    text: str
    observation: float


@dataclass(frozen=True)
class Ranked:
    """A candidate with its prior ln p(sentence) in nats (-inf: impossible) and score = observation + weight · prior."""

    text: str
    observation: float
    prior: float
    score: float


def read_lists(path: str) -> dict[str, list[Candidate]]:
    """Lists of candidates by name, in the file's order, from lines list⇥score⇥sentence (PATH, or - for stdin).

    Raises InputError, with file and line, for a line that is none of that, and for a file without any.
    """
    lists: dict[str, list[Candidate]] = {}
    with open_raw(path) as raw:
        blocks = read_blocks(raw, Source(path, ""), chosen="text", errors="strict", size=1 << 18, ids=False)
        lines = "".join(block.text for block in blocks).split("\n")
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            name, score, text = (*line.removesuffix("\r").split("\t", 2), "", "")[:3]
            try:
                observation = float(score)
            except ValueError:
                observation = math.nan
            if line.count("\t") < 2 or not name or not math.isfinite(observation):
                raise InputError(
                    f"{raw.name}, line {number}: {line[:80]!r}",
                    "a line is list⇥score⇥sentence, the score a finite number",
                    "mend the line",
                )
            lists.setdefault(name, []).append(Candidate(text, observation))
    if not lists:
        raise InputError(f"{path}: 0 candidates", "a file of lists holds candidates", "give some")
    return lists


def rescore(
    model: LanguageModel, lists: Mapping[str, Sequence[Candidate]], weight: float = 1.0
) -> dict[str, list[Ranked]]:
    """Every list by falling score, ties in the order given. Raises OptionError for a weight that is not a number ≥ 0.

    A weight of 0 leaves the prior out, even where it is -inf.
    """
    if not 0 <= weight < math.inf:
        raise OptionError(f"weight={weight}", "a weight is a number from 0", "choose another")
    vocabulary = model.vocabulary
    flat = [one for candidates in lists.values() for one in candidates]
    scores = model.score([vocabulary.split(one.text) for one in flat])
    priors = iter(one.logprob for one in scores)
    ranked: dict[str, list[Ranked]] = {}
    for name, candidates in lists.items():
        made = []
        for one in candidates:
            prior = next(priors)
            total = one.observation + (weight * prior if weight else 0.0)
            made.append(Ranked(one.text, one.observation, prior, total))
        ranked[name] = sorted(made, key=lambda item: -item.score)
    return ranked
