"""What a neural language model is built and trained with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from morphvec.artifact import MANIFEST, load_manifest, sha256_file
from morphvec.embeddings.store import NOUN as VECTORS
from morphvec.errors import OptionError
from morphvec.lm.optimise import StepOptions
from morphvec.training import LoopOptions

MAX_ORDER, MAX_WIDTH = 64, 8192


@dataclass(frozen=True)
class NeuralOptions:
    """How a neural model is built and trained. Raises OptionError for a setting out of range.

    order: predicted word and the words before it that it depends on. dim: of the table (None: that of ``init``, or 100).
    hidden: tanh units. direct: connections from the table straight to the softmax. init: folder of a model of vectors;
    its words start with their vectors. freeze: and keep them. epochs: at most; patience: epochs without a lower loss on
    held-out text after which training stops and goes back to the best (0: never). batch: predictions of a step.
    sampled: words drawn for a step, which stand for the vocabulary under the softmax (0: all of it, exact). dropout: share of inputs and hidden units silenced at each training step. optimiser, learning_rate, schedule,
    momentum: see StepOptions.
    """

    order: int = 5
    dim: int | None = None
    hidden: int = 100
    direct: bool = False
    init: str | None = None
    freeze: bool = False
    epochs: int = 10
    patience: int = 2
    batch: int = 256
    sampled: int = 0
    dropout: float = 0.2
    optimiser: str = "adam"
    learning_rate: float = 0.002
    schedule: str = "cosine"
    momentum: float = 0.9

    def __post_init__(self) -> None:
        _within("order", self.order, 2, MAX_ORDER)
        _within("hidden", self.hidden, 1, MAX_WIDTH)
        if self.dim is not None:
            _within("dim", self.dim, 1, MAX_WIDTH)
        _within("batch", self.batch, 1, 1 << 20)
        if self.sampled < 0:
            raise OptionError(
                f"sampled={self.sampled}", "it is 0, all words, or more", "give another --sampled"
            )
        LoopOptions(self.epochs, patience=self.patience)
        if not 0 <= self.dropout < 1:
            raise OptionError(
                f"dropout={self.dropout}", "it is at least 0 and below 1", "give another --dropout"
            )
        if self.freeze and self.init is None:
            raise OptionError("freeze=True", "vectors from elsewhere are what can be frozen", "give --init")
        _ = self.steps

    @property
    def steps(self) -> StepOptions:
        """How a step is made."""
        return StepOptions(self.optimiser, self.learning_rate, self.schedule, self.momentum)

    @property
    def needs_held_out(self) -> bool:
        """Whether training asks for sentences that it does not see."""
        return self.patience > 0

    @property
    def uses_held_out(self) -> bool:
        """Whether held-out text is of use: its loss is noted after every epoch, also where nothing stops by it."""
        return True

    def inputs(self) -> tuple[dict[str, Any], ...]:
        """The manifest of ``init``, which holds the hash of each of its parts. Raises ArtifactError for no such model."""
        if self.init is None:
            return ()
        load_manifest(Path(self.init), VECTORS)
        file = Path(self.init) / MANIFEST
        name = f"{Path(self.init).name}/{MANIFEST}"
        return ({"name": name, "bytes": file.stat().st_size, "sha256": sha256_file(file)},)

    def config(self) -> dict[str, Any]:
        """For the manifest; of ``init`` the name without its folder."""
        return asdict(self) | {"init": None if self.init is None else Path(self.init).name}


def options_of(given: Mapping[str, Any]) -> NeuralOptions:
    """The options by name. Raises OptionError for a name that is not one of them."""
    known = [item.name for item in fields(NeuralOptions)]
    for name in given:
        if name not in known:
            raise OptionError(
                f"{name}={given[name]!r} with kind=neural",
                f"its options are {', '.join(known)}",
                f"leave --{name.replace('_', '-')} out",
            )
    return NeuralOptions(**given)


def _within(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise OptionError(f"{name}={value}", f"it is from {least} to {most}", f"give another --{name}")
