"""Products of matrices and tensors; every one ends in a BLAS call where NumPy has one.

For Z = AB the messages are Ā = Z̄Bᵀ and B̄ = AᵀZ̄ (Giles 2008, §2.2.2).
"""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from morphvec.autodiff.backward import defvjp, defvjp_any
from morphvec.autodiff.ops.shapes import (
    broadcast_to,
    expand_dims,
    ndim,
    reshape,
    shape_of,
    squeeze,
    sum_,
    swapaxes,
    transpose,
    unbroadcast,
)
from morphvec.autodiff.tracer import Value, primitive, twin_of
from morphvec.errors import MorphvecError


@twin_of(np.matmul)
@primitive
def matmul(a: Value, b: Value) -> Any:
    """The matrix product of the last two axes (a vector counts as a row on the left, a column on the right)."""
    return np.matmul(_for_blas(a), _for_blas(b))


def _for_blas(x: Any) -> Any:
    """x, copied if BLAS could not read it: NumPy would fall back to a loop of its own, many times slower.

    Such is the message of a sum, one number repeated by strides of 0.
    """
    x = np.asarray(x)
    if x.dtype.kind == "O":
        raise MorphvecError(
            f"a matrix product with a value of {type(x[()]).__name__} type",
            "the factors are arrays of numbers",
            "pass a sparse matrix as matrix.toarray()",
        )
    last = x.strides[-2:]
    return np.ascontiguousarray(x) if 0 in last or (last and x.itemsize not in last) else x


def _matmul_left(g: Value, out: Value, a: Value, b: Value) -> Value:
    if ndim(b) == 1:
        return expand_dims(g, -1) * b if ndim(a) > 1 else g * b
    if ndim(a) == 1:
        return unbroadcast(squeeze(matmul(b, expand_dims(g, -1)), -1), a)
    return unbroadcast(matmul(g, swapaxes(b, -1, -2)), a)


def _matmul_right(g: Value, out: Value, a: Value, b: Value) -> Value:
    if ndim(a) == 1:
        return expand_dims(a, -1) * expand_dims(g, -2) if ndim(b) > 1 else g * a
    if ndim(b) <= 2:  # one product over all the rows of the batch, not a batch of products to add up
        rows = reshape(a, (math.prod(shape_of(a)[:-1]), shape_of(a)[-1]))
        return matmul(transpose(rows), reshape(g, (shape_of(rows)[0], *shape_of(b)[1:])))
    return unbroadcast(matmul(swapaxes(a, -1, -2), g), b)


defvjp(matmul, _matmul_left, _matmul_right)


@twin_of(np.tensordot)
def tensordot(a: Value, b: Value, axes: int | Sequence[Any] = 2) -> Value:
    """Σ over pairs of axes: the last n of a with the first n of b, or the two lists ``axes``."""
    if isinstance(axes, int):
        left, right = list(range(ndim(a) - axes, ndim(a))), list(range(axes))
    else:
        left, right = ([x] if isinstance(x, int) else list(x) for x in axes)
    left, right = [axis % ndim(a) for axis in left], [axis % ndim(b) for axis in right]
    if [shape_of(a)[i] for i in left] != [shape_of(b)[i] for i in right]:
        raise MorphvecError(
            f"tensordot of shapes {shape_of(a)} and {shape_of(b)} over axes {left} and {right}",
            "paired axes have equal lengths",
            "name the axes of each side in the same order",
        )
    rows = [i for i in range(ndim(a)) if i not in left]
    columns = [i for i in range(ndim(b)) if i not in right]
    kept = tuple(shape_of(a)[i] for i in rows) + tuple(shape_of(b)[i] for i in columns)
    inner = math.prod(shape_of(a)[i] for i in left)
    height, width = (math.prod(shape_of(x)[i] for i in part) for x, part in ((a, rows), (b, columns)))
    product = matmul(
        reshape(transpose(a, [*rows, *left]), (height, inner)),
        reshape(transpose(b, [*right, *columns]), (inner, width)),
    )
    return reshape(product, kept)


@twin_of(np.dot)
def dot(a: Value, b: Value) -> Value:
    """NumPy's ``dot``: over the last axis of a and the last but one of b (the last, if b is a vector)."""
    if ndim(a) == 0 or ndim(b) == 0:
        return a * b
    if ndim(a) <= 2 and ndim(b) <= 2:
        return matmul(a, b)
    return tensordot(a, b, (-1, -1 if ndim(b) == 1 else -2))


@twin_of(np.outer)
def outer(a: Value, b: Value) -> Value:
    """The matrix a_i·b_j of two arrays, each read as one axis."""
    return reshape(a, (-1, 1)) * reshape(b, (1, -1))


@twin_of(np.einsum)
def einsum(subscripts: str, *operands: Value) -> Value:
    """Einstein's summation in NumPy's notation, ``->`` and ``...`` included; products of two go to BLAS.

    Raises MorphvecError for the form without a string, or subscripts that do not fit the operands.
    """
    if not isinstance(subscripts, str):
        raise MorphvecError(
            "einsum without a string", "it takes subscripts first", "write einsum('ij,jk->ik', a, b)"
        )
    inputs, output = _letters(subscripts, [ndim(x) for x in operands])
    return contract(*operands, inputs=inputs, output=output)


def _letters(subscripts: str, ranks: list[int]) -> tuple[tuple[str, ...], str]:
    """Subscripts with one letter for each axis, ``...`` and an absent ``->`` spelled out."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    free = [letter for letter in string.ascii_letters if letter not in subscripts]
    gaps = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=False)]
    if len(terms) != len(ranks) or any(
        gap < 0 or (gap > 0 and "..." not in term) for gap, term in zip(gaps, terms, strict=True)
    ):
        raise _bad_subscripts(subscripts, f"the operands have {', '.join(map(str, ranks))} axes")
    dots = "".join(
        free[: max((gap for gap, term in zip(gaps, terms, strict=True) if "..." in term), default=0)]
    )
    inputs = tuple(
        term.replace("...", dots[len(dots) - gap :]) for gap, term in zip(gaps, terms, strict=True)
    )
    if not arrow:
        named = "".join(term.replace("...", "") for term in terms)
        right = "..." + "".join(letter for letter in sorted(set(named)) if named.count(letter) == 1)
    if dots and "..." not in right:
        raise _bad_subscripts(subscripts, "the axes of '...' must be in the answer")
    output = right.replace("...", dots)
    if len(set(output)) < len(output) or not set(output) <= set("".join(inputs)):
        raise _bad_subscripts(subscripts, "each letter of the answer stands once, and in some operand")
    return inputs, output


def _bad_subscripts(subscripts: str, rule: str) -> MorphvecError:
    return MorphvecError(f"einsum {subscripts!r}", rule, "write one letter for each axis, or '...'")


@primitive
def contract(*operands: Value, inputs: tuple[str, ...], output: str) -> Any:
    """``einsum`` with one letter for each axis."""
    return np.einsum(f"{','.join(inputs)}->{output}", *operands, optimize=len(operands) > 1)


def _contract(
    place: int, g: Value, out: Value, *operands: Value, inputs: tuple[str, ...], output: str
) -> Value:
    """The answer and the operand change places in the subscripts; three kinds of letters need care."""
    others = [(x, term) for i, (x, term) in enumerate(zip(operands, inputs, strict=True)) if i != place]
    factors = [(g, output), *others]
    # 1. A letter twice in the operand reads a diagonal: an identity matrix writes one.
    free = [letter for letter in string.ascii_letters if letter not in output + "".join(inputs)]
    labels = ""
    for letter, n in zip(inputs[place], shape_of(operands[place]), strict=True):
        if letter in labels:
            factors.append((np.eye(n, dtype=g.dtype), letter + free[0]))
            labels += free.pop(0)
        else:
            labels += letter
    # 2. A letter of this operand alone was summed over: the message is the same all along it.
    known = set("".join(term for _, term in factors))
    kept = "".join(letter for letter in labels if letter in known)
    message = contract(*(x for x, _ in factors), inputs=tuple(term for _, term in factors), output=kept)
    sizes = iter(shape_of(message))
    message = reshape(message, tuple(next(sizes) if letter in known else 1 for letter in labels))
    # 3. Length 1 against n, on either side: add up what was repeated, repeat what was added up.
    wanted = shape_of(operands[place])
    repeated = tuple(i for i, n in enumerate(wanted) if n == 1 and shape_of(message)[i] != 1)
    return broadcast_to(sum_(message, repeated, True) if repeated else message, wanted)


defvjp_any(contract, _contract)
