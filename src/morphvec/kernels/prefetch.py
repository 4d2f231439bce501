"""A hint to the processor that a row of an array will be read soon; it changes no value.

Rows of factors are read in the order of a sparse matrix's columns, which no hardware foresees: without the hint a pass
over the cells waits for memory most of its time.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

_LINE = 64  # bytes of a cache line on the processors that we know
_I64, _I32, _BYTES = ir.IntType(64), ir.IntType(32), ir.IntType(8).as_pointer()


@intrinsic
def prefetch(typingctx: Any, X: Any, row: Any) -> Any:
    """Fetch X[row] of a C-contiguous array of two axes into the caches; a row outside of X does no harm."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        size = builder.extract_value(array.strides, 0)
        place = arguments[1]
        if place.type.width < 64:
            place = builder.sext(place, _I64)
        start = builder.add(builder.ptrtoint(array.data, _I64), builder.mul(size, place))
        hint = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [_BYTES, _I32, _I32, _I32]), "llvm.prefetch.p0"
        )
        read, keep, data = (ir.Constant(_I32, value) for value in (0, 3, 1))
        with cgutils.for_range_slice(builder, ir.Constant(_I64, 0), size, ir.Constant(_I64, _LINE)) as (
            offset,
            _,
        ):
            builder.call(hint, [builder.inttoptr(builder.add(start, offset), _BYTES), read, keep, data])
        return context.get_dummy_value()

    return types.void(X, row), build
