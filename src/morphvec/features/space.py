"""Which feature blocks a matrix has: their kinds, their weight β and their unobserved weight α."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from morphvec.errors import OptionError

KINDS = ("window", "ids", "ngrams", "morphemes", "affixes")
COUNTERPARTS = "counterparts"  # words as columns of their translations: made by training, not by counting
WINDOW_WEIGHTS = ("flat", "distance", "dynamic")
MAX_WINDOW = 256


@dataclass(frozen=True)
class BlockOptions:
    """One requested block: its kind, β (factor of its share of the loss) and α (None: the model's own)."""

    kind: str
    beta: float = 1.0
    unobserved: float | None = None


@dataclass(frozen=True)
class Block:
    """Columns [begin, end) of a matrix, all of one kind, with margins of their own."""

    kind: str
    begin: int
    end: int
    beta: float = 1.0
    unobserved: float | None = None


def parse_blocks(text: str) -> tuple[BlockOptions, ...]:
    """``window,ids:2:0.3`` → blocks with optional β and α.

    Raises OptionError for an unknown or repeated kind and for numbers out of range.
    """
    blocks: list[BlockOptions] = []
    for item in text.split(","):
        kind, *numbers = item.strip().split(":")
        if kind not in KINDS:
            raise OptionError(
                f"features={text!r}: {kind!r}",
                f"a block is one of {', '.join(KINDS)}",
                "write e.g. --features window,ids",
            )
        if any(block.kind == kind for block in blocks):
            raise OptionError(
                f"features={text!r}: {kind!r} twice", "a block occurs once", "leave one of them out"
            )
        try:
            values = [float(number) for number in numbers]
        except ValueError:
            values = [math.nan]
        if (
            len(values) > 2
            or not all(math.isfinite(value) and value >= 0 for value in values)
            or values[:1] == [0.0]
        ):
            raise OptionError(
                f"features={text!r}: {item!r}",
                "a block is KIND, KIND:β or KIND:β:α with β > 0 and α >= 0",
                "write e.g. --features window,ids:2:0.3",
            )
        blocks.append(
            BlockOptions(kind, values[0] if values else 1.0, values[1] if len(values) == 2 else None)
        )
    return tuple(blocks)


def parse_ngrams(text: str) -> tuple[int, int] | None:
    """``3-6`` → (3, 6); ``none`` → None. Raises OptionError for anything else."""
    if text == "none":
        return None
    low, dash, high = text.partition("-")
    if low.isdecimal() and (high.isdecimal() if dash else True):
        shortest, longest = int(low), int(high or low)
        if 1 <= shortest <= longest <= 20:
            return shortest, longest
    raise OptionError(
        f"ngrams={text!r}",
        "n-gram lengths are none or MIN-MAX with 1 <= MIN <= MAX <= 20",
        "write e.g. --ngrams 3-6",
    )


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise OptionError unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise OptionError(
            f"{name}={value!r}",
            f"it is one of {', '.join(choices)}",
            f"choose one of them for --{name.replace('_', '-')}",
        )


def check_number(
    name: str, value: float, low: float, high: float = math.inf, *, open_low: bool = False
) -> None:
    """Raise OptionError unless low <= value <= high (low < value with ``open_low``); NaN never passes."""
    if not (low < value if open_low else low <= value) or not value <= high or not math.isfinite(value):
        left = f"{'above' if open_low else 'at least'} {low:g}"
        rule = f"it must be {left}" + ("" if high == math.inf else f" and at most {high:g}")
        raise OptionError(f"{name}={value}", rule, f"give another --{name.replace('_', '-')}")
