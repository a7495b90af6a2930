"""Refuse datasets that are no cubes of predictions. Reads no cell."""

from __future__ import annotations

from collections.abc import Iterable

import xarray as xr

from regharness.dims import (
    ALEATORIC,
    COVARIATE,
    EPISTEMIC,
    EXAMPLE,
    MEAN,
    MEMBER,
    MEMBER_VARIANCE,
    MEMBERS,
    N_EXAMPLES,
    OUTPUT,
    QUANTILE,
    QUANTILES,
    STATUS,
    TARGET,
    VARIANCE,
)
from regharness.errors import InputError
from regharness.quantiles import level_problem

VARIANCES = (VARIANCE, ALEATORIC, EPISTEMIC)
BEYOND = {QUANTILES: QUANTILE, MEMBERS: MEMBER, MEMBER_VARIANCE: MEMBER}
"""The dimension that these have beside those of the mean."""
OPTIONAL = (*VARIANCES, QUANTILES, MEMBERS, MEMBER_VARIANCE)
"""What a model may not give; NaN all over a cell then."""


def refuse_other_things(dataset: xr.Dataset) -> None:
    """Refuse what is no dataset, and ensembles without a member."""
    if not isinstance(dataset, xr.Dataset):
        raise InputError(
            f"a cube is an xarray.Dataset, not a {type(dataset).__name__}",
            help=f"give one with the variables '{MEAN}' and '{TARGET}', or arrays to `evaluate`",
        )
    if MEMBERS in dataset and dataset.sizes.get(MEMBER) == 0:
        raise InputError(f"'{MEMBERS}' has no {MEMBER}", help="give one at least")


def refuse_other_shapes(dataset: xr.Dataset, names: Iterable[str]) -> None:
    """Refuse parts of cells that do not lie along them, or are no real numbers, and cells of impossible sizes."""
    along = [str(dim) for dim in dataset[MEAN].dims if dim not in (EXAMPLE, OUTPUT)]
    for name in names:
        covariate = name.startswith(COVARIATE)
        own = [EXAMPLE, *([BEYOND[name]] if name in BEYOND else [])]
        fitting = {*own, *along} if covariate else {*own, *dataset[MEAN].dims}
        if not set(own) <= set(dataset[name].dims) <= fitting:
            needed = " and ".join(f"'{dim}'" for dim in own)
            raise InputError(
                f"'{name}' has the dimensions {dataset[name].dims}",
                help=f"it needs {needed}, and no other that '{MEAN}' has not" + (f", nor '{OUTPUT}'" * covariate),
            )
        if not covariate and dataset[name].dtype.kind == "c":
            raise InputError(f"'{name}' is of complex numbers", help="give real ones")
    for name in (STATUS, N_EXAMPLES):
        if name in dataset.variables and not set(dataset[name].dims) <= set(along):
            raise InputError(
                f"'{name}' has the dimensions {dataset[name].dims}",
                help=f"cells lie along: {', '.join(along) or 'none'}",
            )
    if N_EXAMPLES in dataset.variables:
        sizes, most = dataset[N_EXAMPLES].values, dataset.sizes[EXAMPLE]
        if ((sizes < 0) | (sizes > most)).any():
            raise InputError(
                f"'{N_EXAMPLES}' is {sizes.min()} to {sizes.max()}, and there are {most} examples",
                help=f"give each cell 0 to {most}",
            )


def cube_variables(dataset: xr.Dataset) -> list[str]:
    """Names of what a cell is scored from."""
    for name in (MEAN, TARGET):
        if name not in dataset:
            raise InputError(f"the dataset has no variable '{name}'", help=f"it has: {', '.join(map(str, dataset))}")
    if VARIANCE in dataset and (ALEATORIC in dataset or EPISTEMIC in dataset):
        raise InputError(
            f"the dataset has '{VARIANCE}' and its parts '{ALEATORIC}' or '{EPISTEMIC}'",
            help="drop one of them",
        )
    return [name for name in (MEAN, TARGET, *OPTIONAL) if name in dataset]


def quantile_levels(dataset: xr.Dataset) -> tuple[float, ...]:
    """Levels of the quantiles of all models, from low to high; empty without quantiles."""
    if QUANTILES not in dataset:
        return ()
    if QUANTILE not in dataset.coords:
        raise InputError(f"'{QUANTILES}' have no coordinate '{QUANTILE}'", help="give it their levels")
    try:
        levels = tuple(sorted(float(level) for level in dataset[QUANTILE].values))
    except ValueError as error:
        raise InputError(f"the labels along '{QUANTILE}' are no levels: {error}") from None
    wrong = level_problem(levels)
    if wrong:
        raise InputError(wrong, help=f"the labels along '{QUANTILE}' are levels, each between 0 and 1 and there once")
    return levels
