"""Poolings are written anew only where that moves no rounding around them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest
from jax import lax, nn

from homeroom.engine import pooling
from homeroom.engine.neighbours import round_alone

X = jnp.ones((4096, 6, 6, 2))
KERNEL = jnp.ones((3, 3, 2, 2))
MORE = jnp.ones((4096, 18))
MASK = jnp.ones((4096, 6, 6, 2), bool)


def convolved(x, kernel):
    axes = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=axes)


def pooled(x):
    window = (1, 2, 2, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def dropped(x):
    return lax.select(MASK[:, : x.shape[1], : x.shape[2]], x / 0.8, jnp.zeros_like(x))


def scaled(x):
    return x * 0.5 + 0.1


AROUND = {
    "a bias and a ReLU": lambda x, k: pooled(nn.relu(convolved(x, k) + 1.0)),
    "a dropout after it": lambda x, k: dropped(pooled(nn.relu(convolved(x, k)))),
    "a dropout before it": lambda x, k: pooled(dropped(convolved(x, k) + 1.0)),
    "another pooling": lambda x, k: pooled(pooled(convolved(x, k))),
    "a residual": lambda x, k: pooled(convolved(x, k) + x),
    "a sum of products behind a convolution": (
        lambda x, k: convolved(scaled(convolved(pooled(x), k)), k)
    ),
}
SUMS_OF_PRODUCTS = {
    "before it": lambda x, k: pooled(scaled(convolved(x, k))),
    "after it": lambda x, k: scaled(scaled(pooled(convolved(x, k)))) ** 2,
    "in another function": lambda x, k: jax.jit(scaled)(pooled(convolved(x, k))) ** 2,
    "around a change of shape": (
        lambda x, k: ((pooled(convolved(x, k)) * 0.5).reshape(4096, -1) + MORE) ** 2
    ),
    "in an activation": lambda x, k: pooled(nn.silu(convolved(x, k))),
}


def poolings(function, *, is_gradient):
    step = jax.grad(lambda k, x: function(x, k).sum()) if is_gradient else function
    arguments = (KERNEL, X) if is_gradient else (X, KERNEL)
    jaxpr = jax.make_jaxpr(step)(*arguments).jaxpr
    found = [each for each in jaxpr.eqns if each.primitive.name in pooling.NAMES]
    assert found
    return jaxpr, found


@pytest.mark.parametrize("name", AROUND)
@pytest.mark.parametrize("is_gradient", [False, True])
def test_where_nothing_is_rounded_with_another_poolings_are_rewritten(
    name, is_gradient
):
    """Neither choices nor products nor sums by themselves keep XLA's operation."""
    jaxpr, found = poolings(AROUND[name], is_gradient=is_gradient)
    for each in found:
        assert round_alone(jaxpr, each)
        assert each.outvars[0] in pooling.forms_of(jaxpr)


@pytest.mark.parametrize(("n", "expected"), [(4, False), (64, True)])
def test_beside_a_sum_of_few_numbers_poolings_stay(n, expected):
    """The order of a small sum depends on what is computed with it."""
    x = jnp.ones((n, 6, 6, 8))
    jaxpr = jax.make_jaxpr(lambda x: pooled(x).sum((0, 1, 2)))(x).jaxpr
    (each,) = (e for e in jaxpr.eqns if e.primitive.name in pooling.NAMES)
    assert round_alone(jaxpr, each) == expected


@pytest.mark.parametrize("name", SUMS_OF_PRODUCTS)
@pytest.mark.parametrize("is_gradient", [False, True])
def test_beside_a_sum_of_products_poolings_stay(name, is_gradient):
    """What rounds once or twice, by what it is fused with, keeps XLA's operation."""
    jaxpr, found = poolings(SUMS_OF_PRODUCTS[name], is_gradient=is_gradient)
    for each in found:
        if each.primitive.name == pooling.GRADIENT:
            continue  # what it takes and gives may be products alone
        assert not round_alone(jaxpr, each)
        assert each.outvars[0] not in pooling.forms_of(jaxpr)
