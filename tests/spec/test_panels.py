"""The panels of a figure: each fault is told with its line, and every figure of the paper can be drawn."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from repro.errors import SpecError
from repro.spec import load
from tests.conftest import CHECKOUT

KINDS = {
    "figure1": ["samples"],
    "figure2": ["histograms"] * 4,
    "figure3": ["histograms"] * 4,
    "figure4": ["curves"],
    "figure5": ["curves"],
    "figure6": ["curves"] * 4,
    "figure7": ["classes"],
    "figure9": ["scatter", "accuracies"],
    "figure10": ["classes"],
    "figure12": ["histograms"] * 4,
    "figure13": ["histograms"] * 4,
}


def test_every_figure_says_how_it_is_drawn() -> None:
    figures = {name: table.axes for name, table in load.specs().tables.items() if table.axes is not None}
    assert {name: [panel.kind for panel in axes.panels] for name, axes in figures.items()} == KINDS


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "sentence"),
    [
        ("figure6", "a5 = 5", "a6 = 5", "x = {", 'axes.x: no row "a6"'),
        (
            "figure6",
            '["imagenet", "imagenet-s"]',
            '["imagenet", "imagnet-s"]',
            'columns = ["imagenet", "imagnet-s"]',
            'axes.panels: no column "imagnet-s"; did you mean "imagenet-s"?',
        ),
        (
            "figure9",
            '["imagenet", "texture"]',
            '["imagenet"]',
            'columns = ["imagenet"]',
            "axes.panels: a scatter has 2 columns, found 1",
        ),
        (
            "figure9",
            '"scatter"',
            '"curves"',
            "[[axes.panels]]",
            "axes.panels: curves need [axes.x], where each row lies",
        ),
        (
            "figure7",
            'dataset = "imagenet-1k/val"',
            "",
            "[[axes.panels]]",
            "axes.panels: classes need a dataset, the pictures in whole",
        ),
    ],
)
def test_a_fault_of_a_panel_is_told(
    name: str, old: str, new: str, line: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "figures").mkdir()
    file = tmp_path / "figures" / f"{name}.toml"
    shutil.copy(CHECKOUT / "figures" / f"{name}.toml", file)
    text = file.read_text(encoding="utf-8")
    assert old in text
    text = text.replace(old, new, 1)
    file.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError) as caught:
        load.specs()
    number = text[: text.index(line)].count("\n") + 1
    assert f"figures/{name}.toml:{number}: {sentence}" in caught.value.faults
