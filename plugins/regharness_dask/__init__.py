"""The executor ``dask``: workers of dask.distributed, on this machine, behind a scheduler, or of a cluster's queue."""

from regharness import Component, hookimpl


@hookimpl
def regharness_executors() -> dict[str, Component]:
    """Offer ``dask``."""
    return {
        "dask": Component(
            "regharness_dask.executor:DaskExecutor",
            parameters="regharness_dask.parameters:DaskParameters",
            summary="Workers of dask.distributed: of a scheduler, of SLURM or Kubernetes, or of this machine.",
            citation="Rocklin 2015, doi:10.25080/Majora-7b98e3ed-013",
            requires=("distributed",),
            extra="regharness[dask]",
        )
    }
