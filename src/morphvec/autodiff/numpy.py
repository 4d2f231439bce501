"""NumPy's names, traced: ``from morphvec.autodiff import numpy as anp``.

On plain arrays these functions are NumPy's; on traced values they record what they do. What is listed here is
all there is: a name that NumPy has and this module lacks is refused, never passed on without its gradient.
Plain ``numpy`` functions and operators that meet a traced value are led here, or refused likewise.
"""

# ruff: noqa: A004 (these are NumPy's names: abs, all, any, max, min, sum)
from __future__ import annotations

from typing import NoReturn

from numpy import (
    arange,
    bool_,
    e,
    empty,
    eye,
    float32,
    float64,
    full,
    inf,
    int32,
    int64,
    linspace,
    nan,
    ndarray,
    newaxis,
    ones,
    pi,
    zeros,
)

from morphvec.autodiff.ops import linalg
from morphvec.autodiff.ops.elementwise import (
    absolute,
    add,
    clip,
    cos,
    divide,
    equal,
    exp,
    expm1,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    log_sigmoid,
    logaddexp,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    power,
    reciprocal,
    relu,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    square,
    subtract,
    tanh,
    where,
)
from morphvec.autodiff.ops.elementwise import absolute as abs
from morphvec.autodiff.ops.indexing import diag, take, trace
from morphvec.autodiff.ops.linalg import norm
from morphvec.autodiff.ops.products import dot, einsum, matmul, outer, tensordot
from morphvec.autodiff.ops.reductions import all_ as all
from morphvec.autodiff.ops.reductions import any_ as any
from morphvec.autodiff.ops.reductions import argmax, argmin, logsumexp, mean, prod, std, var
from morphvec.autodiff.ops.reductions import max_ as max
from morphvec.autodiff.ops.reductions import min_ as min
from morphvec.autodiff.ops.shapes import (
    array,
    astype,
    broadcast_to,
    concatenate,
    expand_dims,
    moveaxis,
    ndim,
    ones_like,
    ravel,
    reshape,
    size,
    squeeze,
    stack,
    stop_gradient,
    swapaxes,
    transpose,
    zeros_like,
)
from morphvec.autodiff.ops.shapes import shape_of as shape
from morphvec.autodiff.ops.shapes import sum_ as sum
from morphvec.autodiff.ops.softmax import binary_cross_entropy, cross_entropy, log_softmax, softmax
from morphvec.autodiff.tracer import MissingAttributeError, missing

__all__ = [
    "abs",
    "absolute",
    "add",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "array",
    "astype",
    "binary_cross_entropy",
    "bool_",
    "broadcast_to",
    "clip",
    "concatenate",
    "cos",
    "cross_entropy",
    "diag",
    "divide",
    "dot",
    "e",
    "einsum",
    "empty",
    "equal",
    "exp",
    "expand_dims",
    "expm1",
    "eye",
    "float32",
    "float64",
    "full",
    "greater",
    "greater_equal",
    "inf",
    "int32",
    "int64",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "linalg",
    "linspace",
    "log",
    "log1p",
    "log_sigmoid",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "moveaxis",
    "multiply",
    "nan",
    "ndarray",
    "ndim",
    "negative",
    "newaxis",
    "norm",
    "not_equal",
    "ones",
    "ones_like",
    "outer",
    "pi",
    "power",
    "prod",
    "ravel",
    "reciprocal",
    "relu",
    "reshape",
    "shape",
    "sigmoid",
    "sign",
    "sin",
    "size",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "stop_gradient",
    "subtract",
    "sum",
    "swapaxes",
    "take",
    "tanh",
    "tensordot",
    "trace",
    "transpose",
    "var",
    "where",
    "zeros",
    "zeros_like",
]


def __getattr__(name: str) -> NoReturn:
    if name.startswith("__"):
        raise AttributeError(name)
    raise MissingAttributeError(*missing(f"numpy.{name}").args)
