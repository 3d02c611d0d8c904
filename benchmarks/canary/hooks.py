"""What Homeroom's engine leans on, some of it private: is it there, and as it was?

Each canary takes the way the engine takes; the names it leans on are in its plan.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import keras
import numpy as np
from finding import BROKEN, HAZARD, SAFE, Said, relied_on
from silence import FEATURES, ROWS, small_data, small_model

from homeroom import engine
from homeroom.engine import (
    disk,
    door,
    identity,
    measures,
    programs,
    recipe,
    structure,
    template,
    workshop,
)
from homeroom.engine.random_bits import random_bits

BATCH = 8


def _holds(what: str, *holds: bool) -> Said:
    return what, SAFE if all(holds) else BROKEN


def _arrays() -> engine.Arrays:
    return engine.Arrays(*small_data())


def _drawn(seed: int) -> recipe.Drawn:
    model = template.draw(small_model, seed, _arrays(), BATCH)
    return recipe.Drawn(seed, model, template.state_of(model))


@relied_on(
    "Keras's step in a loop equals fit, bit for bit",
    plan="the engine: train_step, test_step, predict_step, StatelessScope",
)
def step_in_loop() -> Said:
    rows = np.arange(ROWS, dtype=np.int32)
    train, validation = rows[:20], rows[20:]  # the last batch is a partial one
    member = engine.Member("one", small_model, _arrays(), train, validation, 3, 0)
    how = engine.Training(epochs=2, batch_size=BATCH, shuffle=False, keep_weights=True)
    (ours,) = engine.train([member], how, lanes=1)
    x, y = small_data()
    keras.utils.set_random_seed(3)
    model = small_model()
    fitted = model.fit(
        x[train],
        y[train],
        validation_data=(x[validation], y[validation]),
        batch_size=BATCH,
        epochs=2,
        shuffle=False,
        verbose=0,
    )
    gaps = [
        float(np.abs(np.asarray(variable) - weight).max())
        for variable, weight in zip(
            model.trainable_variables, ours.weights.trainable, strict=True
        )
    ]
    same = all(
        tuple(values) == ours.history.series[name]
        for name, values in fitted.history.items()
    )
    said = f"path {ours.path}, largest difference {max(gaps):.1e}"
    return _holds(said, ours.path == "scan", max(gaps) == 0, same)


@relied_on(
    "models are built without training",
    plan="template: Model._symbolic_build, Model._flatten_layers",
)
def symbolic_build() -> Said:
    def unbuilt() -> keras.Model:
        model = keras.Sequential([keras.layers.Dense(2)])
        model.compile("adam", "mse", metrics=["mae"])
        return model

    x = np.zeros((ROWS, FEATURES), "float32")
    arrays = engine.Arrays(x, np.zeros((ROWS, 2), "float32"))
    model = template.build(unbuilt, 0, arrays, BATCH)
    layers = list(model._flatten_layers(include_self=False))
    built = model.built and model.optimizer.built and all(a.built for a in layers)
    names = template.describe(model, arrays.y).names
    return _holds(f"metrics {', '.join(names)}", built, names == ("loss", "mae"))


@relied_on(
    "weights follow from the seeds that Keras draws",
    plan="recipe: JaxVariable._initialize_with_initializer, "
    "seed_generator.python_random, SeedGenerator's seed_initializer",
)
def drawn_again() -> Said:
    learned = recipe.learn(_drawn(3), _drawn(4))
    if learned is None:
        return "no recipe is found", BROKEN
    leaves = jax.tree.leaves
    pairs = zip(leaves(learned.state(5)), leaves(_drawn(5).state), strict=True)
    same = all(np.array_equal(a, b) for a, b in pairs)
    said = f"{learned.n_seeds} seeds, a third model is drawn"
    return _holds(said, same, learned.n_seeds == 3)


@relied_on(
    "Keras's global state has the keys we put back",
    plan="template: global_state's object_name_uids, global_random_seed, "
    "global_seed_generator",
)
def global_state() -> Said:
    from keras.src.backend.common import global_state

    keras.utils.set_random_seed(12)
    seed = global_state.get_global_attribute("global_random_seed")
    keras.random.normal((1,))
    made = global_state.get_global_attribute("global_seed_generator")
    first, second = (_drawn(seed).model.layers[0].name for seed in (1, 2))
    after = global_state.get_global_attribute("global_random_seed")
    return _holds(
        f"seed {seed}, layers {first} and {second}",
        seed == after == 12,
        made is not None,
        global_state.get_global_attribute("global_seed_generator") is made,
        first == second,
    )


@relied_on(
    "a configuration tells what a model computes",
    plan="identity: model._compile_config.config, "
    "optimizer._exclude_from_weight_decay and …_pattern",
)
def told_apart() -> Said:
    models = [_drawn(seed).model for seed in (1, 2, 3)]
    models[2].layers[1].rate = 0.4
    told = list(map(identity.identity, models))
    decay = keras.optimizers.AdamW(weight_decay=0.1)
    before = identity.spares_from_decay(decay)
    decay.exclude_from_weight_decay(var_names=["bias"])
    return _holds(
        "same told as same, others as others",
        told[0] is not None and told[0] == told[1] != told[2],
        not before and identity.spares_from_decay(decay),
    )


@relied_on(
    "metrics tell their direction, and outputs and losses theirs",
    plan="measures: metric._direction, _compile_metrics._flat_metrics, "
    "_compile_loss.metrics",
)
def direction() -> Said:
    model = _drawn(0).model
    x, y = small_data()
    model._symbolic_build(data_batch=(x[:BATCH], y[:BATCH], None))
    found = measures.direction_of(model, "accuracy")
    inputs = keras.Input((FEATURES,))
    heads = {name: keras.layers.Dense(1, name=name)(inputs) for name in "ab"}
    forked = keras.Model(inputs, heads)
    forked.compile("sgd", {"a": "mse", "b": "mse"}, metrics={"a": ["mae"]})
    forked._symbolic_build(data_batch=(x[:BATCH], dict.fromkeys("ab", x[:BATCH, :1])))
    ways = [measures.direction_of(forked, name) for name in ("a_mae", "b_loss")]
    return _holds(f"accuracy: {found}", found == "max", ways == ["min", "min"])


@relied_on(
    "compiled losses and metrics can be given to another model",
    plan="ensemble: _compile_metrics._user_metrics, ._user_weighted_metrics, "
    "_compile_loss._user_loss_weights",
)
def compiled_parts() -> Said:
    model = _drawn(0).model
    metrics = model._compile_metrics
    told = (metrics._user_weighted_metrics, model._compile_loss._user_loss_weights)
    given = metrics._user_metrics == ["accuracy"]
    return _holds(f"metrics {metrics._user_metrics}", given, told == (None, None))


@relied_on(
    "class weights are those of fit",
    plan="program: data_adapter_utils.class_weight_to_sample_weights",
)
def class_weights() -> Said:
    from keras.src.trainers.data_adapters import data_adapter_utils

    weigh = data_adapter_utils.class_weight_to_sample_weights
    found = np.asarray(weigh(np.array([0, 1, 1]), {0: 1.0, 1: 0.5})).tolist()
    return _holds(f"{found}", found == [1.0, 0.5, 0.5])


@relied_on(
    "a traced step tells its literals, and runs with others",
    plan="structure, steps: jit(…).trace, .jaxpr, .out_info, Literal.val, "
    "equation.ctx.manager, primitive.get_bind_params, typeof, the names of calls",
)
def literals() -> Said:
    def step(rate: float) -> structure.Any:
        @jax.jit
        def inner(x: jax.Array) -> jax.Array:
            return jax.nn.relu(x) * rate

        def outer(x: jax.Array) -> jax.Array:
            return jax.grad(lambda x: (inner(x) ** 2).sum())(x)

        return jax.jit(outer, inline=True).trace(jnp.arange(-2.0, 3.0))

    first, second = step(0.3), step(0.7)
    told = [structure.structure_of([each.jaxpr]) for each in (first, second)]
    differing = told[0].differing(told[1])
    x = np.arange(-2.0, 3.0, dtype="float32")
    values = {i: told[1].literals[i] for i in differing}
    (found,) = structure.evaluate(first.jaxpr, [x], values)
    (expected,) = structure.evaluate(second.jaxpr, [x], {})
    return _holds(
        f"{len(differing)} of {len(told[0].literals)} differ",
        told[0].skeleton == told[1].skeleton,
        0 < len(differing) < len(told[0].literals),
        np.array_equal(found, expected),
        first.out_info.shape == (5,),
    )


@relied_on(
    "programs compile for one core, into a folder",
    plan="program, disk: xla_cpu_multi_thread_eigen, jax_compilation_cache_dir",
)
def compiler() -> Said:
    options = {"xla_cpu_multi_thread_eigen": False}
    double = jax.jit(lambda x: 2 * x, compiler_options=options)
    found = float(double.lower(1.0).compile()(1.0))
    known = hasattr(jax.config, "jax_compilation_cache_dir")
    cpu = door.device() != "cpu" or found == 2.0
    return _holds(f"2 × 1 = {found:g}", cpu, known)


@relied_on(
    "the folder of compiled programs is our own",
    plan="disk: jax._src.compilation_cache.get_file_cache; without it JAX writes them, "
    "and room is made once per process",
)
def own_folder() -> Said:
    from jax._src import compilation_cache

    if not hasattr(compilation_cache, disk.HOOK):
        return "JAX has no such hook", HAZARD
    if not jax.config.jax_compilation_cache_dir:
        return "no folder for compiled programs", SAFE
    jax.jit(lambda x: x + 1).lower(np.zeros(3)).compile()
    kind = type(compilation_cache._cache)
    return _holds(f"kept by {kind.__name__}", kind is disk.ProgramFolder)


@relied_on(
    "random bits in pieces are JAX's own",
    plan="random_bits: threefry2x32._threefry_random_bits_partitionable; without it "
    "they are JAX's, and slower",
)
def same_bits() -> Said:
    try:
        from jax._src.random import threefry2x32

        original = threefry2x32._threefry_random_bits_partitionable
    except (ImportError, AttributeError):
        return "kept elsewhere: JAX's own are used", HAZARD
    key = jnp.array([3, 4], "uint32")
    shape = (3, 1000)
    pairs = [
        (np.asarray(bits(key, width, shape)))
        for width in (8, 16, 32)
        for bits in (original, random_bits)
    ]
    same = all(map(np.array_equal, pairs[::2], pairs[1::2]))
    used = jax.config.jax_threefry_partitionable
    return _holds(f"3 widths, partitionable {used}", same, used)


@relied_on(
    "JAX tells what it read from disk",
    plan="making: the event /jax/compilation_cache/cache_hits; without it a program "
    "read from disk is called compiled",
)
def told_of_reading() -> Said:
    uses = []
    for _ in range(2):
        workshop._programs = programs.Programs()
        rows = np.arange(ROWS, dtype=np.int32)
        member = engine.Member("one", small_model, _arrays(), rows, None, 3, 0)
        ready = engine.prepare([member], engine.Training(epochs=1, batch_size=BATCH))
        ready.train()
        uses += ready.uses()
    read = uses[-1].making.from_disk
    if not jax.config.jax_compilation_cache_dir:
        return "no folder for compiled programs", SAFE
    return _holds(f"read from disk: {read}", read)


@relied_on(
    "classes are where we know them by name",
    plan="protocol: keras.src.models.model.Model, "
    "keras.src.callbacks.early_stopping.EarlyStopping",
)
def known_by_name() -> Said:
    kinds = (keras.Model, keras.callbacks.EarlyStopping)
    found = [f"{kind.__module__}.{kind.__name__}" for kind in kinds]
    expected = [
        "keras.src.models.model.Model",
        "keras.src.callbacks.early_stopping.EarlyStopping",
    ]
    return _holds(", ".join(name.split(".")[-1] for name in found), found == expected)
