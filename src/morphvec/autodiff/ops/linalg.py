"""Norms, linear systems and inverses; matrices are the last two axes, the axes before them a batch."""

from __future__ import annotations

import numpy as np

from morphvec.autodiff.backward import defvjp
from morphvec.autodiff.ops.elementwise import absolute
from morphvec.autodiff.ops.products import matmul
from morphvec.autodiff.ops.reductions import max_, root_sum_square
from morphvec.autodiff.ops.shapes import Axes, expand_dims, ndim, squeeze, sum_, swapaxes, unbroadcast
from morphvec.autodiff.tracer import Value, twin_of, wrap
from morphvec.errors import MorphvecError


def _T(x: Value) -> Value:
    return swapaxes(x, -1, -2)


@twin_of(np.linalg.norm)
def norm(x: Value, ord: int | float | str | None = None, axis: Axes = None, keepdims: bool = False) -> Value:  # noqa: A002 (NumPy's name)
    """√Σ|x|² of a vector or matrix (with derivative 0 at 0); of a vector also Σ|x| (1) and max|x| (inf).

    Raises MorphvecError for any other ``ord``.
    """
    if ord is not None and axis is None:
        axis = tuple(range(ndim(x)))
    rank = 1 if axis is None or isinstance(axis, int) else len(axis)
    if ord is None or (rank == 1 and ord == 2) or (rank == 2 and ord == "fro"):
        return root_sum_square(x, axis, keepdims)
    if rank == 1 and ord == 1:
        return sum_(absolute(x), axis, keepdims)
    if rank == 1 and ord == np.inf:
        return max_(absolute(x), axis, keepdims)
    raise MorphvecError(
        f"linalg.norm with ord={ord!r} over {rank} axes",
        "the traced norms are 2, 1 and inf of vectors and 'fro' of matrices",
        "write it with sum, abs and power",
    )


inv = wrap(np.linalg.inv)
solve = wrap(np.linalg.solve)

# Giles (2008), §2.2.3 and §2.3.1: for C = A⁻¹, Ā = -CᵀC̄Cᵀ; for AX = B, B̄ = A⁻ᵀX̄ and Ā = -B̄Xᵀ.
defvjp(inv, lambda g, out, a: -matmul(matmul(_T(out), g), _T(out)))


def _adjoint(g: Value, a: Value, b: Value) -> Value:
    """A⁻ᵀg, as matrices: g of a right side that is one vector becomes a column."""
    return solve(_T(a), expand_dims(g, -1) if ndim(b) == 1 else g)


def _solve_matrix(g: Value, out: Value, a: Value, b: Value) -> Value:
    x = expand_dims(out, -1) if ndim(b) == 1 else out
    return unbroadcast(-matmul(_adjoint(g, a, b), _T(x)), a)


def _solve_right(g: Value, out: Value, a: Value, b: Value) -> Value:
    message = _adjoint(g, a, b)
    return unbroadcast(squeeze(message, -1) if ndim(b) == 1 else message, b)


defvjp(solve, _solve_matrix, _solve_right)
