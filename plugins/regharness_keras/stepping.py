"""Have a backend compute: forwards alone, or a step of gradient descent. Knows no network and no loss.

TensorFlow compiles both, once for batches of every size; PyTorch runs them as they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


class Compute:
    """Calls on arrays of one kind: of the same names, types and axes, whose first is the batch's.

    Parameters
    ----------
    backend
        ``tensorflow`` or ``torch``.
    call
        Maps tensors by name to a tensor.
    """

    def __init__(self, backend: str, call: Callable[[dict[str, Any]], Any]) -> None:
        self._call = call
        self._run: Callable[[Arrays], Any] | None = self._eagerly if backend == "torch" else None

    def __call__(self, given: Arrays) -> NDArray[Any]:
        """What the call gives for arrays by name."""
        if self._run is None:
            self._run = self._compiled(given)
        return np.asarray(self._run(given))

    def _compiled(self, given: Arrays) -> Callable[[Arrays], Any]:
        import tensorflow as tf

        kinds = {name: tf.TensorSpec([None, *value.shape[1:]], value.dtype) for name, value in given.items()}
        run = tf.function(self._call, autograph=False).get_concrete_function(kinds)
        return lambda arrays: run({name: tf.constant(value) for name, value in arrays.items()}).numpy()

    def _eagerly(self, given: Arrays) -> Any:
        from keras import ops

        return ops.convert_to_numpy(self._call({name: ops.convert_to_tensor(value) for name, value in given.items()}))


def forward(backend: str, call: Callable[[dict[str, Any]], Any]) -> Compute:
    """Compute `call` without a gradient."""
    if backend == "tensorflow":
        return Compute(backend, call)
    import torch

    return Compute(backend, torch.no_grad()(call))


def descent(backend: str, loss: Callable[[dict[str, Any]], Any], variables: Sequence[Any], optimiser: Any) -> Compute:
    """Compute `loss`, and let `optimiser` take a step down its gradient in Keras's `variables`."""
    optimiser.build(variables)
    if backend == "tensorflow":
        import tensorflow as tf

        def step(given: dict[str, Any]) -> Any:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch([one.value for one in variables])
                found = loss(given)
            optimiser.apply(tape.gradient(found, [one.value for one in variables]), variables)
            return found

        return Compute(backend, step)
    import torch

    def step_of_torch(given: dict[str, Any]) -> Any:
        found = loss(given)
        gradients = torch.autograd.grad(found, [one.value for one in variables])
        with torch.no_grad():
            optimiser.apply(list(gradients), variables)
        return found.detach()

    return Compute(backend, step_of_torch)
