"""What a number opens: seeds, the two tests, flags in words, where the log is, the line that does it again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repro.judge.cells import Flag, Guard, Verdict
from repro.render.report import words
from repro.render.report.cells import panel, place
from repro.render.report.contents import Report
from repro.render.report.tables import tables
from repro.spec.numbers import parse_reported
from tests.render.report.conftest import PLAIN, VERDICTS, judgement
from tests.render.report.tree import Node, read


def opened(report: Report, verdict: Verdict) -> Node:
    """The panel of the cell that has this verdict."""
    key = list(report.chapters[0].board.cells)[VERDICTS.index(verdict)]
    return read(panel(report, report.chapters[0], key))


def facts(node: Node) -> dict[str, str]:
    """Its terms and what they are; of a term that stands twice the last."""
    return {term.text: told.text for term, told in zip(node.all("dt"), node.all("dd"), strict=True)}


def test_a_judged_cell_tells_all_that_its_verdict_rests_on(report: Report) -> None:
    told = facts(opened(report, Verdict.INCONCLUSIVE))
    assert told["verdict"] == f"~ consistent, inconclusive: consistent, inconclusive because of {PLAIN}"
    assert told["reported"] == "80.86 (of 3 runs)"
    assert told["ours"] == "77.89 ± 0.25 (n = 3)"
    assert told["difference"] == "+0.01"
    assert told["within the printed deviation"] == "yes"
    assert told["prediction interval"] == "[77.12, 78.64]"
    assert told["p of a difference"] == "0.32"
    assert told["p over the table (Holm)"] == "0.012"
    assert told["p of equivalence"] == "0.046"
    assert told["p of the scatter of our runs"] == "0.79"
    assert told["deviation of one run"] == "pooled over the column, 0.432 with 18.5 degrees of freedom"
    assert told["seeds that would decide"] == "7 more"
    flags = [
        node.text for node in opened(report, Verdict.INCONCLUSIVE).all("dd") if node.text.startswith(("spread", "not"))
    ]
    assert flags == [
        "spread: our runs scatter more than those of the column",
        "not over the table: beyond chance by itself, not as one of the many cells of the table",
    ]


@pytest.mark.parametrize(("differs", "told"), [(False, "✓ as expected"), (True, "✗ not as expected")])
def test_what_the_profile_gave_before_is_told(report: Report, differs: bool, told: str) -> None:
    (chapter,) = report.chapters
    key, cell = next((key, cell) for key, cell in chapter.board.cells.items() if cell.verdict is Verdict.MEASURED)
    guard = Guard(parse_reported("77.10 ± 0.30"), 5, judgement(Verdict.DIFFERS), 0.0321, differs)
    board = replace(chapter.board, cells={**chapter.board.cells, key: replace(cell, guard=guard)})
    changed = replace(chapter, board=board)
    found = facts(read(panel(report, changed, key)))
    assert found["expected of the profile"] == f"77.10 ± 0.30 (n = 5): {told}"
    assert found["p over the table, of that"] == "0.032"
    table = read(tables(replace(report, chapters=(changed,))))
    shown = table.one("button", class_="cell", popovertarget=place("table9", key)).text
    assert shown == ("77.8867±0.2511 measured ✗ not as expected" if differs else "77.8867±0.2511 measured")
    assert "expected of mini from 5 seeds: " in table.text


def test_each_seed_has_its_number_and_the_log_of_its_job(report: Report) -> None:
    rows = opened(report, Verdict.REPRODUCED).one("table").one("tbody").all("tr")
    jobs = report.chapters[0].plan.cells["row-0", "one"]
    assert [[cell.text for cell in row.children if isinstance(cell, Node)] for row in rows] == [
        [str(seed), value, f"{report.store.root}/{jobs[seed][:2]}/{jobs[seed]}/log.txt"]
        for seed, value in ((0, "77.6100"), (1, "77.9500"), (2, "78.1000"))
    ]


def test_a_failure_names_its_log(report: Report) -> None:
    told = opened(report, Verdict.FAILED)
    (row,) = told.one("table").one("tbody").all("tr")
    (job,) = report.chapters[0].plan.cells["row-2", "cos"].values()
    assert row.text == f"0failed{report.store.root}/{job[:2]}/{job}/log.txt"
    assert facts(told)["verdict"] == f"! failed: failed because of {PLAIN}"
    assert "ours" not in facts(told)


def test_the_line_that_does_it_again_has_the_options_as_they_were_typed(report: Report) -> None:
    line = f"repro run table9 --results {report.store.root} --seeds 0,1,2 --rows row-0 --columns one --data 'my own'"
    node = opened(report, Verdict.REPRODUCED)
    assert facts(node)["again"] == line
    assert node.one("code", data_copy="").text == line
    assert facts(opened(report, Verdict.NOT_RUN))["to run it"].startswith("repro run table9")
    assert not {"again", "to run it"} & facts(opened(report, Verdict.NOT_RUNNABLE)).keys()


def test_a_suspect_number_is_told_with_its_reason(report: Report) -> None:
    key = ("row-3", "one")
    told = facts(read(panel(report, report.chapters[0], key)))
    assert told["suspect"] == PLAIN
    assert told["reported"] == "77.88 ± 0.28 (number of runs not stated)"
    assert facts(opened(report, Verdict.WITHIN))["reported"] == "not reported"


def test_a_panel_is_named_and_can_be_closed_without_a_script(report: Report) -> None:
    node = opened(report, Verdict.REPRODUCED).one("div", popover="auto")
    assert node.attributes["role"] == "dialog"
    assert node.one(id=node.attributes["aria-labelledby"]).text == "Row 0, One"
    close = node.one("button")
    assert (close.attributes["popovertarget"], close.attributes["popovertargetaction"]) == (
        node.attributes["id"],
        "hide",
    )
    assert node.attributes["id"] == place("table9", ("row-0", "one")) == "table9/row-0:one"


def test_all_that_was_typed_is_part_of_the_line(report: Report) -> None:
    typed = {"profile": "my own.toml", "results": "results", "rows": "a,b", "limit": 7, "device": None, "columns": ""}
    line = replace(report, typed=typed).command("table9", ("row-0", "one"))
    assert line == "repro run table9 --profile 'my own.toml' --rows row-0 --limit 7 --columns one"


def test_every_verdict_and_flag_has_its_sentence() -> None:
    assert set(words.MEANING) == set(Verdict)
    assert set(words.FLAG) == set(Flag)
