"""Tables on a terminal: nothing is broken where it is narrow, and more is shown where it is wide."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from rich.text import Text

from repro.judge.cells import Flag, Verdict
from repro.render import grid, terminal
from tests.render.boards import shelved

Shown = Callable[..., list[str]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shown]:
    """Print with so many columns: gives the lines."""

    def show(print_: Callable[..., None], *arguments: object, width: int, **environment: str) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        terminal.console.cache_clear()
        capsys.readouterr()
        print_(*arguments)
        return capsys.readouterr().out.splitlines()

    yield show
    terminal.console.cache_clear()


def rows(*lines: Sequence[str], name: str = "α = 0", id_: str = "a0") -> list[grid.Row]:
    fields = tuple(tuple((Text(text),) for text in line) for line in lines)
    return [grid.Row((Text(name), Text(id_))[: len(lines)], fields)]


def heads(count: int) -> list[grid.Column]:
    return [grid.Column(f"column {number}") for number in range(count)]


@pytest.mark.parametrize(("width", "expected"), [(80, [5, 3]), (120, [8]), (30, [1] * 8)])
def test_no_number_is_broken(width: int, expected: list[int], shown: Shown) -> None:
    found = rows(["not reported"] * 8, ["100.00±28.87"] * 8)
    out = shown(grid.draw, found, heads(8), width=width)
    assert [len(group) for group in grid.groups(found, heads(8))] == expected
    assert "\n".join(out).count("100.00±28.87") == 8
    assert max(map(len, out)) <= width
    assert all(line == line.rstrip() for line in out)


def test_words_of_several_columns_stand_once() -> None:
    line = tuple((Text(text),) for text in ("not run [1]", "1.0", "1.0", "cannot", "cannot", "not run [1]"))
    assert grid.runs(line) == [(0, 1), (1, 2), (2, 3), (3, 5), (5, 6)]


def test_words_across_columns_have_room(shown: Shown) -> None:
    out = shown(grid.draw, rows(["not reported"] * 3, ["1.0", "2.0", "3.0"]), heads(3), width=80)
    assert out == [
        "      column column column",
        "           0      1      2",
        "─" * 26,
        "α = 0 ··· not reported ···",
        "a0       1.0    2.0    3.0",
    ]


def test_long_names_go_on_behind_blanks_and_hyphens(shown: Shown) -> None:
    found = rows(["1"], ["2"], name="+ Patch-based - α = 2, k = 65536", id_="moco-star-patch-a2-k65536")
    out = shown(grid.draw, found, [grid.Column("x" * 15)], width=32)
    assert [line[:17].rstrip() for line in out[2:]] == [
        "+ Patch-based -",
        "α = 2, k = 65536",
        "moco-star-patch-",
        "a2-k65536",
    ]
    assert out[2].endswith("1")
    assert out[4].endswith("2")
    long = shown(grid.draw, rows(["1"], name="x" * 20), [grid.Column("y" * 15)], width=20)
    assert [line.split()[0] for line in long[2:]] == ["x" * 14, "x" * 6]


def title(lines: Sequence[str]) -> str:
    return lines[1].partition(": ")[2]


def test_a_table_that_judges_claims_takes_a_line_a_row_where_there_is_room(shown: Shown) -> None:
    board = shelved("table1")
    assert title(shown(terminal.board, board, width=80)) == "reported above, ours below (3 seeds: mean±sd)"
    narrow = shown(terminal.board, board, width=80)
    assert narrow[5].startswith("MoCo-v2 - k = 16384 ")
    assert narrow[6].startswith("moco-k16384 ")
    wide = shown(terminal.board, board, width=160)
    assert title(wide) == "reported and ours (3 seeds: mean±sd)"
    assert re.match(r"MoCo-v2 - k = 16384 +77\.88±0\.28 +\d+\.\d\d±\d+\.\d\d ", wide[5])
    assert re.match(r"\+ Texture-based - α = 2 ", wide[6])
    wider = shown(terminal.board, board, width=220)
    assert re.match(r"MoCo-v2 - k = 16384 +moco-k16384 +77\.88±0\.28 ", wider[5])
    assert all(len(line) <= 220 for line in wider)
    single = shown(terminal.board, shelved("table4"), width=120)
    assert re.match(r"SimCLR \[7\] +simclr +80\.16 +\S+±\S+ +\d+\.\d\d \d+\.\d\d \d+\.\d\d$", single[5])


def test_a_table_that_judges_cells_shows_what_its_verdicts_rest_on(shown: Shown) -> None:
    board = shelved("table1", judges="cells")
    key = ("moco-k16384", "imagenet")
    differs = replace(board.cells[key], verdict=Verdict.DIFFERS, reason="ours is far below")
    board = replace(board, cells={**board.cells, key: differs})
    narrow = "\n".join(shown(terminal.board, board, width=80))
    assert "p=" not in narrow
    assert "ours is far below" not in narrow
    assert "p=" not in "\n".join(shown(terminal.board, board, width=120))
    wide = shown(terminal.board, board, width=165)
    assert title(wide) == "reported and the difference above; ours and its p below (3 seeds: mean±sd)"
    assert re.match(r"MoCo-v2 - k = 16384 +77\.88±0\.28 +-\d+\.\d\d ", wide[4])
    assert re.match(r"moco-k16384 +\S+±\S+ ✗ +p=\S+ ", wide[5])
    assert "✗ moco-k16384:imagenet ours is far below" in wide
    wider = shown(terminal.board, board, width=210)
    assert re.match(r"MoCo-v2 - k = 16384 +77\.88±0\.28 +\[77\.\d\d, 78\.\d\d\] ", wider[4])
    single = shown(terminal.board, shelved("table4", judges="cells"), width=120)
    assert single[3].split() == ["reported", "ours", "difference", "expected", "verdict"]


def test_what_is_not_whole_has_its_reason_where_there_is_room(shown: Shown) -> None:
    board = shelved("table1", share=0.5)
    assert any(cell.verdict is Verdict.PARTIAL for cell in board.cells.values())
    partial = re.compile(r"^  \[\d\] \d of 3 seeds; the rest not run$", re.MULTILINE)
    assert not partial.search("\n".join(shown(terminal.board, board, width=80)))
    assert partial.search("\n".join(shown(terminal.board, board, width=190)))


def test_a_verdict_of_the_cell_alone_stands_in_parentheses(shown: Shown) -> None:
    board = shelved("table4", judges="cells")
    key, cell = next((key, cell) for key, cell in board.cells.items() if cell.judgement)
    alone = replace(cell, verdict=Verdict.DIFFERS, flags=(Flag.ALONE,))
    out = shown(terminal.board, replace(board, cells={**board.cells, key: alone}), width=80)
    assert re.search(r"\d \(✗\)$", "\n".join(out), re.MULTILINE)
    assert "in parentheses: so by itself, but within chance among all cells of the table" in " ".join(
        " ".join(out).split()
    )


@pytest.mark.parametrize("width", [80, 160])
def test_colour_only_repeats_what_words_and_signs_say(width: int, shown: Shown) -> None:
    board = shelved("table1", judges="cells", share=0.7)
    plain = shown(terminal.board, board, width=width)
    dumb = shown(terminal.board, board, width=width, TERM="dumb")
    coloured = shown(terminal.board, board, width=width, TERM="xterm", FORCE_COLOR="1")
    assert any("\x1b[31m" in line for line in coloured)
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured] == plain == dumb
    no_colour = shown(terminal.board, board, width=width, TERM="xterm", FORCE_COLOR="1", NO_COLOR="1")
    assert not any(re.search(r"\x1b\[(?:3|9)\d", line) for line in no_colour)
