"""Own a board as files to work with: CSV and JSON, safe to open in a spreadsheet. Writes none."""

from __future__ import annotations

import csv
import io

from regharness.board_plain import as_json, plain, safe_cell, to_csv
from regharness.board_tables import visible
from regharness.results import Results
from regharness.standings import Standings

SCHEMA_VERSION = 1


def board_csv(results: Results, standings: Standings) -> str:
    """One line a task and model: the leaderboard's, and who the model is."""
    header, *lines = csv.reader(io.StringIO(to_csv(standings.board)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*header, "name", "badge", "not_ranked", "licence", "submission_sha256"])
    for row, line in zip(standings.board.rows, lines, strict=True):
        entrant = results.entrants[row.model]
        licence = entrant.card.licence if entrant.card is not None else None
        who = (entrant.display, entrant.badge, standings.aside.get((row.task, row.model)), licence, entrant.digest)
        writer.writerow([visible(cell) for cell in line] + [safe_cell(visible(part or "")) for part in who])
    return text.getvalue()


def board_json(results: Results, standings: Standings) -> str:
    """The leaderboard, which shifts count in it, and who the models are."""
    models = {
        model: {
            "name": entrant.display,
            "badge": entrant.badge,
            "card": None if entrant.card is None else entrant.card.model_dump(mode="json"),
            "seen": {task: sorted(shifts) for task, shifts in entrant.seen.items()},
            "not_ranked": {task: why for (task, owner), why in standings.aside.items() if owner == model},
            "submission_sha256": entrant.digest or None,
        }
        for model, entrant in results.entrants.items()
    }
    counted = {task: list(shifts) for task, shifts in standings.counted.items()}
    head = {"schema_version": SCHEMA_VERSION, "benchmark": results.name, "version": results.version}
    return as_json({**head, "counted": counted, "models": models, "leaderboard": plain(standings.board)})
