"""Own how a run comes to a dask scheduler, and leaves it: found, started here, or started through a queue. Runs no job.

Dask says nothing on stderr meanwhile: what goes wrong is told in one line by who calls this.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import dask
from distributed import Client, LocalCluster, Nanny
from distributed.deploy import Cluster

from regharness.errors import InputError
from regharness.spawning import ONE_THREAD, spawning
from regharness_dask.parameters import ClusterParameters


@contextmanager
def connected(
    workers: int, scheduler: str | None, cluster: ClusterParameters | None, resources: dict[str, float], timeout: float
) -> Iterator[Client]:
    """A client of the scheduler, which is there; what was started for it ends with it.

    Raises
    ------
    InputError
        When the scheduler cannot be reached, or the cluster cannot be made.
    """
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        stack.enter_context(
            dask.config.set({"distributed.comm.timeouts.connect": timeout, "distributed.comm.retry.count": 0})
        )
        if scheduler is None:
            started = _local(workers, resources) if cluster is None else _made(cluster, workers)
            stack.callback(_close, started)
        try:
            client = Client(scheduler or started, timeout=timeout, set_as_default=False)
        except (OSError, ValueError, RuntimeError) as error:
            where = scheduler or f"the cluster {started.name}"
            raise InputError(
                f"the dask scheduler at {where} cannot be reached within {timeout:g} s: {_said(error)}",
                help="check the address, and that 'dask scheduler' of the same version runs there",
            ) from None
        stack.callback(_close, client)
        yield client


class _QuietNanny(Nanny):
    """A nanny whose workers do not import the program that started them."""

    async def instantiate(self) -> Any:
        with spawning():
            return await super().instantiate()


def _local(workers: int, resources: dict[str, float]) -> LocalCluster:
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        worker_class=_QuietNanny,
        # Any free port: what listens on 8787 may be another run's.
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
        # A worker near its limit would be paused, and its jobs wait for ever.
        memory_limit=None,
        env=dict(ONE_THREAD),
        resources=resources,
    )


def _made(cluster: ClusterParameters, workers: int) -> Cluster:
    module, _, name = cluster.class_.rpartition(".")
    try:
        made = getattr(importlib.import_module(module), name)(**cluster.with_)
    except ImportError as error:
        package = module.split(".")[0]
        raise InputError(
            f"cluster '{cluster.class_}' cannot be imported: {_said(error)}", help=f"pip install {package}"
        ) from None
    except Exception as error:
        raise InputError(f"cluster '{cluster.class_}' cannot be made: {type(error).__name__}: {_said(error)}") from None
    if not isinstance(made, Cluster):
        raise InputError(f"'{cluster.class_}' is no cluster of dask")
    made.scale(workers)
    return made


def _close(what: Client | Cluster) -> None:
    # Its other end may be gone already.
    with suppress(OSError, RuntimeError, TimeoutError):
        what.close(timeout=5)


def _said(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in ("distributed", "tornado")]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
