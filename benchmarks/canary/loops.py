"""Hazards of speed: what XLA makes of loops, branches, convolutions, random numbers."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from finding import HAZARD, SAFE, Said, hazard, judged, ratio
from jax import lax

LARGE, SMALL = 2**18, 2**8
RANK_SECONDS = 20
RANK_SEVEN = """
import jax, jax.numpy as jnp, numpy as np
x = np.random.default_rng(0).normal(size=(2, 3, 2, 3, 2, 3, 4)).astype("float32")
total = jax.jit(lambda x: (jnp.transpose(jnp.sin(x)) * 2).sum((0, 2, 4, 6)))
expected = (np.transpose(np.sin(x)) * 2).sum((0, 2, 4, 6))
assert np.allclose(total(x), expected, atol=1e-4), "wrong"
"""
LOWERED = (
    "convolutions written for loops"
    if find_spec("homeroom.engine.convolution")
    else "none: they are looped as they are"
)


def _times_larger(program: Any) -> float:
    """Compare a program on a large and on a small buffer that it hardly touches."""
    large, small = (jnp.zeros(size, "float32") for size in (LARGE, SMALL))
    return ratio(lambda: program(large), lambda: program(small))


@hazard(
    "small writes in a loop (jax#40101)",
    plan="metrics summed in the carry, one row written per epoch",
)
def slice_writes() -> Said:
    @jax.jit
    def write(buffer: Any) -> Any:
        def put(i: Any, buffer: Any) -> Any:
            value = jnp.full((1,), i, buffer.dtype)
            return lax.dynamic_update_slice(buffer, value, (i % SMALL,))

        return lax.fori_loop(0, 10_000, put, buffer)[:SMALL].sum()

    found = _times_larger(write)
    return judged(found, 8, f"into {LARGE // SMALL} times the buffer")


@hazard(
    "pass-through cond in a loop (jax#38145)",
    plan="no branch in the loop over batches; the last batch has one per epoch",
)
def conditional() -> Said:
    @jax.jit
    def loop(never: Any, buffer: Any) -> Any:
        def body(i: Any, buffer: Any) -> Any:
            return lax.cond(i == never, lambda b: b, lambda b: b.at[0].add(1), buffer)

        return lax.fori_loop(0, 1000, body, buffer)

    found = _times_larger(partial(loop, np.int32(-1)))
    return judged(found, 6, f"with {LARGE // SMALL} times the carry")


@hazard(
    "fused reduction of rank 7 (jax#39257)",
    plan="none of ours has more than six; a model's own may",
)
def rank_seven() -> Said:
    command = [sys.executable, "-c", RANK_SEVEN]
    try:
        ended = subprocess.run(
            command, capture_output=True, check=False, timeout=RANK_SECONDS
        )
    except subprocess.TimeoutExpired:
        return "hangs", HAZARD
    if ended.returncode:
        return f"ends with {ended.returncode}", HAZARD
    return "right", SAFE


@hazard(
    "many small leaves in a loop (jax#40150)",
    plan="none: variables are carried as Keras has them",
)
def many_leaves() -> Said:
    @jax.jit
    def train(leaves: Any) -> Any:
        def update(_: Any, leaves: Any) -> Any:
            return [leaf * 0.99 + 0.1 * jnp.sqrt(leaf + 1) for leaf in leaves]

        return lax.fori_loop(0, 300, update, leaves)

    many = list(jnp.ones((96, 32), "float32"))
    one = [jnp.ones(96 * 32, "float32")]
    found = ratio(lambda: train(many), lambda: train(one))
    return judged(found, 3, "96 leaves against one of the same size")


def _convolution(layout: str) -> Any:
    """Return the gradient of a convolution by its kernel, and arguments for it."""
    dice = np.random.default_rng(0)
    sizes = {"N": 8, "C": 8, "H": 12, "W": 12}
    x = dice.normal(size=[sizes[d] for d in layout]).astype("float32")
    kernel = dice.normal(size=(3, 3, 8, 8)).astype("float32")

    def loss(kernel: Any, x: Any) -> Any:
        numbers = (layout, "HWIO", layout)
        out = lax.conv_general_dilated(
            x, kernel, (1, 1), "SAME", dimension_numbers=numbers
        )
        return jnp.maximum(out, 0).sum()

    return jax.grad(loss), kernel, x


def _looped(layout: str, steps: int) -> Any:
    gradient, kernel, x = _convolution(layout)

    @jax.jit
    def loop(kernel: Any, x: Any, n: Any) -> Any:
        return lax.fori_loop(0, n, lambda _, k: k - 0.01 * gradient(k, x), kernel)

    return partial(loop, kernel, x, steps)


@hazard(
    "NCHW convolution in a loop (jax#12868)",
    plan="channels last, which is Keras's default",
)
def channels_first() -> Said:
    found = ratio(_looped("NCHW", 2), _looped("NHWC", 2))
    return judged(found, 3, "NCHW against NHWC")


@hazard("native convolution in a loop", plan=LOWERED)
def convolution_in_loop() -> Said:
    gradient, kernel, x = _convolution("NHWC")
    steps = 4
    once = jax.jit(lambda k, x: k - 0.01 * gradient(k, x))

    def unlooped() -> Any:
        k = kernel
        for _ in range(steps):
            k = once(k, x)
        return k

    found = ratio(_looped("NHWC", steps), unlooped)
    return judged(found, 2, "a step in a loop against plain jit")


@hazard(
    "convolution of few channels as a matrix product",
    plan="a sum of products, where it has the same bits",
)
def few_channels_as_product() -> Said:
    from homeroom.engine import few_channels

    shapes = (64, 28, 28, 1), (3, 3, 1, 16)
    walk = few_channels.Walk((1, 1), ((1, 1), (1, 1)), (1, 1))
    dice = np.random.default_rng(0)
    x, kernel = (dice.normal(size=shape).astype("float32") for shape in shapes)
    product = jax.jit(
        lambda x, kernel: lax.conv_general_dilated(
            x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
    )
    ours = jax.jit(partial(few_channels.summed, walk=walk))
    found = ratio(lambda: product(x, kernel), lambda: ours(x, kernel))
    same = few_channels.has_every_bit(shapes[0][1:], shapes[1], walk)
    bits = "the same bits" if same else "other bits"
    return judged(found, 1.5, f"against a sum of products, which has {bits} here")


@hazard(
    "gradient of a convolution under vmap",
    plan="members in turn, one lane per core; no vmap on CPU",
)
def vmapped_gradient() -> Said:
    gradient, kernel, x = _convolution("NHWC")
    members = 4
    kernels, xs = (np.stack([a] * members) for a in (kernel, x))
    one, all_at_once = jax.jit(gradient), jax.jit(jax.vmap(gradient))
    found = ratio(lambda: all_at_once(kernels, xs), lambda: list(map(one, kernels, xs)))
    return judged(found, 2, f"{members} members at once against in turn")


@hazard(
    "jax.random.permutation on CPU (jax#5328)", plan="host-made index tables (NumPy)"
)
def permutation() -> Said:
    n = 50_000
    permute = jax.jit(
        partial(jax.random.permutation, independent=False), static_argnums=1
    )
    key, dice = jax.random.key(0), np.random.default_rng(0)
    found = ratio(lambda: permute(key, n), lambda: dice.permutation(n))
    return judged(found, 2, f"{n:,} rows against NumPy")


@hazard(
    "rbg keys under vmap (jax#16792, #22684)",
    plan="threefry keys, JAX's default, never under vmap",
)
def rbg() -> Said:
    def keys(kind: str) -> Any:
        return jax.random.split(jax.random.key(0, impl=kind), 32)

    def bits(key: Any) -> Any:
        return jax.random.bits(key, (256,))

    each = jax.jit(jax.vmap(bits))
    rbg, threefry = keys("rbg"), keys("threefry2x32")
    alone = np.stack([bits(key) for key in rbg])
    same = bool((np.asarray(each(rbg)) == alone).all())
    found = ratio(lambda: each(rbg), lambda: each(threefry))
    default = jax.config.jax_default_prng_impl
    said = f"{'as' if same else 'not as'} alone; ×{found:.1f} threefry's time"
    worry = not same or found > 4 or default != "threefry2x32"
    return f"{said}; default {default}", HAZARD if worry else SAFE


@hazard(
    "random bits in pieces (jax#40101 again)",
    plan="pieces of 1,024, written in a loop on CPU",
)
def bits_in_pieces() -> Said:
    from homeroom.engine.random_bits import cheap_random_bits

    def bits(key: Any) -> Any:
        return jax.random.bits(key, (LARGE,))

    key = jax.random.key(0)
    with cheap_random_bits():
        ours = jax.jit(lambda key: bits(key)).lower(key).compile()
    theirs = jax.jit(lambda key: bits(key)).lower(key).compile()
    found = ratio(lambda: ours(key), lambda: theirs(key))
    return judged(found, 1.5, f"{LARGE:,} numbers against JAX's own")


@hazard("last digits under vmap (jax#26308)", plan="members in turn; no vmap on CPU")
def last_digits() -> Said:
    def loss(x: Any) -> Any:
        return (x * x).sum()

    xs = np.random.default_rng(0).normal(size=(4, 32, 100)).astype("float32")
    alone = np.stack(list(map(jax.jit(loss), xs)))
    together = np.asarray(jax.jit(jax.vmap(loss))(xs))
    gap = float((np.abs(alone - together) / alone).max())
    return f"of a sum by itself: {gap:.1e}", HAZARD if gap else SAFE
