"""The models of the workloads, for Homeroom and for every peer that has Keras."""

from __future__ import annotations

from typing import Any

from work import CONVOLUTION, DENSE, Workload


def model_of(
    spec: Workload,
    learning_rate: float = 1e-3,
    weight_decay: float | None = None,
    dropout: float | None = None,
) -> Any:
    """Return the compiled model of a configuration."""
    import keras

    if spec.kind == DENSE:
        model = _dense(spec, dropout)
    elif spec.kind == CONVOLUTION:
        model = _convolution(spec)
    else:
        model = _transformer(spec)
    model.compile(
        keras.optimizers.Adam(learning_rate, weight_decay=weight_decay),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def function_of(spec: Workload) -> Any:
    """Return a function of the hyperparameters that the space has, and no others."""
    if len(spec.space) == 1:
        return lambda learning_rate: model_of(spec, learning_rate)
    return lambda learning_rate, weight_decay, dropout: model_of(
        spec, learning_rate, weight_decay, dropout
    )


def _dense(spec: Workload, dropout: float | None) -> Any:
    import keras

    layers: list[Any] = [keras.Input((FEATURES[spec.data],))]
    for units in spec.hidden:
        layers.append(keras.layers.Dense(units, activation="relu"))
        if dropout is not None:
            layers.append(keras.layers.Dropout(dropout))
    layers.append(keras.layers.Dense(spec.classes, activation="softmax"))
    return keras.Sequential(layers)


def _convolution(spec: Workload) -> Any:
    import keras

    return keras.Sequential([
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(spec.classes, activation="softmax"),
    ])


def _transformer(spec: Workload) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((64, 16))
    x = layers.Dense(64)(inputs)
    for _ in range(2):
        normal = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(4, 16)(normal, normal)
        normal = layers.LayerNormalization()(x)
        x = x + layers.Dense(64)(layers.Dense(256, activation="relu")(normal))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(spec.classes, activation="softmax")(x))


FEATURES = {"digits": 64, "breast cancer": 30, "table": 100}
