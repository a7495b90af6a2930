"""Models of Keras 3. Importing this package imports neither Keras nor TensorFlow."""

from typing import Any

from regharness import Component, hookimpl

BETA_NLL = "Seitzer et al., ICLR 2022, arXiv 2203.09168 (beta-NLL); Nix & Weigend 1994 (Gaussian head)"


@hookimpl
def regharness_model_adapters() -> dict[str, Component]:
    """Offer users' own models, and reference models."""
    needed: dict[str, Any] = {"requires": ("keras",), "extra": "regharness[keras]"}
    return {
        "keras": Component(
            "regharness_keras.model:KerasModel",
            parameters="regharness_keras.parameters:KerasParameters",
            summary="A Keras 3 model: a .keras file, a SavedModel, or weights and what builds the network.",
            citation="Chollet et al., https://keras.io",
            **needed,
        ),
        "keras_cnn": Component(
            "regharness_keras.reference:KerasCNN",
            parameters="regharness_keras.reference_parameters:KerasCNNParameters",
            summary="Small convolutional network with a Gaussian head, plain or with a structural prior.",
            citation=BETA_NLL,
            **needed,
        ),
        "keras_bilstm": Component(
            "regharness_keras.reference:KerasBiLSTM",
            parameters="regharness_keras.reference_parameters:KerasBiLSTMParameters",
            summary="A convolution and an LSTM in both directions, with a Gaussian head, plain or with a prior.",
            citation=f"Quang & Xie, Nucleic Acids Research 44:e107 (2016); {BETA_NLL}",
            **needed,
        ),
        "keras_transformer": Component(
            "regharness_keras.reference:KerasTransformer",
            parameters="regharness_keras.reference_parameters:KerasTransformerParameters",
            summary="A convolution and self-attention, with a Gaussian head, plain or with a prior.",
            citation=f"Vaswani et al., NeurIPS 2017; Xiong et al., ICML 2020; {BETA_NLL}",
            **needed,
        ),
    }
