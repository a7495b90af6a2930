"""The executor ``processes``: several processes of this machine, each keeping the models that it has fitted."""

from regharness import Component, hookimpl


@hookimpl
def regharness_executors() -> dict[str, Component]:
    """Offer ``processes``."""
    return {
        "processes": Component(
            "regharness_processes.executor:ProcessExecutor",
            parameters="regharness_processes.parameters:ProcessParameters",
            summary="Several processes of this machine, one thread each; one that dies costs its cell a retry.",
        )
    }
