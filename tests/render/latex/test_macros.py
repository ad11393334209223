"""Numbers for the text of a paper, line by line; what TeX makes of them is in tests/verbs/test_export.py."""

from __future__ import annotations

import re
from dataclasses import replace

from repro.judge.evidence import Evidence, Trace
from repro.render.latex import macros
from tests.render.boards import shelved

RULES = Trace("rules/table4-mini.json", "AB")


def lines(share: float) -> list[str]:
    board = shelved("table4", judges="cells", share=share, seeds=(0,))
    key = ("simclr", "stl-10")
    evidence = Evidence({key: (Trace("ab/abc/record.json", "CD"),)}, RULES)
    kept = replace(board, cells={key: board.cells[key]})
    text = macros.document([(kept, evidence)], results="../my results", command="repro export table4 -o 50%.tex")
    return text.partition("\n\\fi\n")[2].splitlines()


def test_a_number_is_one_line() -> None:
    command, folder, title, rules, cell, end = lines(1.0)
    assert (
        command
        == r"\edef\repro@command{\detokenize{repro export table4 -o 50}\expandafter\@gobble\string\%\detokenize{.tex}}"
    )
    assert folder == r"\edef\repro@folder{\detokenize{../my results}}"
    assert re.fullmatch(r"% table4, profile mini, judged by the rules [0-9a-f]{12}", title)
    assert rules == r"\def\repro@rules{\repro@judged{rules/table4-mini.json}{AB}}"
    found = re.fullmatch(
        r"\\repro@cell\{table4\.simclr\.stl-10\}\{([\d.]+)\}\{\}\{1\}\{80\.16\}\{([+-][\d.]+)\}\{differs\}"
        r"\{\\detokenize\{differs, ours .*\}\}\{\\repro@record\{ab/abc/record\.json\}\{CD\}\}",
        cell,
    )
    assert found is not None
    assert abs(float(found[1]) - 80.16 - float(found[2])) < 0.011
    assert end == r"\endlinechar=13 \makeatother"


def test_a_number_that_is_missing_is_empty_and_has_its_reason() -> None:
    cell = lines(0.0)[4]
    assert cell == (
        r"\repro@cell{table4.simclr.stl-10}{}{}{}{80.16}{}{not run}{\detokenize{not run, no result of this recipe yet}}"
        r"{\repro@record{ab/abc/record.json}{CD}}"
    )
