"""Convolutions written as XLA's CPU compiler wants them where it does not help itself.

Outside loops XLA turns a convolution whose axes come in an unusual order, as those of
every gradient do, into transpositions around one in the usual order, which it computes
fast. Inside loops it does not (its pass reads the entry computation only) and falls
back to code that takes up to 50 times as long and adds in another order. Writing the
transpositions ourselves gives back the speed, and every bit of `keras.Model.fit`.

Convolutions in groups are slow outside of loops, too. Other forms of them are faster,
but round differently. Milliseconds inside a loop on one core, (64, 14, 14, 16) by
(3, 3): forward, gradient of the input, gradient of the kernel.

    depthwise, as it is          10.7   0.25   36.8
    as a sum of shifted products  0.2   0.15    1.4
    with zeros between groups     1.2   1.2     0.9
    4 groups, as they are         4.2   5.4    20.5
    with zeros between groups     1.3   1.4     1.6
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from math import prod
from typing import Any

from . import door, few_channels
from .form import Form
from .windows import padded, windows

NAME = "conv_general_dilated"
_MOST_SHIFTS = 64  # products in one sum: beyond, it is the compiler that takes long
_MOST_GROUPS = 8  # zeros between more groups cost more than they save
_MOST_PAIRS = 16  # the same, for the gradient of a kernel
_WIDE_PAIRS = 32  # the same, where no shifted products can be summed instead

Compute = Callable[[Any, Any, Any], Any]


def form_of(equation: Any, *, exact: bool) -> Form | None:
    """Return the form for a convolution inside a loop, None when it is in it already.

    Args:
        equation: Of a traced step.
        exact: Whether only forms that are exact will do.
    """
    left, right = (atom.aval for atom in equation.invars)
    # sums of few bits would need more of them in between
    exact = exact or not left.dtype == right.dtype == "float32"
    p, specs = equation.params, equation.params["dimension_numbers"]
    if p["batch_group_count"] > 1:
        groups = p["batch_group_count"]
        inputs = left.shape[specs.lhs_spec[0]] // groups
        outputs = right.shape[specs.rhs_spec[0]] // groups
        shape, spec = equation.outvars[0].aval.shape, specs.out_spec
        shifts = prod(shape[axis] for axis in spec[2:])
        shifts = shifts if set(p["lhs_dilation"]) == {1} else _MOST_SHIFTS + 1
        return _form_of_gradient(equation, (groups, inputs, outputs), shifts, exact)
    is_usual = specs == _usual(left.ndim)
    if p["feature_group_count"] > 1 and not exact:
        return _form_of_groups(equation, right, is_usual=is_usual)
    if _is_exact_as_sum(equation, left, right):
        return Form(_with_usual_axes(_summed, equation))
    return None if is_usual else Form(_with_usual_axes(_plain, equation))


def _is_exact_as_sum(equation: Any, left: Any, right: Any) -> bool:
    """Return whether a convolution is faster as a sum, and has every bit as one here.

    One without is no exception worth making: the same model would be exact on one
    machine and not on another.
    """
    if not left.dtype == right.dtype == "float32":
        return False
    left_order, right_order, _ = _usual_order(equation.params["dimension_numbers"])
    pictures = tuple(left.shape[axis] for axis in left_order)
    kernel = tuple(right.shape[axis] for axis in right_order)
    walk = few_channels.walk_of(equation.params)
    return few_channels.are_few(
        pictures, kernel, equation.params
    ) and few_channels.has_every_bit(pictures[1:], kernel, walk)


def _form_of_groups(equation: Any, right: Any, *, is_usual: bool) -> Form | None:
    p, specs = equation.params, equation.params["dimension_numbers"]
    groups = p["feature_group_count"]
    inputs = right.shape[specs.rhs_spec[1]]
    outputs = right.shape[specs.rhs_spec[0]] // groups
    shifts = prod(right.shape[axis] for axis in specs.rhs_spec[2:])
    # gradients of strided steps, and of several outputs, are faster as they are
    is_simple = inputs == 1 and set(p["lhs_dilation"]) == {1}
    if shifts <= _MOST_SHIFTS and (
        is_simple or (is_usual and min(inputs, outputs) == 1)
    ):
        return Form(_with_usual_axes(_shifted, equation), is_exact=False)
    if groups <= _MOST_GROUPS and min(inputs, outputs) > 1:
        return Form(_with_usual_axes(_with_zeros, equation), is_exact=False)
    return None if is_usual else Form(partial(_as_it_is, equation), is_exact=False)


def _form_of_gradient(
    equation: Any, sizes: tuple[int, int, int], shifts: int, exact: bool
) -> Form:
    """The gradient of a grouped convolution's kernel: batches are in groups."""
    groups, inputs, outputs = sizes
    is_depthwise = inputs == outputs == 1
    if exact:
        compute = _all_pairs if is_depthwise else _as_space
        return Form(_with_usual_axes(compute, equation))
    can_shift = inputs == 1 and shifts <= _MOST_SHIFTS
    if groups <= (_MOST_PAIRS if can_shift else _WIDE_PAIRS):
        return Form(_with_usual_axes(_all_pairs, equation), is_exact=is_depthwise)
    if can_shift:
        return Form(_with_usual_axes(_shifted_gradient, equation), is_exact=False)
    return Form(partial(_as_it_is, equation), is_exact=False)


def _with_usual_axes(compute: Compute, equation: Any) -> Callable[[Any, Any], Any]:
    """Return a function of (left, right) that has `compute` see the usual axes."""
    lax = door.jax().lax
    specs = equation.params["dimension_numbers"]
    left_order, right_order, out_order = _usual_order(specs)
    back = tuple(out_order.index(axis) for axis in range(len(out_order)))

    def computed(left: Any, right: Any) -> Any:
        left = lax.transpose(left, left_order)
        right = lax.transpose(right, right_order)
        return lax.transpose(compute(equation, left, right), back)

    return computed


def _usual_order(specs: Any) -> tuple[tuple[int, ...], ...]:
    """Return where the usual axes of input, kernel and outcome are."""
    return (
        (specs.lhs_spec[0], *specs.lhs_spec[2:], specs.lhs_spec[1]),
        (*specs.rhs_spec[2:], specs.rhs_spec[1], specs.rhs_spec[0]),
        (specs.out_spec[0], *specs.out_spec[2:], specs.out_spec[1]),
    )


def _usual(n_axes: int) -> Any:
    """Batch, space, channels; a kernel's space, inputs, outputs."""
    space = tuple(range(1, n_axes - 1))
    images = (0, n_axes - 1, *space)
    kernel = (n_axes - 1, n_axes - 2, *range(n_axes - 2))
    return door.jax().lax.ConvDimensionNumbers(images, kernel, images)


def _plain(equation: Any, left: Any, right: Any, **changed: Any) -> Any:
    """Bind the convolution itself."""
    params = equation.params | {"dimension_numbers": _usual(left.ndim)} | changed
    return equation.primitive.bind(left, right, **params)


def _summed(equation: Any, left: Any, right: Any) -> Any:
    return few_channels.summed(left, right, few_channels.walk_of(equation.params))


def _as_it_is(equation: Any, left: Any, right: Any) -> Any:
    return equation.primitive.bind(left, right, **equation.params)


def _with_zeros(equation: Any, left: Any, right: Any) -> Any:
    """One full convolution, by a kernel that is zero from one group to another."""
    jnp = door.jax().numpy
    groups = equation.params["feature_group_count"]
    wide = jnp.concatenate([right] * groups, axis=-2)
    own = _own_group(wide.shape[-2], wide.shape[-1], groups)
    return _plain(equation, left, jnp.where(own, wide, 0), feature_group_count=1)


def _all_pairs(equation: Any, left: Any, right: Any) -> Any:
    """All pairs of groups, and of them those of a group with itself, as XLA does it."""
    jnp = door.jax().numpy
    groups = equation.params["batch_group_count"]
    pairs = _plain(equation, left, right, batch_group_count=1)
    own = _own_group(pairs.shape[0], pairs.shape[-1], groups)
    middle = (1,) * (pairs.ndim - 2)
    kept = jnp.where(own.reshape(len(own), *middle, -1), pairs, 0)
    return kept.reshape(groups, -1, *kept.shape[1:]).sum(0)


def _as_space(equation: Any, left: Any, right: Any) -> Any:
    """The groups as one more axis of space, at whose every step the next one meets."""
    jnp, p = door.jax().numpy, equation.params
    groups = p["batch_group_count"]
    left = jnp.moveaxis(left.reshape(groups, -1, *left.shape[1:]), 0, -2)
    right = right.reshape(*right.shape[:-1], groups, -1)
    out = _plain(
        equation,
        left,
        jnp.moveaxis(right, -2, -3),
        batch_group_count=1,
        window_strides=(*p["window_strides"], groups - 1),
        padding=(*p["padding"], (0, 0)),
        lhs_dilation=(*p["lhs_dilation"], groups),
        rhs_dilation=(*p["rhs_dilation"], 1),
    )
    return out.reshape(*out.shape[:-2], -1)


def _own_group(n_rows: int, n_columns: int, groups: int) -> Any:
    """Where a row and a column, each numbered by group, are of the same one."""
    jnp = door.jax().numpy
    rows = jnp.arange(n_rows) // (n_rows // groups)
    return rows[:, None] == jnp.arange(n_columns) // (n_columns // groups)


def _shifted(equation: Any, left: Any, right: Any) -> Any:
    """A depthwise convolution as a sum: at each kernel position, one product."""
    jnp, p = door.jax().numpy, equation.params
    *space, inputs, n_outputs = right.shape
    groups = p["feature_group_count"]
    if inputs == 1:
        left = jnp.repeat(left, n_outputs // groups, axis=-1)
    else:
        right = jnp.swapaxes(right, -1, -2)
    weights = right.reshape(prod(space), -1)
    under = windows(left, p, space, p["rhs_dilation"], p["window_strides"])
    terms = [w * x for w, x in zip(weights, under, strict=True)]
    total = reduce(jnp.add, terms)
    if inputs == 1:
        return total
    return total.reshape(*total.shape[:-1], groups, inputs).sum(-1)


def _shifted_gradient(equation: Any, left: Any, right: Any) -> Any:
    """The gradient of a depthwise kernel: at each of its positions, one product."""
    jnp, p = door.jax().numpy, equation.params
    groups, space = p["batch_group_count"], right.shape[:-2]
    left = jnp.moveaxis(left, 0, -1)  # space, batch, channels; as the right is
    left = jnp.repeat(left, right.shape[-1] // groups, axis=-1)[None]
    n = [
        (size - (k - 1) * dilation - 1) // stride + 1
        for size, k, dilation, stride in zip(
            padded(left.shape[1:-2], p),
            space,
            p["rhs_dilation"],
            p["window_strides"],
            strict=True,
        )
    ]
    # what walks and what jumps change places: positions are those of the outcome
    under = windows(left, p, n, p["window_strides"], p["rhs_dilation"])
    sums = [(x[0] * right).sum(range(right.ndim - 1)) for x in under]
    return jnp.stack(sums).reshape(1, *n, -1)
