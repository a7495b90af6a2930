"""Own the reference networks: one-hot sequences and features in, a description and a head out. Trains nothing.

They are those of PyTorch, of Keras's own layers and operations alone, so that their files need no code of ours. To be
imported once Keras has its backend, as `regharness_keras.process` sees to.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from regharness_reference.adapter import Shape

POOL = 8
"""Positions that share one maximum of the first convolution; about a motif, so little of its place is lost."""
PRIOR_UNITS = 64
LOG_VARIANCE_BOUND = 8.0
"""Log variances, of standardised targets, stay within plus and minus this, softly, so that none overflows."""
UNROLLED = 64
"""Most positions for which the steps of an LSTM are laid out one by one; a loop over them is slower by half."""

Body = Callable[[Any, "Seeds"], Any]
"""Maps ``(example, position, base)`` to ``(example, number)``, with first weights by the seeds given."""


class Seeds:
    """A seed for each thing that is random, so that nothing draws from a global generator.

    Parameters
    ----------
    seed
        What decides all of them.
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def next(self) -> int:
        """Another seed."""
        return int(self._rng.integers(2**31))

    def uniform(self) -> Any:
        """First weights within plus and minus one over the root of what goes in, as PyTorch has them."""
        return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform", seed=self.next())

    def dense(self, units: int, name: str, **settings: Any) -> Any:
        """A dense layer."""
        return layers.Dense(units, name=name, kernel_initializer=self.uniform(), **settings)

    def convolution(self, filters: int, size: int, name: str) -> Any:
        """A convolution that keeps the number of positions."""
        return layers.Conv1D(filters, size, padding="same", name=name, kernel_initializer=self.uniform())


@dataclass(frozen=True)
class Parts:
    """The two parts of a network, between which units are dropped.

    Attributes
    ----------
    describe
        Maps ``[(example, position, base)]``, and ``(example, feature)`` where there are any, to units of the last
        hidden layer.
    head
        Maps ``[units]``, and features where there are any, to ``[mean, log variance]``, each ``(example, output)``.
    units
        How many units there are.
    """

    describe: Any
    head: Any
    units: int

    @property
    def variables(self) -> list[Any]:
        """All that is learnt, in an order that does not change."""
        return [*self.describe.trainable_variables, *self.head.trainable_variables]


def made(body: Body, shape: Shape, seed: int) -> Parts:
    """Make a network of random weights."""
    seeds = Seeds(seed)
    sequence = keras.Input((shape.length, 4), name="sequence")
    features = [keras.Input((shape.features,), name="features")] if shape.features else []
    described = body(sequence, seeds)
    units = max(2 * described.shape[-1] // 3, 8)
    if features:
        prior = seeds.dense(PRIOR_UNITS, "prior", activation="relu")(features[0])
        described = layers.Concatenate(name="with_prior")([described, prior])
    hidden = seeds.dense(units, "hidden", activation="relu")(described)
    describe = keras.Model([sequence, *features], hidden, name="describe")
    return Parts(describe, _head(shape, units, seeds), units)


def _head(shape: Shape, units: int, seeds: Seeds) -> Any:
    """A Gaussian for each output, whose mean also hears the features themselves."""
    given = keras.Input((units,), name="units")
    features = [keras.Input((shape.features,), name="features")] if shape.features else []
    mean = seeds.dense(shape.outputs, "mean_of_units")(given)
    if features:
        mean = mean + seeds.dense(shape.outputs, "skip", use_bias=False)(features[0])
    spread = seeds.dense(shape.outputs, "log_variance_of_units")(given)
    log_variance = LOG_VARIANCE_BOUND * ops.tanh(spread / LOG_VARIANCE_BOUND)
    return keras.Model([given, *features], [mean, log_variance], name="head")


def cnn(filters: int) -> Body:
    """Two convolutions, pooled by maximum and mean."""

    def body(one_hot: Any, seeds: Seeds) -> Any:
        first = _stem(one_hot, filters, seeds)
        second = ops.relu(seeds.convolution(filters, 7, "grammar")(first))
        return ops.concatenate([ops.max(first, axis=1), *_pooled(second)], axis=1)

    return body


def bilstm(filters: int, units: int) -> Body:
    """A convolution, and an LSTM that reads what it found in both directions (Quang & Xie 2016)."""

    def body(one_hot: Any, seeds: Seeds) -> Any:
        found = _stem(one_hot, filters, seeds)
        one, other = (
            layers.LSTM(
                units,
                return_sequences=True,
                unroll=found.shape[1] <= UNROLLED,
                go_backwards=backwards,
                kernel_initializer=seeds.uniform(),
                recurrent_initializer=seeds.uniform(),
                seed=seeds.next(),
                name="backward_lstm" if backwards else "lstm",
            )
            for backwards in (False, True)
        )
        read = layers.Bidirectional(one, backward_layer=other, name="directions")(found)
        return ops.concatenate([ops.max(found, axis=1), *_pooled(read)], axis=1)

    return body


def transformer(width: int, heads: int, number: int) -> Body:
    """A convolution, and `number` layers of self-attention between the places where it found something.

    Encoder layers normalise first (Xiong et al., ICML 2020), and what leaves the last is not normalised, since how
    strong a motif is would be lost; places are told by sines (Vaswani et al., NeurIPS 2017), small beside motifs.
    """

    def body(one_hot: Any, seeds: Seeds) -> Any:
        found = _stem(one_hot, width, seeds)
        x = found + _places(found.shape[1], width)
        for place in range(number):
            x = _encoded(x, heads, f"layer_{place}", seeds)
        return ops.concatenate([ops.max(found, axis=1), *_pooled(x)], axis=1)

    return body


def _stem(one_hot: Any, filters: int, seeds: Seeds) -> Any:
    """A convolution that reads motifs, and its maximum over every few positions."""
    read = seeds.convolution(filters, 15, "motifs")(one_hot)
    return ops.relu(layers.MaxPooling1D(POOL, padding="same", name="pool")(read))


def _pooled(x: Any) -> tuple[Any, Any]:
    return ops.max(x, axis=1), ops.mean(x, axis=1)


def _encoded(x: Any, heads: int, name: str, seeds: Seeds) -> Any:
    """Attention and a feed-forward network, each added to what it is given; at first, nothing is added."""
    length, width = x.shape[1:]
    before = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_before")(x)
    asked = seeds.dense(3 * width, f"{name}_asked")(before)
    split = ops.reshape(asked, (-1, length, 3, heads, width // heads))
    seen = ops.dot_product_attention(split[:, :, 0], split[:, :, 1], split[:, :, 2])
    x = x + _silent(width, f"{name}_mixed")(ops.reshape(seen, (-1, length, width)))
    between = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_between")(x)
    return x + _silent(width, f"{name}_narrow")(seeds.dense(2 * width, f"{name}_wide", activation="relu")(between))


def _silent(units: int, name: str) -> Any:
    return layers.Dense(units, kernel_initializer="zeros", name=name)


def _places(length: int, width: int) -> NDArray[np.float32]:
    """Sines and cosines ``(position, number)`` that tell positions."""
    place = np.arange(length)[:, None] * np.exp(np.arange(0, width, 2) * (-math.log(10_000.0) / width))
    return (np.concatenate([np.sin(place), np.cos(place)], axis=1) / math.sqrt(width)).astype(np.float32)
