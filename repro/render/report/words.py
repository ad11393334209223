"""What verdicts, flags and standings mean, in a sentence each; and how they look."""

from __future__ import annotations

from repro.judge.board import Board
from repro.judge.cells import Flag, Guard, Verdict
from repro.judge.claims import ClaimVerdict
from repro.render import marks
from repro.render.report.elements import Html, element, join

MEANING = {
    Verdict.REPRODUCED: "no difference is seen, and one as large as the column's margin is ruled out",
    Verdict.INCONCLUSIVE: "no difference is seen, nor is one as large as the column's margin ruled out",
    Verdict.WITHIN: "a difference is seen, and it is smaller than the column's margin",
    Verdict.EXCEEDS: "a difference is seen, to the better",
    Verdict.DIFFERS: "a difference is seen, and not to the better",
    Verdict.MEASURED: "ours, on other data than the paper's: not to be set beside the reported number",
    Verdict.PARTIAL: "fewer seeds or images than were asked for",
    Verdict.NOT_RUN: "there is no result of this recipe yet",
    Verdict.FAILED: "the last try ended without a result",
    Verdict.NOT_REPORTED: "ours alone: the paper gives no number",
    Verdict.NOT_RUNNABLE: "code or data are missing",
    Verdict.SUSPECT: "the reported number cannot be a target",
}
FLAG = {
    Flag.SPREAD: "our runs scatter more than those of the column",
    Flag.DDOF: "the verdict would be another if the paper divided its deviations by n - 1",
    Flag.BORROWED: "the cell has no deviation of its own, so it has that of its column",
    Flag.BINOMIAL: "no deviation is known at all: that of a proportion of images stands in",
    Flag.MODERATED: "the deviations of the column differ too much to be pooled, so they are moderated",
    Flag.IDENTICAL: "several of our seeds gave one number: are they different runs?",
    Flag.SUSPECT: "the reported number is suspect",
    Flag.REIMPLEMENTED: "no code of the authors exists: the network is re-implemented",
    Flag.ALONE: "beyond chance by itself, not as one of the many cells of the table",
}
CLAIM_SIGN = {
    ClaimVerdict.SUPPORTED: ("✓", "green"),
    ClaimVerdict.NOT_SUPPORTED: ("✗", "red"),
    ClaimVerdict.UNDECIDED: ("~", "yellow"),
    ClaimVerdict.NOT_RUN: ("·", "dim"),
    ClaimVerdict.NOT_APPLICABLE: ("·", "dim"),
}


def slug(words: str) -> str:
    """Words as one token.

    >>> slug("consistent, inconclusive")
    'consistent-inconclusive'
    """
    return words.replace(",", "").replace(" ", "-")


def marked(sign: str, words: object, colour: str) -> Html:
    """A sign and words in one colour; both say the same."""
    return element(
        "span", element("span", sign, aria_hidden="true") if sign else "", " " if sign else "", words, class_=colour
    )


def verdict(found: Verdict) -> Html:
    """A verdict as it stands everywhere: its sign, its word, its colour."""
    return marked(marks.SIGN[found], str(found), marks.COLOUR[found])


def expectation(guard: Guard) -> Html:
    """Whether a number is what its profile gave before."""
    return marked("✗", "not as expected", "red") if guard.differs else marked("✓", "as expected", "green")


def says(board: Board) -> str:
    """What numbers of a profile say of the paper, and what they do not."""
    profile, seeds = board.profile, len(board.options.seeds)
    runs = f"{seeds} seeds" if seeds > 1 else "1 seed, whose spread nobody knows"
    if profile.judges == "cells":
        return (
            f"The profile {profile.id} runs on the paper's data at the paper's scale: each of our numbers, of {runs}, "
            "is set beside the reported one and judged by the spread of both."
        )
    return (
        f"The profile {profile.id} is a small world of its own. It says whether the paper's orderings and trends hold "
        f"there, with {runs}. It does not say whether the paper's numbers can be had again: none of its numbers "
        "may be set beside a reported one, and a claim that fails here can still hold at the paper's scale."
    )


def legend(used: list[Verdict]) -> Html:
    """Each verdict that occurs, in a sentence."""
    return element(
        "dl",
        *(join(element("dt", verdict(one)), element("dd", MEANING[one])) for one in Verdict if one in used),
        class_="legend",
    )
