"""A certificate and what its verification found, as text and as JSON."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from repro.judge.certificate.layout import Certificate
from repro.judge.certificate.ledger import Disagreement, Ledger
from repro.render import terminal
from repro.render.printable import printable, size

SCHEMA = 1
_TOLD = 20  # disagreements of a stage, and results that are missing, in full
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{20,52}\b")
_LONG = 110


def written(held: Certificate, found: Ledger, path: Path, bytes_: int, *, seconds: float, typed: str) -> None:
    """`repro certify`: what is in it, and what to type next."""
    terminal.line(f"{path}: {size(bytes_)}, digest {held.digest[:12]}", "bold")
    _contents(held)
    _checked(found, seconds)
    terminal.command(f"next: repro verify {typed}")


def refused(found: Ledger) -> None:
    """`repro certify` where results do not bear themselves out: nothing is written."""
    many = len(found.disagreements)
    terminal.line(f"nothing was written: {many} thing{'s' if many > 1 else ''} in these results do not agree", "bold")
    _disagreements(found)


def show(held: Certificate, found: Ledger, *, file: Path, results: Path, seconds: float) -> None:
    """`repro verify`: each disagreement on a line, what is missing, what was not compared, how much was."""
    terminal.line(f"{file}, digest {held.digest[:12]}, beside {results}", "bold")
    _contents(held)
    _disagreements(found)
    for lack in found.missing[:_TOLD]:
        terminal.command(f"· missing: {lack.where}: {lack.why}", "yellow")
    _rest(len(found.missing), "missing")
    for words in found.remarks:
        terminal.hanging(f"· {words}", indent=2, style="dim")
    for why, times in sorted(found.unchecked.items()):
        terminal.hanging(f"· not compared: {why}{f' ({times} times)' if times > 1 else ''}", indent=2, style="dim")
    _checked(found, seconds)
    terminal.line(verdict(found), "green" if found.exit_code == 0 else "red")


def verdict(found: Ledger) -> str:
    """The last line.

    >>> verdict(Ledger())
    'everything agrees (exit 0)'
    """
    many = len(found.disagreements)
    words = [f"{many} thing{'s do' if many > 1 else ' does'} not agree"] if many else []
    lacking = len(found.missing)
    words += [f"{lacking} of its results {'are' if lacking > 1 else 'is'} not here"] if lacking else []
    whole = " and ".join(words) or "everything agrees"
    return f"{whole} (exit {found.exit_code})"


def _contents(held: Certificate) -> None:
    for board in held.boards:
        rows, columns = len(held.tables[board.table].rows), len(held.tables[board.table].columns)
        seeds = ", ".join(map(str, held.asked.seeds))
        counts = ", ".join(f"{count} {name}" for name, count in board.counts.items())
        what = f"{_part(len(board.rows), rows, 'rows')}, {_part(len(board.columns), columns, 'columns')}, seeds {seeds}"
        told = f"{board.table}, profile {held.profile.id}: {what}; cells: {counts}; rules {board.rules.stamp}"
        terminal.hanging(f"  {told}", indent=4)
        for words in board.rules.changed:
            terminal.hanging(
                f"! the rules of judging changed after there were results: {words}", indent=2, style="yellow"
            )
    if held.missing:
        many = len(held.missing)
        words = f"{many} results were" if many > 1 else "1 result was"
        terminal.line(f"  in part: {words} missing when it was made", "yellow")


def _part(some: int, all_: int, what: str) -> str:
    words = what if all_ > 1 else what.removesuffix("s")
    return f"{all_} {words}" if some == all_ else f"{some} of {all_} {words}"


def _disagreements(found: Ledger) -> None:
    told: Counter[str] = Counter()
    for each in found.disagreements:
        told[each.stage] += 1
        if told[each.stage] <= _TOLD:
            terminal.command(f"✗ {sentence(each)}", "red")
    for stage, many in told.items():
        _rest(many, f"of {stage} that do not agree")


def _rest(many: int, what: str) -> None:
    if many > _TOLD:
        terminal.line(f"  ... and {many - _TOLD} more {what}; --json has them all")


def sentence(each: Disagreement) -> str:
    """One line: where, what was expected, what was found.

    >>> sentence(Disagreement("metrics", "evaluate imagenet of byol, seed 0, top1", 57.5, 99.0))
    'metrics: evaluate imagenet of byol, seed 0, top1: expected 57.5, found 99'
    """
    expected, found = _pair(each.expected, each.found)
    return f"{each.stage}: {each.where}: expected {expected}, found {found}"


def _pair(expected: Any, found: Any) -> tuple[str, str]:
    """Two values in few words; numbers with as many digits as it takes to tell them apart."""
    if isinstance(expected, float) and isinstance(found, float):
        for digits in (6, 9, 12):
            texts = f"{expected:.{digits}g}", f"{found:.{digits}g}"
            if texts[0] != texts[1]:
                return texts
    return _said(expected), _said(found)


def _said(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(part, float) for part in value):
        value = [float(f"{part:.6g}") for part in value]
    text = _DIGEST.sub(r"\1...", " ".join(printable(str(value)).split())) or "nothing"
    return text if len(text) <= _LONG else f"{text[: _LONG - 3]}..."


def _checked(found: Ledger, seconds: float) -> None:
    words = [f"{number:,} {what}" for what, number in _counts(found) if number]
    terminal.hanging(f"checked in {seconds:.1f} s: {', '.join(words)}", indent=2)


def _counts(found: Ledger) -> Iterator[tuple[str, int]]:
    counts = found.counts
    yield "records", counts["records"]
    yield "files", counts["files"]
    yield f"numbers of {counts['evaluations']:,} evaluations computed again", counts["numbers"]
    yield "with the labels of their data set", counts["labels"]
    yield f"recipes ({counts['same code']:,} by the code that is here)", counts["recipes"]
    yield "cells", counts["cells"]
    yield "claims judged again", counts["claims"]


def document(found: Ledger, *, file: Path, results: Path, seconds: float) -> dict[str, Any]:
    """`repro verify --json`, as docs/certificate.md says."""
    return {
        "schema": SCHEMA,
        "file": str(file),
        "results": str(results),
        "exit": found.exit_code,
        "disagreements": [asdict(each) for each in found.disagreements],
        "missing": [asdict(each) for each in found.missing],
        "remarks": found.remarks,
        "not_compared": [{"what": why, "times": times} for why, times in sorted(found.unchecked.items())],
        "checked": {
            "records": found.counts["records"],
            "files": found.counts["files"],
            "evaluations": found.counts["evaluations"],
            "numbers": found.counts["numbers"],
            "labels": found.counts["labels"],
            "recipes": found.counts["recipes"],
            "same_code": found.counts["same code"],
            "cells": found.counts["cells"],
            "claims": found.counts["claims"],
        },
        "seconds": round(seconds, 3),
    }
