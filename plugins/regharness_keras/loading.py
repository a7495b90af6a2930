"""Load Keras models: .keras files in safe mode, and weights into what a builder makes. Runs no prediction."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from regharness.errors import CellError
from regharness_keras.archive import check_archive, check_weights, what_wrote
from regharness_keras.parameters import KerasParameters
from regharness_networks.building import module_of, named, randomness_kept


def loaded(p: KerasParameters, keras: Any) -> Any:
    """The model that the parameters describe.

    Raises
    ------
    CellError
        For a file that is not what it should be, holds code, or has no weights.
    """
    with randomness_kept():
        if p.builder is not None:
            return _weighted(p, named(p.builder, p.code), keras)
        return _saved(p, keras)


def _saved(p: KerasParameters, keras: Any) -> Any:
    path = p.path
    if path.suffix in (".h5", ".hdf5"):
        raise CellError(
            f"{path.name} is {what_wrote(path)}, not a .keras file; with the Keras that wrote it: "
            "keras.models.load_model(...).save('model.keras'), or of weights alone, "
            "build the network, model.load_weights(...) and model.save('model.keras')"
        )
    if path.suffix != ".keras":
        raise CellError(f"{path.name} is no .keras file, saved_model.pb or .weights.h5")
    check_archive(path)
    try:
        own = _objects(p, keras)
        model = keras.saving.load_model(path, custom_objects=own, compile=False, safe_mode=True)
    except CellError:
        raise
    except Exception as error:
        # Keras goes on to advise that its safe mode be switched off, which is not to be had here.
        line = first_line(error).partition(" If you trust")[0]
        remedy = ""
        if "Could not locate" in line:
            remedy = "; 'code' names the Python file that defines it"
        elif "`Lambda`" in line:
            remedy = " Save it with a layer class of your own in its place, which 'code' then defines"
        raise CellError(f"Keras cannot load {path.name}: {line}{remedy}") from None
    return model


def _objects(p: KerasParameters, keras: Any) -> dict[str, Any]:
    """Classes and functions that the user's code defines, by name."""
    if p.code is None:
        return {}
    try:
        module = module_of(p.code)
    except Exception as error:
        raise CellError(f"{p.code.name} cannot be imported: {type(error).__name__}: {error}") from None
    return {
        name: value
        for name, value in vars(module).items()
        if (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__ == module.__name__
    }


def _weighted(p: KerasParameters, build: Callable[..., Any], keras: Any) -> Any:
    check_weights(p.path)
    try:
        model = build(**p.arguments)
    except TypeError as error:
        raise CellError(f"'{p.builder}' cannot be built: {error}; see 'arguments'") from None
    if not isinstance(model, keras.Model):
        raise CellError(f"'{p.builder}' builds {type(model).__name__}, not a keras.Model")
    if not model.built:
        _built(model, p, keras)
    try:
        model.load_weights(p.path)
    except Exception as error:
        raise CellError(f"{p.path.name} does not fit what '{p.builder}' builds: {first_line(error)}") from None
    return model


def _built(model: Any, p: KerasParameters, keras: Any) -> None:
    """Call a model once, since what no call has built has no weights to be filled."""
    if p.length is None:
        raise CellError(f"what '{p.builder}' makes is built when it is called; 'length' says on how many positions")
    sizes = {"N": 1, "L": p.length, "C": 4, "1": 1}
    shape = tuple(sizes[axis] for axis in ("NL" if p.tokens else p.layout or "NLC"))
    try:
        model(keras.ops.zeros(shape, "int32" if p.tokens else "float32"))
    except Exception as error:
        raise CellError(f"what '{p.builder}' makes refused {shape}: {first_line(error)}; see 'layout'") from None


def first_line(error: Exception) -> str:
    """What an error of Keras says first."""
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
