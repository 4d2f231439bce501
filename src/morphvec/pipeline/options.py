"""The options of every stage, by the names that the command line, the Python calls and the manifest share.

Each stage is frozen and checked when it is made: making it builds the options of the rooms below, which hold the
rules. What changes a result is in a stage and so in the manifest; what does not (threads, memory) is in RunOptions.
"""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from morphvec.association import AssociationOptions
from morphvec.counts.count import CountOptions
from morphvec.engine.local import LocalEngine, local_engine
from morphvec.errors import OptionError
from morphvec.features.space import BlockOptions, check_choice, check_number, parse_blocks, parse_ngrams
from morphvec.morphology.constraints import ConstraintOptions, parse_constraint
from morphvec.pipeline.methods import METHODS
from morphvec.text.tokenize import Tokenizer

Stage = TypeVar("Stage")
PIECES = ("morphemes", "affixes")  # columns that are made of what is known of the morphology
KNOWLEDGE = (  # the options that name files of it, in the order in which they are read
    *("unimorph", "derivations", "conllu", "segments", "morfessor", "affixes"),
    *("classes", "edges", "class_weights", "hold_out"),
)
OF_FITTING = ("checkpoint_every", "resume")  # of the run options those that concern a trainer alone
_TYPES: dict[str, tuple[type[Any], type[Any]]] = {  # what an option of each type may be, and what it becomes
    "int": (numbers.Integral, int),
    "float": (numbers.Real, float),
    "str": (str, str),
    "bool": (bool, bool),
}


@dataclass(frozen=True)
class TextStage:
    """Text → vocabulary."""

    tokenizer: str = "unicode"
    case: str = "lower"
    join_hyphen: bool = False
    format: str = "auto"
    errors: str = "strict"
    min_count: int = 5
    max_vocab: int | None = None

    def __post_init__(self) -> None:
        check_number("min_count", self.min_count, 1)
        if self.max_vocab is not None:
            check_number("max_vocab", self.max_vocab, 2)
        _ = self.rule

    @cached_property
    def rule(self) -> Tokenizer:
        """The tokenizer."""
        return Tokenizer(self.tokenizer, self.case, self.join_hyphen)


@dataclass(frozen=True)
class CountStage:
    """Vocabulary and text → counts."""

    features: str = "window"
    window: int = 5
    window_weight: str = "distance"
    ngrams: str = "3-6"
    ngram_min_types: int = 5
    unimorph: tuple[str, ...] = ()
    derivations: tuple[str, ...] = ()
    conllu: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    morfessor: tuple[str, ...] = ()
    affixes: tuple[str, ...] = ()
    hold_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _ = self.rule

    @cached_property
    def rule(self) -> CountOptions:
        """The options of counting; ``ngrams=none`` removes the n-gram block."""
        lengths = parse_ngrams(self.ngrams)
        blocks: tuple[BlockOptions, ...] = parse_blocks(self.features)
        if lengths is None:
            blocks = tuple(block for block in blocks if block.kind != "ngrams")
        if not blocks:
            raise OptionError(
                f"features={self.features}, ngrams=none",
                "no feature block is left",
                "add window or ids to --features",
            )
        return CountOptions(blocks, self.window, self.window_weight, lengths, self.ngram_min_types)

    @property
    def units(self) -> bool:
        """Whether lines need their alignment ids."""
        return any(block.kind == "ids" for block in self.rule.blocks)

    @property
    def pieces(self) -> tuple[str, ...]:
        """The kinds of columns that come from what is known of the morphology."""
        return tuple(block.kind for block in self.rule.blocks if block.kind in PIECES)

    def config(self) -> dict[str, Any]:
        """For the manifest: names of files without their folders."""
        return _recorded(self)


@dataclass(frozen=True)
class WeighStage:
    """Counts → association."""

    association: str = "ppmi"
    smoothing: float = 0.75
    shift: float = 1.0
    add_lambda: float = 0.0
    unobserved: float | None = None
    weight: str = "alpha+sqrt"
    weight_max: float | None = None

    def __post_init__(self) -> None:
        _ = self.rule

    @cached_property
    def rule(self) -> AssociationOptions:
        """The options of the association."""
        return AssociationOptions(**asdict(self))


@dataclass(frozen=True)
class FitStage:
    """Association and morphology → model. ngrams and ngram_min_types: those of the counts where None. Of the solver's
    settings each solver reads its own."""

    method: str = "token-feature"
    parts: str | None = None
    rules: str | None = None
    ngrams: str | None = None
    ngram_min_types: int | None = None
    dim: int = 100
    solver: str = "als"
    epochs: int | None = None
    cg_steps: int = 4
    cg_tol: float = 0.0
    batch: int | None = None
    learning_rate: float | None = None
    schedule: str = "cosine"
    momentum: float = 0.9
    clip: float | None = None
    updates: str = "dense"
    edge_samples: int = 0
    unobserved_samples: int = 0
    oversample_language: float = 0.0
    oversample_class: float = 0.0
    oversample_rare: float = 0.0
    importance: bool = True
    validation: float = 0.0
    patience: int = 0
    ridge: float | None = None
    ridge_own: float | None = None
    ridge_parts: float | None = None
    ridge_features: float | None = None
    unaligned: float | None = None
    power: float | None = 0.0
    output: str = "w"
    own_weight: float | None = None
    own_weight_split: float | None = None
    target: str = "ppmi"
    loss: str = "squared"
    centre: bool = False
    negatives: int = 5
    sample: float = 1e-4
    noise_power: float = 0.75
    racing: bool = False
    constraint: tuple[str, ...] = ()
    graph: str = "complete"
    normalise: str = "scatter"
    unimorph: tuple[str, ...] = ()
    derivations: tuple[str, ...] = ()
    conllu: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    morfessor: tuple[str, ...] = ()
    affixes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    edges: tuple[str, ...] = ()
    class_weights: tuple[str, ...] = ()
    hold_out: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("method", self.method, tuple(METHODS))
        check_number("seed", self.seed, 0)
        METHODS[self.method].options(self, asdict(CountStage()))
        _ = self.constraints

    def model(self, counted: Mapping[str, Any]) -> Any:
        """The options of the method. counted: options of the counts by name, for what the stage leaves to them."""
        return METHODS[self.method].options(self, counted)

    @cached_property
    def constraints(self) -> ConstraintOptions:
        """The options of the constraints."""
        if self.constraint == ("none",):
            return ConstraintOptions((), self.graph, self.normalise, off=True)
        asked = tuple(parse_constraint(text) for text in self.constraint)
        if len({kind for kind, _ in asked}) < len(asked):
            raise OptionError(
                f"constraint={','.join(self.constraint)}",
                "a kind of constraint is given once",
                "leave one of them out",
            )
        return ConstraintOptions(asked, self.graph, self.normalise)

    def config(self, earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """For the manifest: names of files without their folders. n-grams are left to the counts' own entry where
        they are the counts', and so are kinds of files that are named in ``earlier``, the config so far, alone."""
        record = _recorded(self)
        left = [name for name in ("ngrams", "ngram_min_types") if record[name] is None]
        left += [name for name in KNOWLEDGE if not record[name] and (earlier or {}).get(name)]
        return {name: value for name, value in record.items() if name not in left}


@dataclass(frozen=True)
class RunOptions:
    """What changes no bit of a result. memory: bytes, or None for half of the machine's. checkpoint_every: epochs
    between two checkpoints beside the output folder (0: none). resume: go on from the checkpoint that stands there."""

    threads: int | None = None
    memory: int | None = None
    checkpoint_every: int = 0
    resume: bool = False

    def __post_init__(self) -> None:
        check_number("checkpoint_every", self.checkpoint_every, 0)
        if self.memory is not None and self.memory < 64 << 20:
            raise OptionError(f"memory={self.memory}", "at least 64M are needed", "give a larger --memory")
        _ = self.engine

    @cached_property
    def engine(self) -> LocalEngine:
        """The engine to run on."""
        return local_engine(self.threads)

    @property
    def budget(self) -> int:
        """Bytes that counting and fitting may use."""
        return machine_memory() // 2 if self.memory is None else self.memory


def machine_memory() -> int:
    """Bytes of memory of this machine."""
    import os

    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def parse_memory(text: str) -> int:
    """``4G``, ``500M``, ``2.5GB`` or bytes → bytes. Raises OptionError for anything else."""
    units = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
    body = text.strip().lower().removesuffix("b").removesuffix("i")
    unit = body[-1:] if body[-1:].isalpha() else ""
    try:
        value = float(body.removesuffix(unit)) * units[unit]
        if 0 < value < 1 << 60:
            return int(value)
    except (KeyError, ValueError):
        value = 0.0
    raise OptionError(f"memory={text!r}", "a size is a number with K, M, G or T", "write e.g. --memory 4G")


def _recorded(stage: Any) -> dict[str, Any]:
    """The options of a stage as JSON values, files by their base names."""
    return {
        name: [_base(item) if name in KNOWLEDGE else item for item in value]
        if isinstance(value, tuple)
        else value
        for name, value in asdict(stage).items()
    }


def _base(argument: str) -> str:
    language, equals, path = argument.partition("=")
    return f"{language}={Path(path).name}" if equals and "/" not in language else Path(argument).name


STAGES: tuple[type[Any], ...] = (TextStage, CountStage, WeighStage, FitStage, RunOptions)


def all_options() -> dict[str, Any]:
    """Every option of ``train`` with its default."""
    return {
        item.name: item.default
        for stage in reversed(STAGES)
        for item in fields(stage)
        if item.default is not MISSING
    }


def make_stage(stage: type[Stage], options: Mapping[str, Any]) -> Stage:
    """A stage from the options that carry its names; lists and single strings become tuples where it holds tuples."""
    chosen = {}
    for item in fields(stage):  # type: ignore[arg-type]
        if item.name in options:
            value = options[item.name]
            if isinstance(item.default, tuple):
                value = (
                    (str(value),)
                    if isinstance(value, (str, Path))
                    else tuple(str(part) for part in value or ())
                )
            chosen[item.name] = _typed(item.name, str(item.type), value)
    return stage(**chosen)


def _typed(name: str, stated: str, value: Any) -> Any:
    kind = stated.removesuffix(" | None")
    if kind not in _TYPES or (value is None and kind != stated):
        return value
    accepted, made = _TYPES[kind]
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind != "bool"):
        raise OptionError(
            f"{name}={value!r}", f"it is of type {stated}", f"give another --{name.replace('_', '-')}"
        )
    return made(value)


def check_names(options: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise OptionError for an option that does not exist, with the nearest one that does."""
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise OptionError(
                f"option {name!r}",
                "there is no such option",
                f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}",
            )
