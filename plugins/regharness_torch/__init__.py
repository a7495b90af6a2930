"""Models in PyTorch. Importing this package does not import torch."""

from regharness import Component, hookimpl


@hookimpl
def regharness_model_adapters() -> dict[str, Component]:
    """Offer ``torch_cnn``."""
    return {
        "torch_cnn": Component(
            "regharness_torch.adapter:TorchCNN",
            parameters="regharness_torch.parameters:CNNParameters",
            summary="Small convolutional network with a Gaussian head, plain or with a structural prior.",
            citation="Seitzer et al., ICLR 2022, arXiv 2203.09168 (beta-NLL); Nix & Weigend 1994 (Gaussian head)",
            requires=("torch",),
            extra="regharness[torch]",
        )
    }
