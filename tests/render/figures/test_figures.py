"""Figures by the numbers behind their axes, and by the files they leave."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import matplotlib.colors as colours
import pytest
from matplotlib.container import ErrorbarContainer

from repro.judge.figure import Figure
from repro.render.figures import data, files, page, style
from repro.store import Store
from tests.judge.figures import CELLS, MINI, alphas, cosines, gathered, keep, plan_of


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


@pytest.fixture
def sixth(store: Store) -> Figure:
    plan = plan_of("figure6")
    alphas(store, plan)
    return gathered(store, plan)


def _lines(axes):  # type: ignore[no-untyped-def]
    return {line.get_label(): line.get_xydata().tolist() for line in axes.lines if not line.get_label().startswith("_")}


def test_the_means_are_drawn_where_they_belong_and_the_papers_apart(sixth: Figure) -> None:
    axes = page.draw(sixth).axes
    assert len(axes) == 8  # four of ours above four of the paper
    assert _lines(axes[2]) == {"ImageNet": [[0, 71], [2, 76], [3, 60]]}
    assert _lines(axes[6]) == {
        "ImageNet": [[0, 77.88], [2, 79.35], [3, 75.58]],
        "ImageNet-Sketch": [[0, 28.24], [2, 31.76], [3, 34.03]],
    }
    assert [text.get_text() for text in axes[4].texts] == ["the paper prints\nno numbers"]
    assert [text.get_text() for text in axes[3].texts] == ["not run"]


def test_a_band_is_one_deviation_wide(sixth: Figure) -> None:
    (band,) = page.draw(sixth).axes[2].collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx(76 + 2**0.5)
    assert heights.min() == pytest.approx(60)  # two equal seeds


def test_a_profile_of_the_papers_scale_draws_both_together(store: Store) -> None:
    plan = plan_of("figure6", CELLS)
    alphas(store, plan)
    axes = page.draw(gathered(store, plan)).axes
    assert len(axes) == 4
    assert list(_lines(axes[2])) == ["ImageNet", "ImageNet (paper)", "ImageNet-Sketch (paper)"]
    hollow = [line for line in axes[2].lines if str(line.get_label()).endswith("(paper)")]
    assert all(line.get_markerfacecolor() == "white" for line in hollow)
    (whiskers,) = [each for each in axes[2].containers if isinstance(each, ErrorbarContainer)][:1]
    assert whiskers[2][0].get_segments()[0][:, 1] == pytest.approx([77.88 - 0.28, 77.88 + 0.28])


def test_histograms_hold_the_shares_and_marks_the_means(store: Store) -> None:
    plan = plan_of("figure3")
    cosines(store, plan)
    axes = page.draw(gathered(store, plan)).axes
    outline = axes[3].patches[0].get_data()
    assert outline.values.tolist() == [0, 0, 0.25, 0.75]
    assert outline.edges.tolist() == [-1, -0.5, 0, 0.5, 1]
    marks = [
        (round(float(line.get_xdata()[0]), 4), line.get_markerfacecolor() == "white")
        for line in axes[3].lines
        if len(line.get_xdata())
    ]
    assert marks == [(0.5, False), (0.2, False), (0.404, True), (0.3252, True), (0.1593, True)]


def test_a_scatter_has_a_cross_for_each_network(store: Store) -> None:
    plan = plan_of("figure9")
    for row, x in (("resnet50", 80.0), ("moco-v2", 60.0)):
        keep(store, plan, (row, "imagenet"), [{"top1": x}, {"top1": x + 2}])
        keep(store, plan, (row, "texture"), [{"top1": 40.0}, {"top1": 42.0}])
    axes = page.draw(gathered(store, plan)).axes[0]
    at = [container[0].get_xydata().tolist() for container in axes.containers]
    assert at == [[[81.0, 41.0]], [[61.0, 41.0]]]


def test_pictures_stand_line_by_line_with_their_words(store: Store) -> None:
    plan = plan_of("figure1")
    for row in ("texture", "patch"):
        keep(store, plan, (row, "colour-distance"), [{"colour-distance": 0.01}] * 2)
    axes = page.draw(gathered(store, plan)).axes
    assert len(axes) == 10
    assert [each.get_title() for each in axes[:5]] == [
        "(a) input",
        "(b) query",
        "(c) positive",
        "(d) Texture-based NS",
        "(e) Patch-based NS",
    ]
    assert all(each.get_title() == "" for each in axes[5:])


def test_every_point_and_its_seeds_are_in_the_csv(sixth: Figure) -> None:
    found = list(csv.DictReader(io.StringIO(data.table(sixth))))
    ours = [line for line in found if line["source"] == "ours" and line["column"] == "imagenet"]
    assert [(line["row"], float(line["x"]), float(line["y"]), line["n"], line["seeds"]) for line in ours] == [
        ("a0", 0, 71, "2", "70.0 72.0"),
        ("a2", 2, 76, "2", "75.0 77.0"),
        ("a3", 3, 60, "2", "60.0 60.0"),
    ]
    assert {line["panel"] for line in found} == {
        "(a) shape bias",
        "(b) cue conflict",
        "(c) ImageNet, Sketch",
        "(d) dogs",
    }
    dogs = [line for line in found if line["panel"] == "(d) dogs"]
    assert [(line["source"], line["y"]) for line in dogs] == [("paper", y) for y in ("72.9", "67.6", "97.8", "97.7")]
    assert dogs[0]["sd"] == dogs[0]["seeds"] == ""


def test_bars_and_means_are_in_the_csv(store: Store) -> None:
    plan = plan_of("figure3")
    cosines(store, plan)
    lines = list(csv.DictReader(io.StringIO(data.table(gathered(store, plan)))))
    ours = [line for line in lines if line["source"] == "ours" and (line["row"], line["column"]) == ("a0", "patch")]
    assert [(line["x"], line["x_end"], line["y"]) for line in ours[:4]] == [
        ("-1.0", "-0.5", "0.0"),
        ("-0.5", "0.0", "0.0"),
        ("0.0", "0.5", "0.25"),
        ("0.5", "1.0", "0.75"),
    ]
    assert (float(ours[4]["x"]), ours[4]["seeds"]) == (pytest.approx(0.5), "mean")


def test_a_figure_leaves_the_same_bytes_each_time(sixth: Figure, tmp_path: Path) -> None:
    first, second = (files.write(sixth, tmp_path / name, files.FORMATS) for name in ("one", "two"))
    assert [path.name for path in first] == [f"figure6-mini.{ending}" for ending in ("pdf", "png", "svg", "csv", "txt")]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    pdf, png, svg = (path.read_bytes() for path in first[:3])
    assert pdf.startswith(b"%PDF")
    assert png.startswith(b"\x89PNG")
    assert b"CreationDate" not in pdf
    assert re.search(rb"<dc:description>Figure 6 of the paper: ", svg)
    assert b"<dc:date>" not in svg


def test_hostile_words_are_drawn_as_they_stand(sixth: Figure, tmp_path: Path) -> None:
    bad = "$\\frac{1}{0$ \x1b[31m</text><script> =1+1"
    curves = tuple(replace(curve, label=bad) for curve in sixth.panels[2].curves)
    panels = (*sixth.panels[:2], replace(sixth.panels[2], curves=curves, title="=1+1 $x$"), sixth.panels[3])
    hostile = replace(sixth, panels=panels)
    files.write(hostile, tmp_path, files.FORMATS)
    assert b"<script>" not in (tmp_path / "figure6-mini.svg").read_bytes()
    text = (tmp_path / "figure6-mini.csv").read_text(encoding="utf-8")
    assert "'=1+1 $x$" in text
    assert "\x1b" not in text


def test_curves_are_told_apart_without_colour() -> None:
    looks = [style.of(place) for place in range(len(style.COLOURS))]
    for key in ("linestyle", "marker", "color"):
        assert len({str(look[key]) for look in looks}) == len(looks)


@pytest.mark.parametrize(("one", "other"), [(0, 1), (0, 2), (1, 2)])
def test_the_first_colours_differ_for_the_colour_blind(one: int, other: int) -> None:
    """Simulated deuteranopia; blue, vermilion and green of Okabe and Ito stay apart.

    Source: Viénot, Brettel and Mollon 1999, the matrices for linear RGB.
    """
    blind = [[0.29275, 0.70725, -0.02234], [0.29275, 0.70725, -0.02234], [-0.02234, 0.02234, 1.0]]

    def seen(place: int) -> list[float]:
        red, green, blue = (part**2.2 for part in colours.to_rgb(style.COLOURS[place]))
        seen = (rule[0] * red + rule[1] * green + rule[2] * blue for rule in (blind[0], blind[1], blind[2]))
        return [max(0.0, part) ** (1 / 2.2) for part in seen]

    assert sum((a - b) ** 2 for a, b in zip(seen(one), seen(other), strict=True)) ** 0.5 > 0.15


def test_every_kind_of_panel_of_the_paper_is_drawn_when_nothing_of_the_others_is_there(store: Store) -> None:
    plan = plan_of("figure2", MINI, seeds=(0,))
    held = {"edges": [-1, 0, 1], "patch": [1, 3]}
    keep(store, plan, ("moco-v2", "patch"), [{"histograms": held, "patch": 0.3}])
    axes = page.draw(gathered(store, plan)).axes
    assert [[text.get_text() for text in each.texts] for each in axes] == [["not run"]] * 3 + [[]]
