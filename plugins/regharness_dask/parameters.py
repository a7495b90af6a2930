"""What a spec can say of dask workers. Connects to nothing and imports no dask."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from regharness.parameters import Parameters

PACKAGES = ("dask_cuda", "dask_jobqueue", "dask_kubernetes", "distributed")
"""Those whose clusters may be made: a spec is no way to call whatever is installed."""
SCHEMES = ("tcp", "tls", "ucx", "ws", "wss")


def _address(text: str) -> str:
    if not re.fullmatch(rf"({'|'.join(SCHEMES)})://[^\s/]+(/\S*)?", text):
        raise ValueError(f"a scheduler's address is tcp://HOST:PORT, not '{text}'")
    return text


def _cluster_class(text: str) -> str:
    package, _, rest = text.partition(".")
    if package not in PACKAGES or not re.fullmatch(r"([a-z_]+\.)*[A-Za-z]+Cluster", rest):
        raise ValueError(f"'{text}' is no cluster of {', '.join(PACKAGES)}, such as dask_jobqueue.SLURMCluster")
    return text


class ClusterParameters(Parameters):
    """A cluster that starts workers through a queue or an operator."""

    class_: Annotated[str, AfterValidator(_cluster_class)] = Field(
        alias="class", description="Such as dask_jobqueue.SLURMCluster or dask_kubernetes.operator.KubeCluster."
    )
    with_: dict[str, Any] = Field(default={}, alias="with", description="What it is made with, as its pages say.")


class DaskParameters(Parameters):
    """Workers of dask.distributed."""

    workers: int = Field(
        default=1,
        ge=1,
        le=1024,
        description="How many to start: processes of this machine, or jobs of the cluster. Of a scheduler's workers "
        "all are used.",
    )
    scheduler: Annotated[str, AfterValidator(_address)] | None = Field(
        default=None, description="Address of a running scheduler, such as tcp://10.0.0.1:8786."
    )
    cluster: ClusterParameters | None = Field(default=None, description="A cluster to start, and to end with the run.")
    resources: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default={}, description="What a worker must offer, and a cell takes of it, such as {GPU: 1}."
    )
    timeout: float = Field(
        default=10.0, gt=0, le=3600, description="Seconds to wait for the scheduler, and for its first worker."
    )

    @model_validator(mode="after")
    def _one_place(self) -> DaskParameters:
        if self.scheduler is not None and self.cluster is not None:
            raise ValueError("'scheduler' is where workers are, 'cluster' starts some: give one of them")
        return self
