"""Eight float32 numbers worked on at once, for numba: explicit, because short loops aren't vectorised by themselves.

Operations are element by element and every sum over the lanes is a fixed tree, so results don't depend on what the
compiler makes of a loop. LLVM turns the eight lanes into whatever the processor has.

numba's cache doesn't see this file: after a change here, touch the kernels that use it.
"""

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.extending import intrinsic, models, register_model, type_callable
from numba.np import arrayobj

LANES = 8
"""float32 numbers of a 256-bit register. Convention."""
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_INTEGERS = ir.VectorType(ir.IntType(32), LANES)


class Lanes(types.Type):
    """Eight float32 in a register."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


lanes = Lanes()


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, lanes_type):
        super().__init__(manager, lanes_type, _VECTOR)


def _define(function, instruction):
    @type_callable(function)
    def typing(context):
        def typer(a, b):
            return lanes if isinstance(a, Lanes) and isinstance(b, Lanes) else None

        return typer

    @lower_builtin(function, lanes, lanes)
    def lowering(context, builder, signature, arguments):
        return getattr(builder, instruction)(*arguments)


for _function, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define(_function, _instruction)


def _operation(generator) -> Any:
    """An intrinsic, which type checkers would want called with the typing context that numba passes."""
    return intrinsic(generator)


def _constant(values):
    return ir.Constant(_VECTOR, [float(np.float32(value)) for value in values])


@_operation
def every(typing, value):
    """The same number in all lanes."""

    def generate(context, builder, signature, arguments):
        single = context.cast(builder, arguments[0], signature.args[0], types.float32)
        first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), single, ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(first, ir.Constant(_VECTOR, ir.Undefined), ir.Constant(_INTEGERS, [0] * LANES))

    return lanes(value), generate


@_operation
def numbered(typing):
    """0, 1, 2, … in the lanes."""
    return lanes(), lambda context, builder, signature, arguments: _constant(range(LANES))


@_operation
def multiply_add(typing, a, b, c):
    """a b + c, rounded once where the processor can."""

    def generate(context, builder, signature, arguments):
        signature = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
        function = cgutils.get_or_insert_function(builder.module, signature, f"llvm.fmuladd.v{LANES}f32")
        return builder.call(function, arguments)

    return lanes(lanes, lanes, lanes), generate


@_operation
def where_less(typing, a, b, then, otherwise):
    """``then`` in the lanes where a < b, ``otherwise`` elsewhere."""

    def generate(context, builder, signature, arguments):
        a, b, then, otherwise = arguments
        return builder.select(builder.fcmp_ordered("<", a, b), then, otherwise)

    return lanes(lanes, lanes, lanes, lanes), generate


def _address(context, builder, array_type, array, index):
    data = arrayobj.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


@_operation
def load(typing, array, index):
    """Eight numbers of a flat float32 array from ``index`` on; no bounds are checked."""

    def generate(context, builder, signature, arguments):
        return builder.load(_address(context, builder, signature.args[0], *arguments), align=4)

    return lanes(array, types.intp), generate


@_operation
def store(typing, array, index, values):
    """Writes eight numbers into a flat float32 array from ``index`` on; no bounds are checked."""

    def generate(context, builder, signature, arguments):
        array, index, values = arguments
        builder.store(values, _address(context, builder, signature.args[0], array, index), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), generate


@_operation
def total(typing, values):
    """Sum of the lanes: halves, quarters, eighths."""

    def generate(context, builder, signature, arguments):
        (value,) = arguments
        for half in (4, 2, 1):
            other = [half + lane if lane < half else 0 for lane in range(LANES)]
            value = builder.fadd(value, builder.shuffle_vector(value, value, ir.Constant(_INTEGERS, other)))
        return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))

    return types.float32(lanes), generate


@_operation
def _times_power_of_two(typing, values, shifted):
    """values · 2^n where ``shifted`` is n + 1.5 · 2^23: n stands in its low bits and is added to the exponent's."""

    def generate(context, builder, signature, arguments):
        values, shifted = (builder.bitcast(argument, _INTEGERS) for argument in arguments)
        exponent = builder.shl(shifted, ir.Constant(_INTEGERS, [23] * LANES))
        return builder.bitcast(builder.add(values, exponent), _VECTOR)

    return lanes(lanes, lanes), generate


@njit
def power_of_two(x):
    """2^x for -100 < x < 100, off by 1.7e-7 at most: 2^f by a polynomial for f = x less the nearest integer n, then 2^n.

    The polynomial's largest relative error on [-1/2, 1/2] is the least that five coefficients allow.
    """
    magic = every(np.float32(12582912.0))
    shifted = x + magic
    f = x - (shifted - magic)
    p = multiply_add(f, every(np.float32(0.0013264739)), every(np.float32(0.00967151299)))
    p = multiply_add(f, p, every(np.float32(0.0555073358)))
    p = multiply_add(f, p, every(np.float32(0.240222424)))
    p = multiply_add(f, p, every(np.float32(0.693147004)))
    p = multiply_add(f, p, every(np.float32(1.0)))
    return _times_power_of_two(p, shifted)
