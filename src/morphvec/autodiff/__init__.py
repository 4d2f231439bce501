"""Reverse-mode automatic differentiation over NumPy, on three floors to be read in this order.

1. ``tracer``: run a function on nodes that record the primitive operations.
2. ``backward``: sweep the record backwards, message by message; ``grad`` and its relatives.
3. ``ops``: one table row for each operation, its vector-Jacobian product.

Above them ``numpy``, the names to compute with, and ``check``, the test of any derivative. ::

    from morphvec.autodiff import grad, make_vjp, numpy as anp

    def loss(w):
        return anp.mean(anp.cross_entropy(X @ w, labels))

    grad(loss)(w)                        # the gradient, shape and dtype of w
    make_vjp(grad(loss), w)[0](v)        # Hessian times v

A new operation is ``f = primitive(function_on_arrays)`` and ``defvjp(f, vjp_for_argument_0, ...)``.

Source: Griewank & Walther, Evaluating Derivatives (2nd ed., 2008), chapters 3 and 4; Maclaurin, Duvenaud &
Adams, Autograd: effortless gradients in NumPy (2015); CSC421 lecture 3.
"""

from morphvec.autodiff import numpy
from morphvec.autodiff.backward import defvjp, defvjp_any, grad, make_vjp, value_and_grad
from morphvec.autodiff.check import central_difference, check_grads
from morphvec.autodiff.ops.shapes import unbroadcast
from morphvec.autodiff.tracer import Node, Primitive, primitive, trace

__all__ = [
    "Node",
    "Primitive",
    "central_difference",
    "check_grads",
    "defvjp",
    "defvjp_any",
    "grad",
    "make_vjp",
    "numpy",
    "primitive",
    "trace",
    "unbroadcast",
    "value_and_grad",
]
