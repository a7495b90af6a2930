"""Models in PyTorch. Importing this package does not import torch."""

from regharness import Component, hookimpl


@hookimpl
def regharness_model_adapters() -> dict[str, Component]:
    """Offer users' own networks, and reference models."""
    return {
        "torch": Component(
            "regharness_torch.file:TorchModel",
            parameters="regharness_torch.file_parameters:TorchParameters",
            summary="Your own network of PyTorch, with the weights of a file.",
            citation="Paszke et al., NeurIPS 2019",
            requires=("torch",),
            extra="regharness[torch]",
        ),
        "torch_cnn": Component(
            "regharness_torch.adapter:TorchCNN",
            parameters="regharness_torch.parameters:CNNParameters",
            summary="Small convolutional network with a Gaussian head, plain or with a structural prior.",
            citation="Seitzer et al., ICLR 2022, arXiv 2203.09168 (beta-NLL); Nix & Weigend 1994 (Gaussian head)",
            requires=("torch",),
            extra="regharness[torch]",
        ),
    }
