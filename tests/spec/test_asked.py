"""The settings that a column asks of its table: each fault of them is told with its place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from repro.errors import SpecError
from repro.spec import load
from tests.conftest import CHECKOUT


@pytest.fixture
def figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own copy of Figure 3."""
    (tmp_path / "figures").mkdir()
    shutil.copy(CHECKOUT / "figures" / "figure3.toml", tmp_path / "figures")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "figures" / "figure3.toml"


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        (
            "group       =",
            "groups      =",
            "groups      =",
            "recipe.similarity.groups: unknown; expected pairs, images, group, query, sizes, overlap, last_offset, "
            'seed; did you mean "group"?',
        ),
        (
            "overlap     = ",
            "# overlap   = ",
            "[recipe.similarity]",
            "recipe.similarity.overlap (bool) is missing; nothing has a default",
        ),
        (
            '"view"',
            '"crop"',
            "query       =",
            "recipe.similarity.query: expected Literal['view', 'image'], found 'crop'",
        ),
        ("[16, 72]", "[16]", "sizes       =", "recipe.similarity.sizes: expected tuple[int, int], found [16]"),
    ],
)
def test_a_fault_of_the_settings_is_told(figure: Path, old: str, new: str, line: str, sentence: str) -> None:
    text = figure.read_text(encoding="utf-8").replace(old, new, 1)
    figure.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load.specs()
    number = text[: text.index(line)].count("\n") + 1
    assert f"figures/figure3.toml:{number}: {sentence}" in caught.value.faults


def test_settings_that_are_not_there_are_told(figure: Path) -> None:
    text = figure.read_text(encoding="utf-8")
    start, end = text.index("[recipe.similarity]"), text.index("[[rows]]")
    figure.write_text(text[:start] + text[end:], encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load.specs()
    assert caught.value.faults == [
        'figures/figure3.toml: [recipe] of figure3: the evaluator "similarity" needs a group "similarity" in it'
    ]
