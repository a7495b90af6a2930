"""The executor ``local``: one process, one cell after another."""

from regharness import Component, hookimpl


@hookimpl
def regharness_executors() -> dict[str, Component]:
    """Offer ``local``."""
    return {
        "local": Component(
            "regharness_local.executor:LocalExecutor",
            summary="One process, one cell after another, one thread.",
        )
    }
