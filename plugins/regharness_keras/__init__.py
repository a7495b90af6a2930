"""Models of Keras 3. Importing this package imports neither Keras nor TensorFlow."""

from regharness import Component, hookimpl


@hookimpl
def regharness_model_adapters() -> dict[str, Component]:
    """Offer ``keras``."""
    return {
        "keras": Component(
            "regharness_keras.model:KerasModel",
            parameters="regharness_keras.parameters:KerasParameters",
            summary="A Keras 3 model: a .keras file, a SavedModel, or weights and what builds the network.",
            citation="Chollet et al., https://keras.io",
            requires=("keras",),
            extra="regharness[keras]",
        )
    }
