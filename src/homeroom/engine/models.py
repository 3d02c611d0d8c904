"""Ready-made model functions, for those who have data and no model yet.

Each returns a compiled Keras model made of Keras's own layers. The parameters
`n_features`, `n_classes`, `target_mean` and `target_std`, where they are None, are
filled in from a fold's training rows; no `n_classes` then makes a regression.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from . import door

_SMALLEST, _LARGEST = 1e-8, 1e9  # spread of a target that a network can learn


def linear(
    n_features: int | None = None,
    n_classes: int | None = None,
    learning_rate: float = 1e-2,
    l2: float = 1e-4,
    target_mean: float | None = None,
    target_std: float | None = None,
) -> Any:
    """Return multinomial logistic regression, or linear regression, by Adam.

    Args:
        n_features: Width of a row; None leaves it to the first batch.
        n_classes: Number of classes; None for a number to predict.
        learning_rate: Of Adam.
        l2: Weight of the squared weights in the loss, in units of the target's
            variance.
        target_mean: Mean of the training targets (regression only); None is 0.
        target_std: Standard deviation of the training targets (regression only);
            None is 1.
    """
    keras = door.keras()
    unit = _unit(target_std)
    regularizer = keras.regularizers.L2(l2 * unit**2)
    head = _head(n_classes, target_mean, target_std, regularizer)
    model = keras.Sequential([*_input(n_features), *head])
    return _compiled(model, n_classes, learning_rate, unit)


def mlp(
    units: Sequence[int] = (64,),
    dropout: float = 0.2,
    n_features: int | None = None,
    n_classes: int | None = None,
    learning_rate: float = 1e-3,
    target_mean: float | None = None,
    target_std: float | None = None,
) -> Any:
    """Return a perceptron with ReLU layers of `units`, each followed by dropout.

    Args:
        units: Width of each hidden layer.
        dropout: Share of a hidden layer silenced in each training step.
        n_features: Width of a row; None leaves it to the first batch.
        n_classes: Number of classes; None for a number to predict.
        learning_rate: Of Adam.
        target_mean: Mean of the training targets (regression only); None is 0.
        target_std: Standard deviation of the training targets (regression only);
            None is 1.
    """
    keras = door.keras()
    layers = _input(n_features)
    for width in units:
        layers.append(keras.layers.Dense(width, activation="relu"))
        if dropout:
            layers.append(keras.layers.Dropout(dropout))
    layers += _head(n_classes, target_mean, target_std, None)
    unit = _unit(target_std)
    return _compiled(keras.Sequential(layers), n_classes, learning_rate, unit)


def linear_image(
    input_shape: Sequence[int] = (8, 8),
    n_classes: int | None = None,
    learning_rate: float = 1e-2,
    largest: float = 1.0,
) -> Any:
    """Return multinomial logistic regression on the pixels of an image, by Adam.

    Args:
        input_shape: Shape of an image.
        n_classes: Number of classes; None for a number to predict.
        learning_rate: Of Adam.
        largest: What pixels are divided by: about the value of a white one.
    """
    keras = door.keras()
    layers = [keras.Input(tuple(input_shape)), keras.layers.Flatten()]
    if largest != 1:
        layers.append(keras.layers.Rescaling(1 / largest))
    regularizer = keras.regularizers.L2(1e-4)
    layers += _head(n_classes, None, None, regularizer)
    return _compiled(keras.Sequential(layers), n_classes, learning_rate)


def convnet(
    image_shape: Sequence[int] = (8, 8, 1),
    filters: Sequence[int] = (16, 32),
    n_classes: int | None = None,
    learning_rate: float = 2e-3,
    input_shape: Sequence[int] | None = None,
    largest: float = 1.0,
) -> Any:
    """Return a small convolutional network for images, flat rows or not.

    Args:
        image_shape: Height, width and channels of an image.
        filters: Number of filters of each convolution (3×3, stride 2).
        n_classes: Number of classes; None for a number to predict.
        learning_rate: Of Adam.
        input_shape: Shape of a row as it is given; flat by default.
        largest: What pixels are divided by: about the value of a white one.
    """
    keras = door.keras()
    height, width, channels = image_shape
    layers = [keras.Input(input_shape or (height * width * channels,))]
    if largest != 1:
        layers.append(keras.layers.Rescaling(1 / largest))
    layers.append(keras.layers.Reshape((height, width, channels)))
    layers += [
        keras.layers.Conv2D(n, 3, strides=2, padding="same", activation="relu")
        for n in filters
    ]
    layers += [keras.layers.Flatten(), *_head(n_classes, None, None, None)]
    return _compiled(keras.Sequential(layers), n_classes, learning_rate)


def _input(n_features: int | None) -> list[Any]:
    return [] if n_features is None else [door.keras().Input((n_features,))]


def _head(
    n_classes: int | None, mean: float | None, std: float | None, regularizer: Any
) -> list[Any]:
    """The output layer; a number leaves in its own units, learned in standard ones."""
    keras = door.keras()
    if n_classes is not None:
        return [
            keras.layers.Dense(
                n_classes, activation="softmax", kernel_regularizer=regularizer
            )
        ]
    return [
        keras.layers.Dense(1, kernel_regularizer=regularizer),
        keras.layers.Dense(
            1,
            trainable=False,
            name="target_units",
            kernel_initializer=keras.initializers.Constant(1.0 if std is None else std),
            bias_initializer=keras.initializers.Constant(mean or 0.0),
        ),
    ]


def _unit(std: float | None) -> float:
    """Return the power of two nearest to the spread of a target: folds share it.

    Beyond what squared gradients in float32 allow it is 1.
    """
    if std is None or not _SMALLEST < std < _LARGEST:
        return 1.0
    return 2.0 ** round(math.log2(std))


def _compiled(
    model: Any, n_classes: int | None, learning_rate: float, unit: float = 1.0
) -> Any:
    """Return the model compiled; `unit` is that of the target.

    A squared error has gradients in squared units, and Adam must not take small ones
    for none.
    """
    keras = door.keras()
    optimizer = keras.optimizers.Adam(learning_rate, epsilon=1e-7 * unit**2)
    if n_classes is not None:
        model.compile(
            optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"]
        )
    else:
        metrics = ["mae", keras.metrics.RootMeanSquaredError()]
        model.compile(optimizer, loss="mse", metrics=metrics)
    return model
