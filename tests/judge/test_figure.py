"""What a figure shows: the numbers of the records and of the paper, in their places, and what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.errors import UsageError
from repro.judge.figure import caption
from repro.plan.sets import data
from repro.store import Store
from tests.judge.figures import CELLS, MINI, alphas, cosines, gathered, keep, plan_of


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_curves_hold_means_over_seeds_at_the_places_of_their_rows(store: Store) -> None:
    plan = plan_of("figure6")
    alphas(store, plan)
    found = gathered(store, plan)
    bias, cues, natural, dogs = found.panels
    (curve,) = natural.curves
    assert curve.label == "ImageNet"
    assert [(point.x, point.y, point.n) for point in curve.points] == [(0, 71, 2), (2, 76, 2), (3, 60, 2)]
    assert curve.points[0].sd == pytest.approx(2**0.5)
    assert curve.points[0].seeds == (70.0, 72.0)
    assert [point.y for point in bias.curves[0].points] == [40.0, 50.0]
    assert [curve.label for curve in cues.curves] == ["shape accuracy", "texture accuracy"]
    assert dogs.curves == ()
    assert found.is_apart


def test_the_papers_points_are_those_of_the_figure_and_of_the_same_rows_in_a_table(store: Store) -> None:
    bias, cues, natural, dogs = gathered(store, plan_of("figure6", CELLS)).panels
    assert bias.paper == cues.paper == ()
    clean, sketch = natural.paper  # Table 1: MoCo k = 16384, + patch-based alpha 2, alpha 3
    assert [(point.x, point.y, point.sd) for point in clean.points] == [
        (0, 77.88, 0.28),
        (2, 79.35, 0.12),
        (3, 75.58, 0.52),
    ]
    assert [(point.x, point.y) for point in sketch.points] == [(0, 28.24), (2, 31.76), (3, 34.03)]
    assert [[(point.x, point.y) for point in curve.points] for curve in dogs.paper] == [
        [(0, 72.9), (3, 67.6)],
        [(0, 97.8), (3, 97.7)],
    ]


def test_blocks_of_rows_are_curves_of_their_own(store: Store) -> None:
    plan = plan_of("figure5")
    for row, value in (("moco-k4096", 50.0), ("patch-k4096", 60.0), ("patch-k16384", 62.0)):
        keep(store, plan, (row, "imagenet"), [{"top1": value}, {"top1": value + 1}])
    (panel,) = gathered(store, plan).panels
    assert {curve.label: [point.x for point in curve.points] for curve in panel.curves} == {
        "MoCo-v2": [4096],
        "+ Patch-based NS": [4096, 16384],
    }


def test_histograms_are_shares_of_pairs_with_the_papers_mean(store: Store) -> None:
    plan = plan_of("figure3")
    cosines(store, plan)
    patch = gathered(store, plan).panels[3]
    assert [bars.heights for bars in patch.bars] == [(0, 0, 0.25, 0.75), (0, 0.5, 0.5, 0)]
    assert [bars.mean for bars in patch.bars] == [pytest.approx(0.5), pytest.approx(0.2)]
    assert [bars.n for bars in patch.bars] == [2, 2]
    assert [(curve.place, curve.points[0].x) for curve in patch.paper] == [(0, 0.4040), (1, 0.3252), (2, 0.1593)]


def test_points_of_two_columns_and_classes_by_their_accuracy(store: Store) -> None:
    plan = plan_of("figure9")
    keep(store, plan, ("resnet50", "imagenet"), [{"top1": 80.0}, {"top1": 82.0}])
    keep(store, plan, ("resnet50", "texture"), [{"top1": 40.0}, {"top1": 42.0}])
    classes = {"bowl": 2.5, "disk": 7.0, "ring": 100.0}
    keep(store, plan, ("resnet50", "best-class"), [{"best-class": 100.0, "classes": classes}] * 2)
    networks, counted = gathered(store, plan).panels
    ((point,),) = (curve.points for curve in networks.curves)
    assert (point.x, point.y) == (81.0, 41.0)
    assert point.x_sd == point.sd == pytest.approx(2**0.5)
    (bars,) = counted.bars
    assert (bars.heights[0], bars.heights[1], bars.heights[-1], sum(bars.heights)) == (1, 1, 1, 3)


def test_the_best_classes_come_first_and_equal_ones_by_name(store: Store) -> None:
    plan = plan_of("figure7", seeds=(0,))
    classes = {"ring": 90.0, "bowl": 90.0, "disk": 95.5}
    keep(store, plan, ("resnet50", "best-class"), [{"best-class": 95.5, "classes": classes}])
    for name in ("imagenet-100/val", "imagenet-texture/val"):  # the first is what stands for ImageNet-1K's here
        store.folder(data(plan, name).id).mkdir(parents=True)
    (panel,) = gathered(store, plan).panels
    assert [[tile.label for tile in line] for line in panel.tiles] == [
        ["disk, 95.5 %", ""],
        ["bowl, 90.0 %", ""],
        ["ring, 90.0 %", ""],
    ]


def test_classes_without_their_pictures_are_told(store: Store) -> None:
    plan = plan_of("figure7", seeds=(0,))
    keep(store, plan, ("resnet50", "best-class"), [{"best-class": 90.0, "classes": {"ring": 90.0}}])
    found = gathered(store, plan)
    assert found.is_empty
    assert "the pictures of imagenet-1k/val and imagenet-texture/val, which are not here" in found.missing


def test_a_query_stands_beside_the_negatives_of_each_row(store: Store) -> None:
    plan = plan_of("figure1")
    for row in ("texture", "patch"):
        keep(store, plan, (row, "colour-distance"), [{"colour-distance": 0.01}] * 2)
    (panel,) = gathered(store, plan).panels
    assert [tile.label for tile in panel.tiles[0]] == [
        "(a) input",
        "(b) query",
        "(c) positive",
        "(d) Texture-based NS",
        "(e) Patch-based NS",
    ]
    assert len(panel.tiles) == 2


def test_what_is_not_there_is_told_once_for_each_reason(store: Store) -> None:
    plan = plan_of("figure6")
    alphas(store, plan)
    found = gathered(store, plan)
    assert found.missing == (
        "a0:imagenet-s, a0:dog-fine, a0:dog-coarse and 30 more not run: no result of this recipe yet",
        "the paper prints no numbers for (a) shape bias; (b) cue conflict",
    )
    said = caption(found)
    assert said.startswith("Figure 6 of the paper: Larger α monotonically increases")
    assert "Ours: profile mini (drawn shapes × textures at 32 px, a small ResNet, CPU), seeds 0, 1 (n = 2)." in said
    assert "A row of their own has the paper's numbers, which are of other data: orders may be compared" in said
    assert said.endswith("; the paper prints no numbers for (a) shape bias; (b) cue conflict.")


def test_a_limit_and_columns_that_were_not_asked_for_are_told(store: Store) -> None:
    plan = plan_of("figure6", limit=100, columns=("imagenet",))
    alphas_of = [{"top1": 70.0}, {"top1": 71.0}]
    keep(store, plan, ("a0", "imagenet"), alphas_of)
    found = gathered(store, plan)
    assert [panel.has_ours for panel in found.panels] == [False, False, False, False]  # (c) needs two columns
    assert "at most 100 images of each set" in caption(found)


def test_a_table_is_no_figure(store: Store) -> None:
    with pytest.raises(UsageError) as caught:
        gathered(store, plan_of("table3", MINI))
    assert str(caught.value) == (
        "table3 is a table, which repro export writes; figures are figure1, figure2, figure3, figure4, figure5, "
        "figure6, figure7, figure9, figure10, figure12, figure13"
    )


def test_a_figure_without_results_is_empty(store: Store) -> None:
    assert gathered(store, plan_of("figure5")).is_empty
