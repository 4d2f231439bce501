"""Truncated singular value decomposition of the association matrix: vectors U_d Σ^p, contexts V_d Σ^(1−p).

    M ≈ U_d Σ_d V_dᵀ,      W = U_d Σ^p,      C = V_d Σ^(1−p),      W Cᵀ = U_d Σ_d V_dᵀ for every p

M is PPMI, shifted PPMI or PMI, with words or any other features as columns; it need not be symmetric. p = 1 keeps the dot
products of M's rows, ½ is the symmetric form that compares with skip-gram, 0 drops the singular values. Every cell counts
alike and those not stored are 0, so that weights, β and α have no part in it. Source: Levy & Goldberg, Neural Word
Embedding as Implicit Matrix Factorization (2014), §3.3 and §5; Levy, Goldberg & Dagan 2015, §3.3 (p).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.base import Engine
from morphvec.errors import OptionError
from morphvec.features.space import check_choice, check_number
from morphvec.methods.serving import OUTPUTS, Columns, check_output, embed
from morphvec.report import SILENT, Reporter
from morphvec.solvers.problem import Factors
from morphvec.solvers.svd import check_memory, check_settings, truncated_svd
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl

KINDS = ("ppmi", "pmi")
MEMORY = 4 << 30  # bytes


@dataclass(frozen=True)
class SvdOptions:
    """dim: d. power: p (None: 0). solver: ``fast`` or ``exact``. epochs: fillings of the solver's basis at most (None: as
    many as it takes). output: ``w``, ``c``, ``w+c`` or ``concat``. seed: of the solver's start. memory: bytes of the fit.

    Raises OptionError for values out of range.
    """

    POWER: ClassVar[float] = 0.0  # where none is given; measured (docs/how-to-choose.md)

    dim: int = 100
    power: float | None = None
    solver: str = "fast"
    epochs: int | None = None
    output: str = "w"
    seed: int = 0
    memory: float = MEMORY

    def __post_init__(self) -> None:
        check_settings(self.dim, self.solver, self.epochs, self.seed)
        if self.power is not None:
            check_number("power", self.power, -4, 4)
        check_choice("output", self.output, OUTPUTS)
        check_number("memory", self.memory, 0, math.inf, open_low=True)


def fit(
    association: Association,
    vocabulary: Vocabulary,
    options: SvdOptions,
    *,
    loop: LoopControl = LoopControl(),  # noqa: B008  (frozen)
    engine: Engine,
    reporter: Reporter = SILENT,
) -> tuple[Embeddings, Factors]:
    """Decompose the PPMI or PMI matrix and serve its sides; see ``decompose``.

    Raises OptionError for an association of another kind.
    """
    if association.kind not in KINDS:
        raise OptionError(
            f"association={association.kind}",
            f"method svd decomposes {' or '.join(KINDS)}",
            "use --method lsa for counts and their logarithms",
        )
    return decompose(association, vocabulary, options, loop=loop, engine=engine, reporter=reporter)


def decompose(
    association: Association,
    vocabulary: Vocabulary,
    options: SvdOptions,
    *,
    centre: bool = False,
    loop: LoopControl,
    engine: Engine,
    reporter: Reporter,
) -> tuple[Embeddings, Factors]:
    """The truncated SVD of an association, less the means of its columns with ``centre``, as vectors and contexts.

    The factors are U_d Σ^½ and V_d Σ^½ whatever the power. Every entry of the history has J = ‖M − U_d Σ_d V_dᵀ‖² over
    all cells as ``total`` and ``fit`` (``unobserved`` is 0: cells that are not stored are part of it), and the energy
    Σσ². Raises BudgetError before any work where it does not fit into ``options.memory``, OptionError where the matrix
    has fewer than ``dim`` singular values.
    """
    columns = Columns.of(association)
    check_output(options.output, columns, vocabulary)
    check_memory(association.matrix, options.dim, options.solver, options.memory)
    found = truncated_svd(
        association.matrix,
        options.dim,
        options.solver,
        options.seed,
        centre=centre,
        epochs=options.epochs,
        loop=loop,
        engine=engine,
        reporter=reporter,
    )
    power = options.POWER if options.power is None else options.power
    vectors, contexts = found.scaled(power)
    model = embed(
        vocabulary,
        columns,
        np.ascontiguousarray(vectors, np.float32),
        np.ascontiguousarray(contexts, np.float32),
        options.output,
    )
    last = found.history[-1]
    model.manifest["resolved"] = {
        "power": power,
        "epochs": len(found.history),
        "explained": last["energy"] / (last["energy"] + last["total"]),  # share of ‖M‖²
    }
    left, right = found.scaled(0.5)
    return model, Factors(left, right, left, found.history)
