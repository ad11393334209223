"""The comparison as Markdown and as CSV, with what the JSON has."""

from __future__ import annotations

import csv as writer
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tabulate import tabulate

from repro.judge.board import Board
from repro.judge.cells import Cell
from repro.render import documents, expected, legend, marks
from repro.render.printable import plain, printable

COLUMNS = (
    *("table", "profile", "row", "column", "reported_mean", "reported_std", "mean", "std", "n", "verdict", "reason"),
    *("kind", "source", "rules", "row_label", "column_label", "unit", "suspect", "seeds", "flags", "difference"),
    *("literal", "interval_low", "interval_high", "difference_p", "equivalence_p", "spread_p", "table_p"),
    *("deviation_sd", "deviation_df", "deviation_basis", "further_seeds"),
    *("expected_mean", "expected_std", "expected_n", "expected_difference", "expected_low", "expected_high"),
    *("expected_table_p", "expected_differs"),
    *("claim", "statement", "section", "of_paper", "holds", "paper_verdict", "paper_holds", "paper_reason"),
)
"""Of the CSV; `kind` is "cell" or "claim", and what a line of that kind does not have is empty."""
ALIKE = (
    *("row", "column", "unit", "suspect", "verdict", "reason", "difference", "literal", "difference_p"),
    *("equivalence_p", "spread_p", "table_p", "further_seeds"),
)
"""Keys of a cell of the JSON that the CSV has as they are."""
TOLD = (
    *("difference", "literal", "interval", "difference_p", "table_p", "equivalence_p", "spread_p", "deviation"),
    *("further_seeds", "expected", "flags", "suspect"),
)
"""Keys of a cell of the JSON that the Markdown tells cell by cell."""


def markdown(board: Board) -> str:
    """A pipe table, reported and ours side by side, then the claims, then each cell with all that is known of it."""
    seeds = ", ".join(str(seed) for seed in board.options.seeds)
    leg = f", {board.leg}" if board.leg else ""
    parts = [
        f"**{_safe(board.table.title)}**, profile `{board.profile.id}`{leg}, seeds {seeds}\n",
        _table(board),
        "",
        *_below(board),
    ]
    if board.claims:
        parts += ["", _claims(board)]
    parts += ["", f"Judged by the rules `{board.rules.stamp}`."]
    parts += [f"The rules changed after there were results: {_safe(words)}." for words in board.rules.changed]
    if any(cell.seeds for cell in board.cells.values()):
        parts += ["", "<details><summary>cell by cell</summary>", "", _details(board), "", "</details>"]
    return "\n".join(parts) + "\n"


def _table(board: Board) -> str:
    notes = legend.notes(board)
    head = ["", "row"]
    head += [f"{_safe(column.label)} {which}" for column in board.columns for which in ("reported", "ours")]
    body = []
    for row in board.rows:
        line = [_safe(row.label), f"`{row.id}`"]
        for column in board.columns:
            cell = board.cells[row.id, column.id]
            line += [marks.printed(cell.reported, gap=" ") + " ?" * legend.is_suspect(board, cell), _ours(cell, notes)]
        body.append(line)
    return _pipes(body, head)


def _ours(cell: Cell, notes: Mapping[str, int]) -> str:
    note = f"[{notes[cell.reason]}]" if legend.needs_note(cell) else ""
    return " ".join(word for word in (marks.measured(cell, gap=" "), legend.sign(cell), note) if word)


def _below(board: Board) -> Iterator[str]:
    """What a reader of the table needs: whose numbers, in which unit, what the signs say, why some are missing."""
    yield f"{_safe(board.table.caption)} {_safe(legend.opening(board))} {_safe(legend.units(board))}"
    for verdict in legend.signs(board):
        yield f"- {marks.SIGN[verdict]} {verdict}: {legend.MEANING[verdict]}"
    if legend.has_alone(board):
        yield f"- {legend.ALONE}"
    for reason, number in legend.notes(board).items():
        yield f"- [{number}] {_safe(reason)}"
    yield from (f"- {_safe(sentence)}" for sentence in expected.sentences(board))


def _claims(board: Board) -> str:
    body = [
        [
            reading.claim.id,
            _safe(reading.claim.statement),
            str(reading.paper.verdict),
            reading.standing,
            _safe(reading.ours.reason),
        ]
        for reading in board.claims
    ]
    return _pipes(body, ["claim", "", "in the paper", "ours", "why"])


def _details(board: Board) -> str:
    """Every cell that has a number with its seeds and all that was computed of it; columns without any are left out."""
    found = [cell for cell in documents.check(board, *board.outcome())["cells"] if cell["ours"]]
    kept = [key for key in TOLD if any(cell[key] not in (None, []) for cell in found)]
    body = [
        [
            f"`{cell['row']}:{cell['column']}`",
            str(cell["ours"]["n"]),
            " ".join(f"{value!r}" for value in cell["seeds"].values()),
            cell["verdict"],
            *(_plain_value(cell[key]) for key in kept),
            _safe(cell["reason"]),
        ]
        for cell in found
    ]
    return _pipes(body, ["cell", "n", "of each seed", "verdict", *(key.replace("_", " ") for key in kept), "why"])


def _plain_value(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} {_plain_value(part)}" for key, part in value.items() if part is not None)
    if isinstance(value, list):
        return ", ".join(_plain_value(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else _safe(str(value))


def _pipes(body: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    return str(tabulate(body, head, tablefmt="pipe", disable_numparse=True))


def _safe(text: str) -> str:
    """Text that stays in its cell and is no markup; `<`, `&` and what makes a link or emphasis are written out.

    >>> print(_safe("a|b [c](d) *e* <f>"))
    a\\|b [c]\\(d) \\*e\\* &lt;f>
    """
    text = " ".join(printable(text).split())
    for sign, written in {
        "\\": "\\\\",
        "|": "\\|",
        "`": "\\`",
        "*": "\\*",
        "](": "]\\(",
        "&": "&amp;",
        "<": "&lt;",
    }.items():
        text = text.replace(sign, written)
    return text


def csv(board: Board) -> str:
    """One line a cell, then one a claim; empty where there is no number."""
    stream = io.StringIO()
    out = writer.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
    out.writeheader()
    document = documents.check(board, *board.outcome())
    shared = {key: document[name] for key, name in (("table", "id"), ("profile", "profile"), ("source", "source"))}
    shared["rules"] = document["rules"]["stamp"]
    for line in (*_cell_lines(board, document), *_claim_lines(document)):
        out.writerow({key: _written(value) for key, value in {**shared, **line}.items()})
    return stream.getvalue()


def _cell_lines(board: Board, document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    labels = {part["id"]: part["label"] for part in document["rows"]}
    heads = {part["id"]: part["label"] for part in document["columns"]}
    for cell in document["cells"]:
        reported = board.cells[cell["row"], cell["column"]].reported
        low, high = cell["interval"] or (None, None)
        wanted = dict(cell["expected"] or {})
        wanted["low"], wanted["high"] = wanted.pop("interval", None) or (None, None)
        yield {
            **{key: cell[key] for key in ALIKE},
            **(cell["ours"] or {"mean": None, "std": None, "n": 0}),
            "kind": "cell",
            "row_label": labels[cell["row"]],
            "column_label": heads[cell["column"]],
            "reported_mean": reported and reported.mean,
            "reported_std": reported and reported.std,
            "seeds": " ".join(f"{seed}:{value!r}" for seed, value in cell["seeds"].items()),
            "flags": "; ".join(cell["flags"]),
            "interval_low": low,
            "interval_high": high,
            **{f"deviation_{key}": value for key, value in (cell["deviation"] or {}).items()},
            **{f"expected_{key}": value for key, value in wanted.items()},
        }


def _claim_lines(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for claim in document["claims"]:
        yield {
            "kind": "claim",
            "claim": claim["id"],
            **{key: claim[key] for key in ("statement", "section", "of_paper")},
            **{key: claim["ours"][key] for key in ("verdict", "holds", "reason")},
            **{f"paper_{key}": claim["paper"][key] for key in ("verdict", "holds", "reason")},
        }


def _written(value: Any) -> str:
    """A value as CSV has it: numbers as they are, truth in small letters, text that is never a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return plain(value) if isinstance(value, str) else repr(value) if isinstance(value, float) else str(value)
