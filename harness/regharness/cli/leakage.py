"""The verb ``leakage``, and how its outcome is drawn. Measures nothing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regharness.cli.console import print_rich, write_file

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from numpy.typing import NDArray
    from rich.table import Table
    from rich.text import Text

    from regharness.catalog import Catalog
    from regharness.leakage import Leakage
    from regharness.run_folder import Run
    from regharness.spec import BenchmarkSpec

BARS = " ▁▂▃▄▅▆▇█"
COLUMNS = 20
"""Of a histogram strip: one for each 0.05 of similarity."""


@click.command()
@click.argument("source", metavar="RUN|SPEC")
@click.option("--task", metavar="T", help="Only this task.")
@click.option("--shift", metavar="S", help="Only this shift: OPERATOR@SEVERITY, or OPERATOR with all severities.")
@click.option("--metric", metavar="M", help="Score by this metric in place of the one that ranks.")
@click.option("--bins", default="0,.1,.3,.5,.9,1", show_default=True, metavar="EDGES", help="Ascending, within 0 to 1.")
@click.option("--word", type=int, metavar="K", help="Bases of a word.  [default: 16]")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.option("-o", "--output", metavar="FILE", help="Write here instead of to stdout.")
@click.pass_obj
def leakage(
    disabled: tuple[str, ...],
    source: str,
    task: str | None,
    shift: str | None,
    metric: str | None,
    bins: str,
    word: int | None,
    as_json: bool,
    output: str | None,
) -> int:
    """Show how near the test sequences are to the training sequences, and each model's score by nearness.

    The similarity of a test sequence is the share of its words of K bases, either strand, that its nearest
    training sequence holds. A SPEC that was not run shows the similarity alone.
    """
    import json

    from regharness.catalog import load_catalog
    from regharness.leakage import leakage as measure

    edges = _edges(bins)
    catalog = load_catalog(disabled)
    opened = _open(source, catalog)
    found = measure(opened, catalog, task=task, shift=shift, metric=metric, edges=edges, word=word)
    if as_json:
        _write(json.dumps(_plain(opened.name, found), indent=2, allow_nan=False, ensure_ascii=False) + "\n", output)
    elif output is None:
        print_rich(*_drawn(found))
    else:
        _write(_text(found), output)
    failures = [f"failed: {one.task}: {reason}" for one in found for reason in one.failures]
    for failure in failures:
        click.echo(failure, err=True)
    return 1 if failures else 0


def _edges(text: str) -> list[float]:
    from regharness.errors import InputError

    try:
        return [float(edge) for edge in text.split(",")]
    except ValueError:
        raise InputError(f"--bins takes numbers with commas, not '{text}'", help="such as 0,.5,.9,1") from None


def _open(source: str, catalog: Catalog) -> Run | BenchmarkSpec:
    """A run's folder, or else a spec: a file, or the name of one that travels with the package."""
    from regharness.run_folder import open_run
    from regharness.spec_loading import load

    if "://" in source or source.endswith(".zip"):
        return open_run(source)
    path = Path(source)
    spec = path.is_file() or path.suffix in (".yaml", ".yml") or (len(path.parts) == 1 and not path.exists())
    return load(source, catalog) if spec else open_run(path)


def _write(text: str, output: str | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        write_file(output, text)


def _text(found: list[Leakage]) -> str:
    from rich.console import Console

    text = io.StringIO()
    Console(file=text, width=160).print(*_drawn(found))
    return text.getvalue()


def _drawn(found: list[Leakage]) -> list[Any]:
    """What to print of each task: how its similarities are spread, then its scores."""
    from rich.text import Text

    drawn: list[Any] = []
    for one in found:
        drawn += [*_distribution(one), Text()]
        if one.same:
            drawn += [Text(f"the sequences of identity: {', '.join(one.same)}", style="dim"), Text()]
        if one.scores is not None:
            drawn += [*_scores(one.task, one.scores), Text()]
    return drawn


def _table(words: list[str], numbers: list[str]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, collapse_padding=True)
    # Where the terminal is narrow, the first column is folded, and nothing is cut.
    for place, name in enumerate(words):
        table.add_column(Text(name), no_wrap=place > 0, overflow="fold")
    for name in numbers:
        table.add_column(Text(name), justify="right", no_wrap=True)
    return table


def _distribution(one: Leakage) -> tuple[Text, Table]:
    from rich.text import Text

    found = one.distribution
    sizes = sorted(set(found.n_train.values.tolist()))
    trained = " or ".join(f"{n:,}" for n in sizes[:: max(len(sizes) - 1, 1)])
    title = f"{one.task}: similarity to the nearest of {trained} training sequences, in words of {one.word} bases"
    title += f"; {found.sizes['seed']} seeds together" if found.sizes["seed"] > 1 else ""
    numbers = ["examples", "5%", "median", "95%", *(f">{t:g}" for t in found["threshold"].values), "copies"]
    table = _table(["shift", "0" + " " * (COLUMNS - 2) + "1"], numbers)
    for label in found["shift"].values:
        part = found.sel(shift=label)
        spread = part.quantiles.sel(quantile=[0.05, 0.5, 0.95]).mean("seed")
        shares = [*part.share_above.mean("seed").values, part.share_duplicate.mean("seed").item()]
        table.add_row(
            str(label),
            _strip(part.similarity.values),
            f"{int(part.n_examples.sum()):,}",
            *(_number(value) for value in spread.values),
            *("-" if share != share else f"{share:.1%}" for share in shares),
        )
    return Text(title, style="bold"), table


def _strip(similarity: NDArray[np.float64]) -> str:
    """A histogram from 0 to 1; a column with anything in it shows at least the lowest bar."""
    import numpy as np

    counts = np.histogram(similarity, COLUMNS, (0.0, 1.0))[0]
    heights = np.ceil((len(BARS) - 1) * counts / max(counts.max(), 1)).astype(int)
    return "".join(BARS[height] for height in heights)


def _scores(task: str, scores: xr.Dataset) -> tuple[Text, Table]:
    from rich.text import Text

    (metric,) = (name for name in scores.data_vars if name != "n_valid")
    direction = scores[metric].attrs["direction"]
    better = f"{direction} is better" if isinstance(direction, str) else f"best at {direction:g}"
    seeds = f"mean over {scores.sizes['seed']} seeds" if scores.sizes["seed"] > 1 else "one seed"
    title = f"{task}: {metric} by similarity, {better}; {seeds}"
    table = _table(["shift", "model"], [str(name) for name in scores["bin"].values])
    for label in scores["shift"].values:
        part = scores.sel(shift=label)
        counts = part.n_valid.max("model").max("output").sum("seed").values
        table.add_row(str(label), Text("examples", style="dim"), *(Text(f"{n:,}", style="dim") for n in counts))
        for model in scores.model.values:
            # As the leaderboard does: over the outputs, then over the seeds that have all of them.
            values = part[metric].sel(model=model).mean("output", skipna=False).mean("seed").values
            table.add_row("", str(model), *(_number(value) for value in values))
    return Text(title, style="bold"), table


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.3f}"


def _plain(name: str, found: list[Leakage]) -> dict[str, Any]:
    return {"schema_version": 1, "name": name, "tasks": [_plain_task(one) for one in found]}


def _plain_task(one: Leakage) -> dict[str, Any]:
    return {
        "task": one.task,
        "word": one.word,
        "same_sequences": list(one.same),
        "failures": list(one.failures),
        "shifts": _plain_shifts(one),
        "scores": _plain_scores(one),
    }


def _plain_shifts(one: Leakage) -> list[dict[str, Any]]:
    import numpy as np

    found = one.distribution
    rows = []
    for label in found["shift"].values:
        for seed in found["seed"].values:
            part = found.sel(shift=label, seed=seed)
            counts, _ = np.histogram(part.similarity.values, COLUMNS, (0.0, 1.0))
            row = {
                "shift": str(label),
                "seed": int(seed),
                "examples": int(part.n_examples),
                "training": int(part.n_train),
                "quantiles": {f"{q:g}": _finite(part.quantiles.sel(quantile=q)) for q in found["quantile"].values},
                "share_above": {
                    f"{t:g}": _finite(part.share_above.sel(threshold=t)) for t in found["threshold"].values
                },
                "share_duplicate": _finite(part.share_duplicate),
                "histogram": counts.tolist(),
            }
            rows.append(row)
    return rows


def _plain_scores(one: Leakage) -> dict[str, Any] | None:
    scores = one.scores
    if scores is None:
        return None
    (metric,) = (str(name) for name in scores.data_vars if name != "n_valid")
    cells = scores.stack(cell=("model", "shift", "seed", "output"))
    rows = [
        {
            **dict(zip(("model", "shift", "seed", "output"), cell, strict=True)),
            "values": [_finite(value) for value in cells[metric].isel(cell=index).values],
            "examples": cells.n_valid.isel(cell=index).values.tolist(),
        }
        for index, cell in enumerate(cells.cell.values.tolist())
    ]
    bins = [
        {"low": low, "high": high}
        for low, high in zip(scores.low.values.tolist(), scores.high.values.tolist(), strict=True)
    ]
    return {"metric": metric, "direction": scores[metric].attrs["direction"], "bins": bins, "rows": rows}


def _finite(value: Any) -> float | str | None:
    """JSON has neither NaN nor infinity."""
    number = float(value)
    if number in (float("inf"), float("-inf")):
        return "inf" if number > 0 else "-inf"
    return None if number != number else number
