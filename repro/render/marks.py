"""The sign, the colour and the short words that stand for each verdict, the same wherever it is shown."""

from __future__ import annotations

from repro.judge.cells import Cell, Verdict
from repro.judge.statistics import summarise
from repro.spec.numbers import Reported

SIGN = {
    Verdict.REPRODUCED: "✓",
    Verdict.INCONCLUSIVE: "~",
    Verdict.WITHIN: "≈",
    Verdict.EXCEEDS: "↑",
    Verdict.DIFFERS: "✗",
    Verdict.MEASURED: "",
    Verdict.PARTIAL: "◔",
    Verdict.NOT_RUN: "",
    Verdict.FAILED: "!",
    Verdict.NOT_REPORTED: "",
    Verdict.NOT_RUNNABLE: "",
    Verdict.SUSPECT: "?",
}
COLOUR = {
    Verdict.REPRODUCED: "green",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.WITHIN: "green",
    Verdict.EXCEEDS: "cyan",
    Verdict.DIFFERS: "red",
    Verdict.MEASURED: "bold",
    Verdict.PARTIAL: "yellow",
    Verdict.NOT_RUN: "dim",
    Verdict.FAILED: "red",
    Verdict.NOT_REPORTED: "bold",
    Verdict.NOT_RUNNABLE: "dim",
    Verdict.SUSPECT: "magenta",
}
SHORT = {Verdict.NOT_RUNNABLE: "cannot"}  # "not runnable" is wider than a number; its reason stands below the table


def printed(reported: Reported | None, *, gap: str = "") -> str:
    """A reported number as the paper prints it, blanks around the sign as asked.

    >>> from repro.spec.numbers import parse_reported
    >>> printed(parse_reported("77.88 ± 0.28")), printed(None)
    ('77.88±0.28', 'not reported')
    """
    if reported is None:
        return "not reported"
    return f"{reported.mean}{gap}±{gap}{reported.std}" if reported.std is not None else str(reported.mean)


DECIMALS = {"cosine": 4, "ratio": 4}
"""Of our numbers, by their unit; two where it is not here, as the paper prints percentages."""


def measured(cell: Cell, *, gap: str = "") -> str:
    """Our number over the seeds, with its deviation where there are two or more; the word for its absence otherwise."""
    if not cell.seeds:
        return str(cell.verdict)
    decimals = DECIMALS.get(cell.unit, 2)
    sample = summarise(list(cell.seeds.values()))
    if sample.std is None:
        return f"{sample.mean:.{decimals}f}"
    return f"{sample.mean:.{decimals}f}{gap}±{gap}{sample.std:.{decimals}f}"


def brief(cell: Cell) -> str:
    """The same in the width of a number, for a terminal that says the reason elsewhere."""
    return measured(cell) if cell.seeds else SHORT.get(cell.verdict, str(cell.verdict))
