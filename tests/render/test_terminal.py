"""Tables on a terminal: columns that do not fit beside one another stand below."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from rich.text import Text

from repro.render import terminal


def board(*labels: str) -> Any:
    columns = [SimpleNamespace(id=label, label=label) for label in labels]
    return SimpleNamespace(rows=[SimpleNamespace(id="a0", label="α = 0", block="")], columns=columns)


@pytest.mark.parametrize(("width", "expected"), [(80, [5, 3]), (120, [8]), (30, [1] * 8)])
def test_no_number_is_broken(
    width: int, expected: list[int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    terminal.console.cache_clear()
    judged = board(*(f"column {number}" for number in range(8)))
    shown = {("a0", column.id): (Text("not reported"), Text("100.00±28.87")) for column in judged.columns}
    groups = list(terminal._abreast(judged, shown))
    assert [len(group) for group in groups] == expected
    for group in groups:
        terminal._grid(judged, group, shown)
    out = capsys.readouterr().out
    assert out.count("100.00±28.87") == 8
    assert max(map(len, out.splitlines())) <= width
    terminal.console.cache_clear()
