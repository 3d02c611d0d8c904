"""Convolutions inside a loop: Keras's bits, or a faster form that says so."""

from __future__ import annotations

from functools import partial, reduce

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from keras import layers

from homeroom import engine
from homeroom.engine import convolution, door, few_channels, looping
from homeroom.errors import InputError

from . import plain
from .zoo import BATCH_SIZE, N_ROWS, ZOO, classifier, dense, member

LABELS = ZOO["conv2d"].arrays.y
_random = np.random.default_rng(5)
PICTURES = engine.Arrays(
    _random.normal(size=(N_ROWS, 9, 8, 4)).astype("float32"), LABELS
)
SMALL = engine.Arrays(_random.normal(size=(N_ROWS, 8, 8, 3)).astype("float32"), LABELS)
LONG = engine.Arrays(_random.normal(size=(N_ROWS, 14, 6)).astype("float32"), LABELS)


def in_a_loop(step):
    """Return `step`, run by a loop whose length XLA does not know."""

    def looped(n, *arguments):
        nothing = jax.eval_shape(step, *arguments)
        start = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), nothing)
        return lax.fori_loop(0, n, lambda i, _: step(*arguments), start)

    options = {"xla_cpu_multi_thread_eigen": False}
    return partial(jax.jit(looped, compiler_options=options), np.int32(2))


@st.composite
def convolutions(draw):
    """A convolution of a small input, as layers make them: (function, x, kernel)."""
    rank = draw(st.integers(1, 3))
    groups = draw(st.sampled_from([1, 1, 2, 3, 20]))
    inputs, outputs = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    size = draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank))
    strides, dilation = draw(st.sampled_from([(1, 1), (2, 1), (1, 2), (3, 1)]))
    padding = draw(st.sampled_from(["same", "valid"]))
    n, space = draw(st.integers(2, 9)), draw(st.integers(5, 7))
    seed = draw(st.integers(0, 99))
    random = np.random.default_rng(seed)
    if draw(st.sampled_from([False, False, True])):  # transposed
        function = partial(keras.ops.conv_transpose, strides=strides, padding=padding)
        groups, kernel = 1, (*size, outputs, inputs)
    else:
        function = partial(
            keras.ops.conv, strides=strides, padding=padding, dilation_rate=dilation
        )
        kernel = (*size, inputs, groups * outputs)
    x = (n, *[space] * rank, groups * inputs)
    x, kernel = (random.normal(size=shape).astype("float32") for shape in (x, kernel))
    return function, x, kernel


def outcome_and_gradients(function, x, kernel):
    """A convolution and the gradients of a function of it."""
    out, back = jax.vjp(function, x, kernel)
    return out, back(jnp.cos(out))


@given(convolutions())
@settings(max_examples=16, deadline=None, derandomize=True)
def test_a_form_inside_a_loop_is_the_operation_outside(drawn):
    """Forward and both gradients: every bit in exact forms, rounding in others."""
    function, *arguments = drawn
    step = jax.jit(partial(outcome_and_gradients, function))
    expected = jax.tree.leaves(step(*arguments))
    for exact in (True, False):
        written = looping.Written(step, exact=exact)
        found, same = in_a_loop(written)(*arguments), written.sameness
        assert same == "exact" or not exact
        for a, b in zip(jax.tree.leaves(found), expected, strict=True):
            if same == "exact":
                np.testing.assert_array_equal(a, b)
            else:
                scale = np.abs(b).max()
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * scale)


@given(
    st.sampled_from([(6,), (7,), (4, 6), (7, 5), (4, 4, 4)]),
    st.integers(2, 3),
    st.sampled_from([None, 1, 2]),
    st.sampled_from(["same", "valid"]),
    st.integers(0, 99),
)
@settings(max_examples=12, deadline=None, derandomize=True)
def test_max_pooling_and_its_gradient_are_the_operations(
    space, size, strides, padding, seed
):
    """Every bit, also where several places of a window are the largest, or NaN.

    Zeros of either sign among them.
    """
    random = np.random.default_rng(seed)
    x = random.integers(-2, 2, size=(3, *space, 2)).astype("float32")
    x[0] = np.where(x[0] == 1, np.nan, x[0])
    x[1] = np.copysign(x[1], random.choice([-1, 1], x[1].shape))

    def pooled(x, _):
        return keras.ops.max_pool(x, size, strides or size, padding)

    step = jax.jit(partial(outcome_and_gradients, pooled))
    expected = jax.tree.leaves(step(x, np.float32(0)))
    written = looping.Written(step, exact=True)
    found = jax.tree.leaves(in_a_loop(written)(x, np.float32(0)))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(np.signbit(a), np.signbit(b))


def test_only_what_is_slow_in_a_loop_is_rewritten(monkeypatch):
    """A convolution whose axes are usual stays, and so does a step without any.

    Unless it has few channels, and the same bits as a sum.
    """
    monkeypatch.setattr(few_channels, "has_every_bit", lambda *_: True)

    def forward(x, kernel):
        return keras.ops.conv(x, kernel)

    for channels, is_written in ((3, True), (5, False)):
        x, kernel = jnp.ones((2, 5, 5, channels)), jnp.ones((3, 3, channels, 2))
        (equation,) = jax.make_jaxpr(forward)(x, kernel).eqns
        form = convolution.form_of(equation, exact=False)
        assert (form is not None) == is_written
    step = jax.jit(lambda x, kernel: (x * 2).sum() + kernel.sum())
    assert not looping.concerns(step.trace(x, kernel))
    assert looping.concerns(jax.jit(forward).trace(x, kernel))


def few_channels_step():
    x, kernel = (
        _random.normal(size=shape).astype("float32")
        for shape in ((9, 6, 6, 2), (3, 3, 2, 5))
    )
    return jax.jit(partial(outcome_and_gradients, keras.ops.conv)), (x, kernel)


def test_a_sum_in_another_order_is_found_out(monkeypatch):
    """Terms added from the last to the first are not the convolution's bits here."""
    shapes = (6, 6, 2), (3, 3, 2, 5)
    walk = few_channels.Walk((1, 1), ((0, 0), (0, 0)), (1, 1))
    tried = few_channels.has_every_bit.__wrapped__
    if not tried(*shapes, walk):
        pytest.skip("this processor's products add in another order")
    monkeypatch.setattr(
        few_channels, "reduce", lambda add, terms: reduce(add, terms[::-1])
    )
    assert not tried(*shapes, walk)


@pytest.mark.parametrize("exact", [True, False])
def test_where_the_bits_are_others_no_sum_stands_in(monkeypatch, exact):
    """On such a machine Keras's own operation stays, also where rounding may differ."""
    monkeypatch.setattr(few_channels, "has_every_bit", lambda *_: False)
    step, arguments = few_channels_step()
    written = looping.Written(step, exact=exact)
    text = str(jax.make_jaxpr(written)(*arguments))
    assert written.sameness == "exact"
    assert text.count("conv_general_dilated[") == 3


@pytest.mark.parametrize(
    ("kernel", "is_written"),
    [((3, 3, 1, 32), True), ((5, 5, 1, 32), False), ((3, 3, 1, 33), False)],
)
def test_more_outputs_are_summed_of_fewer_terms(monkeypatch, kernel, is_written):
    """A kernel of nine terms is a sum up to 32 outputs, one of more up to 16."""
    monkeypatch.setattr(few_channels, "has_every_bit", lambda *_: True)
    x, kernel = jnp.ones((2, 8, 8, 1)), jnp.ones(kernel)
    (equation,) = jax.make_jaxpr(keras.ops.conv)(x, kernel).eqns
    assert (convolution.form_of(equation, exact=True) is not None) == is_written


def program_of(step, *arguments):
    """The text of what XLA makes of a step, rewritten, in a loop."""
    looped = in_a_loop(looping.Written(jax.jit(step), exact=True))
    return looped.func.lower(*looped.args, *arguments).compile().as_text()


def test_sums_of_few_channels_are_not_fused_with_their_neighbours(monkeypatch):
    """Padding and sum are computed by themselves, so that no rounding changes."""
    monkeypatch.setattr(few_channels, "has_every_bit", lambda *_: True)

    def step(x, kernel):
        return keras.ops.relu(keras.ops.conv(x, kernel, padding="same"))

    text = program_of(step, jnp.ones((4, 6, 6, 1)), jnp.ones((3, 3, 1, 4)))
    assert text.count(" conditional(") == 2
    assert " convolution(" not in text


@pytest.mark.parametrize("drops", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_pooled_values_are_flattened_by_themselves(dtype, drops):
    """Max-pooling is not fused with a change of axes that would slow it down."""

    def step(x, kernel):
        pooled = keras.ops.max_pool(x, 2, 2)
        if drops:
            pooled = jnp.where(pooled > 0.5, pooled * 2, 0)
        return pooled.reshape(len(x), -1) @ kernel

    x, kernel = (
        _random.normal(size=shape).astype(dtype) for shape in ((4, 6, 6, 8), (72, 2))
    )
    assert program_of(step, x, kernel).count(" conditional(") == 1
    written = looping.Written(jax.jit(step), exact=True)
    expected = jax.jit(step)(x, kernel)
    np.testing.assert_array_equal(in_a_loop(written)(x, kernel), expected)


def test_what_was_not_pooled_is_flattened_as_it_is():
    """Other changes of axes are left to XLA."""

    def step(x, kernel):
        x = keras.ops.conv(keras.ops.max_pool(x, 2, 2), kernel)
        return x.reshape(len(x), -1)

    x, kernel = jnp.ones((4, 8, 8, 8)), jnp.ones((2, 2, 8, 3))
    assert " conditional(" not in program_of(step, x, kernel)


def test_half_precision_is_never_summed_in_pieces():
    """Forms that round differently are for float32 alone."""
    x, kernel = jnp.ones((2, 5, 5, 3), "bfloat16"), jnp.ones((3, 3, 3, 1), "bfloat16")
    step = jax.jit(partial(outcome_and_gradients, keras.ops.depthwise_conv))
    written = looping.Written(step, exact=False)
    jax.make_jaxpr(written)(x, kernel)
    assert written.sameness == "exact"


def pictures(*body):
    return classifier(*body, layers.Flatten(), shape=(9, 8, 4))


def ordinary():
    return pictures(
        layers.Conv2D(6, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(5, 3, dilation_rate=2, padding="same"),
        layers.AveragePooling2D(2, strides=1),
    )


def transposed():
    return pictures(
        layers.Conv2D(6, 3, strides=2, padding="same"),
        layers.Conv2DTranspose(3, 3, strides=2, padding="same"),
    )


def grouped():
    return pictures(layers.Conv2D(8, 3, groups=2, activation="relu"))


def depthwise():
    return pictures(
        layers.SeparableConv2D(6, 3, padding="same", activation="relu"),
        layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2),
        layers.MaxPooling2D(),
    )


def series():
    return classifier(
        layers.Conv1D(20, 3, padding="causal", activation="relu"),
        layers.SeparableConv1D(8, 3),
        layers.MaxPooling1D(2),
        layers.Flatten(),
        shape=(14, 6),
    )


def normalised():
    return pictures(
        layers.Conv2D(6, 3, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(),
    )


def residual():
    """A bias whose gradient is summed over what a convolution reads, too."""
    inputs = layers.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    x = x + layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    return compiled(inputs, layers.Flatten()(x))


def averaged():
    """A pooling beside a small sum."""
    inputs = layers.Input((8, 8, 3))
    x = layers.Conv2DTranspose(4, 3, padding="same")(layers.MaxPooling2D()(inputs))
    return compiled(inputs, layers.GlobalAveragePooling2D()(layers.MaxPooling2D()(x)))


def smooth():
    inputs = layers.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="silu")(inputs)
    return compiled(inputs, layers.Flatten()(layers.MaxPooling2D()(x)))


def compiled(inputs, outputs):
    outputs = layers.Dense(3, activation="softmax")(outputs)
    model = keras.Model(inputs, outputs)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


MODELS = {
    "averaged": (averaged, SMALL, "exact"),
    "depthwise": (depthwise, PICTURES, "lowered"),
    "grouped": (grouped, PICTURES, "lowered"),
    "normalised": (normalised, PICTURES, "exact"),
    "ordinary": (ordinary, PICTURES, "exact"),
    "residual": (residual, SMALL, "exact"),
    "series": (series, LONG, "lowered"),
    "smooth": (smooth, SMALL, "exact"),
    "transposed": (transposed, PICTURES, "exact"),
}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_training_says_whether_its_bits_are_those_of_fit(name):
    """Exact trainings have every bit of plain fit; lowered ones its values to 1e-4."""
    build, arrays, sameness = MODELS[name]
    each = member(build, arrays)
    reference = plain.fit(each, engine.Training(2, BATCH_SIZE))
    choices = {"fastest": sameness} | (
        {"keras": "exact"} if sameness != "exact" else {}
    )
    for operations, said in choices.items():
        training = engine.Training(
            2, BATCH_SIZE, keep_weights=True, operations=operations
        )
        prepared = engine.prepare([each], training)
        assert prepared.descriptions[each.group].sameness == said
        (outcome,) = prepared.train()
        assert (outcome.state, outcome.path, outcome.sameness) == (
            "COMPLETE",
            "scan",
            said,
        )
        tolerance = 0.0 if said == "exact" else 1e-4
        assert plain.same(outcome, reference, tolerance) == []


def test_another_choice_is_another_program(planned_programs):
    """A program made for the fastest operations never trains under Keras's own."""
    for operations in ("fastest", "keras", "fastest", "keras"):
        training = engine.Training(1, BATCH_SIZE, operations=operations)
        engine.prepare([member(dense)], training)
    assert len(planned_programs) == 2


def test_a_search_lifts_constants_beside_convolutions(planned_programs):
    """Two dropout rates behind one convolution share a program."""

    def dropped(rate):
        return pictures(layers.Conv2D(4, 3), layers.Dropout(rate))

    training = engine.Training(1, BATCH_SIZE, search="rates")
    engine.prepare([member(dropped, PICTURES, rate=r) for r in (0.2, 0.5)], training)
    (program,) = planned_programs
    assert program.lifted


def test_the_environment_chooses_the_operations(monkeypatch):
    """HOMEROOM_OPERATIONS decides for every training; a wrong one is refused."""
    monkeypatch.delenv("HOMEROOM_OPERATIONS", raising=False)
    assert engine.Training().operations == door.FASTEST
    monkeypatch.setenv("HOMEROOM_OPERATIONS", "keras")
    assert engine.Training().operations == door.KERAS
    monkeypatch.setenv("HOMEROOM_OPERATIONS", "Keras ")
    with pytest.raises(InputError, match="HOMEROOM_OPERATIONS=Keras : use 'fastest'"):
        engine.Training()
    monkeypatch.delenv("HOMEROOM_OPERATIONS")
    with pytest.raises(InputError, match="operations=eager: use"):
        engine.train([member(dense)], engine.Training(operations="eager"))
