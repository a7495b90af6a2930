"""Write ``docs/shifts``: a page an installed shift operator, its figures, and the index. Run by ``make docs``.

What a page says of an operator is read from the operator; its figures and what it does to a test set are
measured on the small data of `regharness.portrait_data`, at one seed. Nothing in the folder is written by hand.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from regharness.catalog import Catalog, load_catalog
from regharness.cli.components import facts
from regharness.cli.portraits import magnitudes, means, severities
from regharness.interfaces import ShiftOperator
from regharness.portrait import portrait
from regharness.portrait_data import stage
from regharness.portrait_figure import draw

FOLDER = Path(__file__).parent / "shifts"
SEED = 0
EITHER_WAY: tuple[dict[str, Any], ...] = ({"direction": "up"}, {"direction": "down"})
SETTINGS: dict[str, tuple[dict[str, Any], ...]] = {
    "gc_content": EITHER_WAY,
    "gc_tilt": EITHER_WAY,
    "motif_density": EITHER_WAY,
    "gc_quantile": ({"direction": "high"}, {"direction": "low"}),
    "compose": ({"shifts": [{"use": "gc_tilt"}, {"use": "assay_noise"}]},),
    "covariate_tilt": ({"covariate": "cpg_ratio"}, {"covariate": "motif_content"}),
    "held_out_group": ({"group": "chromosome"},),
}
"""Parameters that an operator is shown with, where they are not its defaults alone."""
TYPES = {
    "covariate": "p(x): which sequences are tested",
    "label": "p(y): which labels are tested",
    "concept": "p(y given x): what a sequence does",
    "noise": "the measurement, not what a sequence does",
    "input": "x as the model reads it; the label stays",
}
MEASURED = "\n## What it does to a test set\n"


def first_party(catalog: Catalog) -> list[str]:
    """Names of the shift operators that come with the package."""
    return [name for name in catalog.names("shift") if catalog.owner("shift", name).distribution == "regharness"]


def operators(catalog: Catalog, name: str) -> list[tuple[dict[str, Any], ShiftOperator]]:
    """The operator with each of the parameters that its page shows."""
    return [(given, catalog.create("shift", name, given)) for given in SETTINGS.get(name, ({},))]


def description(catalog: Catalog, name: str) -> str:
    """The part of a page that is read from the operator."""
    told, shown = facts(catalog, "shift", name), operators(catalog, name)
    first = shown[0][1]
    lines = [f"# {name}", "", told["summary"], ""]
    if told["description"]:
        lines += [told["description"], ""]
    lines += [
        "| | |",
        "|---|---|",
        f"| type | {first.shift_type}, {TYPES[first.shift_type]} |",
        f"| label preserving | {'yes' if first.label_preserving else 'no'} |",
        f"| data | {data_needed(first)} |",
        f"| plugin | `{told['plugin']}` |",
        *([f"| source | {told['citation']} |"] if told["citation"] else []),
        "",
        "In a spec:",
        "",
        "```yaml",
        "shifts:",
        *(f"  - {_entry(name, given)}" for given, _ in shown),
        "```",
        "",
        "## Severities",
        "",
        *_severity_table(shown),
    ]
    if told["parameters"]:
        lines += ["", "## Parameters", "", *_parameter_table(told["parameters"])]
    return "\n".join(lines) + "\n"


def data_needed(operator: ShiftOperator) -> str:
    """What data the operator works on, in words."""
    if not operator.needs:
        return "any, real or simulated"
    return f"that offer {', '.join(f'`{need}`' for need in sorted(operator.needs))}"


def _entry(name: str, given: dict[str, Any]) -> str:
    # JSON without its quotes is YAML, where every text is a word.
    written = json.dumps(given).replace('"', "")
    return f"{{use: {name}, with: {written}}}" if given else f"{{use: {name}}}"


def _setting(given: dict[str, Any]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in given.items() if isinstance(value, str))


def _severity_table(shown: list[tuple[dict[str, Any], ShiftOperator]]) -> list[str]:
    first = shown[0][1]
    if not first.levels:
        return [f"{', '.join(map(str, first.severities))}; their strength is no one number. Severity 0 is identity."]
    # One column where the levels are the same whatever the setting.
    by_setting = {_setting(given): [f"{level:g}" for level in operator.levels] for given, operator in shown}
    if len(set(map(tuple, by_setting.values()))) == 1:
        by_setting = {"level": next(iter(by_setting.values()))}
    table = _table({"severity": list(map(str, first.severities)), **by_setting})
    return [*table, "", f"Level: {first.level_meaning}. Severity 0 is identity."]


def _parameter_table(parameters: list[dict[str, Any]]) -> list[str]:
    return _table(
        {
            "parameter": [f"`{one['name']}`" for one in parameters],
            "type": [f"`{one['type']}`".replace("|", "\\|") for one in parameters],
            "default": ["required" if one["required"] else f"`{one['default']}`" for one in parameters],
            "": [one["description"] for one in parameters],
        }
    )


def _table(columns: dict[str, list[str]]) -> list[str]:
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return head + [f"| {' | '.join(cells)} |" for cells in zip(*columns.values(), strict=True)]


def measured(catalog: Catalog, name: str) -> str:
    """The part of a page that is measured; draws its figures."""
    lines = []
    for given in SETTINGS.get(name, ({},)):
        found = stage(catalog, name, given=given)
        info = found.generator.describe()
        made = portrait(name, found.operator, found.generator.generate(SEED), info, task=found.task, seed=SEED)
        setting = _setting(given)
        figure = FOLDER / "figures" / f"{'-'.join([name, *setting.split(': ')[1:]])}.png"
        draw(made, figure)
        lines += ["", f"### {setting}"] if len(SETTINGS.get(name, ({},))) > 1 else []
        lines += [
            "",
            f"![Distributions at each severity of {name}](figures/{figure.name})",
            "",
            *_table({**severities(made), **means(made), **magnitudes(made)}),
            "",
            f"On `{found.task}`, {made.examples[0]:,} test examples, output {made.output} ({made.unit}), seed {SEED}.",
        ]
    return "\n".join([*lines, "", "[What the columns and the figure say](README.md#how-to-read-a-page)"]) + "\n"


def page(catalog: Catalog, name: str) -> str:
    """A whole page; draws its figures."""
    if any("held_out" in operator.needs for _, operator in operators(catalog, name)):
        told = "\nNothing is measured here, since it needs real data: see your own with\n"
        command = f"regharness show {name} --plot --data SPEC:TASK"
        return description(catalog, name) + MEASURED + told + f"\n    {command}\n"
    return description(catalog, name) + MEASURED + measured(catalog, name)


HOW_TO_READ = """
## How to read a page

The figure has a column for each quantity and a row for each severity. The colours show the shifted test set, and
the grey outline the unshifted one. Each distribution is as high as its row, so that heights compare within a
distribution alone. The dashed line goes through the mean at identity; the solid one stands at the mean of the row.

| column | |
|---|---|
| GC content | mean share of G and C among known bases |
| motif content | mean number of bound factors a sequence, under the unshifted mechanism |
| target, noise | mean of the target, and of target less noiseless truth |
| GC moved | mean GC content, less that of identity |
| target SD, noise SD | SD of the target, and root mean square of the known noise |
| worth | effective sample size: equally weighted examples that the test set is worth (Kish 1965) |
| oracle r | correlation of the shifted truth with what the unshifted mechanism gives the sequences as they are read |
| edited | mean share of known positions that differ from the test example with the same id |
| N | mean share of unknown positions |

The last three are left out where the shift leaves them as they are, or the examples are new. The same for your
data, in the terminal or as a figure:

    regharness show NAME --plot [--data SPEC:TASK] [-o NAME.svg]
"""


def index(catalog: Catalog) -> str:
    """The page that lists the others, by what changes."""
    lines = ["# Shift operators", "", "Written by `make docs` from the operators themselves.", ""]
    known = {name: operators(catalog, name)[0][1] for name in first_party(catalog)}
    for kind, meaning in TYPES.items():
        names = [name for name, operator in known.items() if operator.shift_type == kind]
        if not names:
            continue
        table = {
            "operator": [f"[{name}]({name}.md)" for name in names],
            "what it does": [catalog.component("shift", name).summary for name in names],
            "severities": [str(len(known[name].severities)) for name in names],
            "data": [data_needed(known[name]) for name in names],
        }
        lines += [f"## {kind.capitalize()} shift", "", f"Changes {meaning}.", "", *_table(table), ""]
    return "\n".join(lines) + HOW_TO_READ


def build(names: list[str]) -> None:
    """Write the pages of `names`, or of all, and the index; with all, take away what belongs to none."""
    catalog = load_catalog()
    (FOLDER / "figures").mkdir(parents=True, exist_ok=True)
    if not names:
        names = first_party(catalog)
        for stale in [*FOLDER.glob("*.md"), *FOLDER.glob("figures/*.png")]:
            stale.unlink()
    for name in names:
        (FOLDER / f"{name}.md").write_text(page(catalog, name), encoding="utf-8")
        print(name)
    (FOLDER / "README.md").write_text(index(catalog), encoding="utf-8")


if __name__ == "__main__":
    build(sys.argv[1:])
