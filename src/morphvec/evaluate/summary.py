"""Scores of one recipe trained with several seeds: their mean and their spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from morphvec.errors import OptionError
from morphvec.evaluate.report import Result


@dataclass(frozen=True)
class Summary:
    """One score over ``models`` models. sd: the standard deviation over the models (divisor models − 1).

    low, high: the 95% interval of the mean by Student's t, mean ± t·sd/√models: where the mean of many more seeds
    may lie, on these very items. (The intervals of single results say how a score moves with other items.) With two
    or three models it is wide, and may reach beyond the range of the score. n: items that each model answered at least.
    """

    task: str
    dataset: str
    metric: str
    unknown: str
    mean: float
    sd: float
    low: float
    high: float
    models: int
    n: int

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


Key = tuple[str, str, str, str]


def key_of_result(result: Result) -> Key:
    """What a score is: task, dataset, metric, rule for unknown words."""
    return result.task, result.dataset, result.metric, result.unknown


def summarise(scored: Sequence[tuple[str, Sequence[Result]]]) -> tuple[list[Summary], list[Key]]:
    """The scores that every (model name, its results) has, and the keys of those that some lack.

    Raises OptionError below two models.
    """
    if len(scored) < 2:
        raise OptionError(
            f"{len(scored)} model to summarise",
            "a spread needs at least two",
            "name the models of several seeds",
        )
    columns = [{key_of_result(result): result for result in results} for _, results in scored]
    summaries, left_out = [], []
    for key in dict.fromkeys(key for column in columns for key in column):
        found = [column[key] for column in columns if key in column]
        scores = [result.score for result in found if result.score is not None]
        if len(scores) < len(columns):
            left_out.append(key)
            continue
        mean, sd = float(np.mean(scores)), float(np.std(scores, ddof=1))
        reach = student(len(scores) - 1) * sd / math.sqrt(len(scores))
        least = min(result.n for result in found)
        summaries.append(Summary(*key, mean, sd, mean - reach, mean + reach, len(scores), least))
    return summaries, left_out


def check_several(models: int) -> None:
    """Raise OptionError below two models."""
    if models < 2:
        raise OptionError(
            f"--summarise with {models} model",
            "a spread needs at least two",
            "name the models of several seeds",
        )


def student(freedom: int) -> float:
    """The 97.5% point of Student's t with so many degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))
