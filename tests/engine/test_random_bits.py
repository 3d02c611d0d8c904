"""Random bits that cost less are JAX's own, to the last bit."""

from __future__ import annotations

import math
from contextlib import suppress

import jax
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeroom.engine import random_bits
from homeroom.engine.random_bits import cheap_random_bits

shapes = st.lists(st.integers(1, 40), min_size=1, max_size=3).map(tuple)


MOST = 40**3  # numbers: the more there are, the more of the same bits, in any shape


@settings(max_examples=25)
@given(
    st.integers(0, 2**32 - 1),
    shapes.filter(lambda s: math.prod(s) > 1),
    st.sampled_from([8, 16, 32]),
)
def test_bits_are_those_of_jax(seed, shape, bit_width):
    """For any key, shape and width, the bits are the first that JAX draws."""
    key = jax.random.key(seed)
    mine = random_bits.random_bits(jax.random.key_data(key), bit_width, shape)
    theirs = np.asarray(jax.random.bits(key, (MOST,), f"uint{bit_width}"))
    assert np.array_equal(mine, theirs[: math.prod(shape)].reshape(shape))


@pytest.mark.parametrize("shape", [(2,), (3, 5, 7), (1, 1025)])
def test_a_shape_takes_the_first_bits(shape):
    """What JAX draws for a shape is what it draws first for a longer one."""
    key = jax.random.key(1)
    theirs = np.asarray(jax.random.bits(key, (MOST,)))
    drawn = jax.random.bits(key, shape)
    assert np.array_equal(drawn, theirs[: math.prod(shape)].reshape(shape))


def drawn():
    """Return what everything that draws gives, compiled anew."""
    jax.clear_caches()
    initializers = keras.initializers
    made = [
        make(seed=3)((33, 17))
        for make in (
            initializers.GlorotUniform,
            initializers.HeNormal,
            initializers.TruncatedNormal,
            initializers.Orthogonal,
            initializers.RandomUniform,
        )
    ]
    key = jax.random.key(5)
    made += [
        keras.random.dropout(np.ones((40, 50), "float32"), 0.3, seed=7),
        keras.random.normal((2049,), seed=1),
        keras.random.randint((70,), 0, 1000, seed=2),
        jax.random.permutation(key, 100),
        jax.random.gamma(key, 2.0, (5,)),
        jax.vmap(lambda k: jax.random.uniform(k, (6,)))(jax.random.split(key, 4)),
        jax.random.key_data(jax.random.split(key, 3)),
        jax.random.bits(key, (0,)),
    ]
    return [np.asarray(value).tobytes() for value in made]


def test_whatever_is_drawn_is_the_same():
    """Weights, dropout and every distribution are bit for bit what they were."""
    before = drawn()
    with cheap_random_bits():
        assert drawn() == before


def test_the_bits_of_jax_come_back():
    """Outside, JAX draws as ever, after an error too."""
    threefry2x32 = pytest.importorskip("jax._src.random.threefry2x32")
    before = vars(threefry2x32)[random_bits._NAME]
    with suppress(ZeroDivisionError), cheap_random_bits():
        assert vars(threefry2x32)[random_bits._NAME] is not before
        raise ZeroDivisionError
    assert vars(threefry2x32)[random_bits._NAME] is before
