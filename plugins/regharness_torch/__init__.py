"""Models in PyTorch. Importing this package does not import torch."""

from typing import Any

from regharness import Component, hookimpl

BETA_NLL = "Seitzer et al., ICLR 2022, arXiv 2203.09168 (beta-NLL); Nix & Weigend 1994 (Gaussian head)"


@hookimpl
def regharness_model_adapters() -> dict[str, Component]:
    """Offer users' own networks, and reference models."""
    needed: dict[str, Any] = {"requires": ("torch",), "extra": "regharness[torch]"}
    return {
        "torch": Component(
            "regharness_torch.file:TorchModel",
            parameters="regharness_torch.file_parameters:TorchParameters",
            summary="Your own network of PyTorch, with the weights of a file.",
            citation="Paszke et al., NeurIPS 2019",
            **needed,
        ),
        "torch_cnn": Component(
            "regharness_torch.reference:TorchCNN",
            parameters="regharness_torch.parameters:TorchCNNParameters",
            summary="Small convolutional network, plain or with a prior; gives a Gaussian, quantiles or evidence.",
            citation=BETA_NLL,
            **needed,
        ),
        "torch_bilstm": Component(
            "regharness_torch.reference:TorchBiLSTM",
            parameters="regharness_torch.parameters:TorchBiLSTMParameters",
            summary="A convolution and an LSTM in both directions, plain or with a prior; with the same heads.",
            citation=f"Quang & Xie, Nucleic Acids Research 44:e107 (2016); {BETA_NLL}",
            **needed,
        ),
        "torch_transformer": Component(
            "regharness_torch.reference:TorchTransformer",
            parameters="regharness_torch.parameters:TorchTransformerParameters",
            summary="A convolution and self-attention, plain or with a prior; with the same heads.",
            citation=f"Vaswani et al., NeurIPS 2017; Xiong et al., ICML 2020; {BETA_NLL}",
            **needed,
        ),
        "torch_legnet": Component(
            "regharness_torch.reference:TorchLegNet",
            parameters="regharness_torch.parameters:TorchLegNetParameters",
            summary="Small residual network with squeeze and excitation, after LegNet; with the same heads.",
            citation=f"Penzar et al., Bioinformatics 39:btad457 (2023); {BETA_NLL}",
            **needed,
        ),
    }
