"""What machines that watch a repository read: JUnit's XML, annotations and a summary for GitHub, a badge."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from repro.judge.board import DATA_MISSING, DIFFERS, FINE, INCOMPLETE, Board
from repro.judge.cases import Case, cases
from repro.render import markup
from repro.render.printable import printable

WORDS = {FINE: "holds", DIFFERS: "differs", INCOMPLETE: "incomplete", DATA_MISSING: "no data"}
COLOURS = {FINE: "#2e7d32", DIFFERS: "#c62828", INCOMPLETE: "#9a6700", DATA_MISSING: "#616161"}  # 4.5 : 1 with white
_ENTRIES = {"failed": "failure", "error": "error", "skipped": "skipped"}
_CHARACTER = 6.6  # pixels of a letter of 11 px Verdana, about


def junit(board: Board) -> str:
    """One test suite for the cells and one for the claims; a case that failed holds the comparison.

    Source: the schema that Jenkins and GitLab read (testmoapp/junitxml).
    """
    found = list(cases(board))
    root = ElementTree.Element("testsuites", {"name": f"repro {board.table.id}", **_counts(found)})
    for group in dict.fromkeys(case.group for case in found):
        inside = [case for case in found if case.group == group]
        suite = ElementTree.SubElement(root, "testsuite", {"name": group, **_counts(inside)})
        for case in inside:
            entry = ElementTree.SubElement(suite, "testcase", {"classname": group, "name": case.name})
            if case.state in _ENTRIES:
                told = printable(case.message)
                ElementTree.SubElement(entry, _ENTRIES[case.state], {"message": told.splitlines()[0]}).text = told
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _counts(found: Sequence[Case]) -> dict[str, str]:
    states = Counter(case.state for case in found)
    kinds = {"tests": len(found), "failures": states["failed"], "errors": states["error"], "skipped": states["skipped"]}
    return {kind: str(number) for kind, number in kinds.items()}


def marked(board: Board) -> Iterator[str]:
    """Lines by which a GitHub workflow marks what failed, and how many were skipped.

    >>> _annotation("error", "table1 a:b", "50 % off")
    '::error title=table1 a%3Ab::50 %25 off'
    """
    found = list(cases(board))
    for case in found:
        if case.state in ("failed", "error"):
            yield _annotation("error", f"{board.table.id} {case.name}", case.message)
    skipped = sum(case.state == "skipped" for case in found)
    if skipped:
        yield _annotation("notice", board.table.id, f"{skipped} of {len(found)} cells and claims were not judged")


def _annotation(level: str, title: str, message: str) -> str:
    def safe(text: str, more: dict[str, str]) -> str:
        for sign, code in {"%": "%25", "\r": "%0D", "\n": "%0A", **more}.items():
            text = text.replace(sign, code)
        return text

    return f"::{level} title={safe(printable(title), {':': '%3A', ',': '%2C'})}::{safe(printable(message), {})}"


def summary(board: Board, code: int, reason: str) -> str:
    """Markdown for the page of a workflow's run: the outcome, then the table and the claims."""
    return f"### repro {board.table.id}: {WORDS[code]}\n{reason}\n\n{markup.markdown(board)}\n"


def badge(path: Path, board: Board, code: int) -> str:
    """An SVG, or for a path that ends in .json what shields.io draws one from: passed of judged cells and claims."""
    found = [case.state for case in cases(board) if case.state != "skipped"]
    label, words = f"repro {board.table.id}", f"{WORDS[code]}, {found.count('passed')}/{len(found)}"
    if path.suffix == ".json":
        return json.dumps({"schemaVersion": 1, "label": label, "message": words, "color": COLOURS[code]}) + "\n"
    left, right = (round(len(text) * _CHARACTER) + 12 for text in (label, words))
    told = escape(f"{label}: {words}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{told}">'
        f"<title>{told}</title>"
        f'<rect width="{left}" height="20" fill="#424242"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{COLOURS[code]}"/>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2}" y="14">{escape(label)}</text><text x="{left + right / 2}" y="14">{escape(words)}</text>'
        "</g></svg>\n"
    )
