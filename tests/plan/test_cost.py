"""What jobs are expected to cost: rates stated and measured, and passes counted in the networks themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.plan.cost import by_row, stated, tariff
from repro.plan.expand import Options, expand
from repro.plan.jobs import Job
from repro.plan.needs import needs
from repro.plan.passes import FORWARD, passes
from repro.plan.scale import scale
from repro.spec import load, recipes
from repro.store import Record, Store

SPECS, MINI = load.specs(), load.profile("mini")
ROW = "moco-k16384"


def of(name: str, negatives: str = "none", **settings: float) -> dict[str, Any]:
    return {"method": {"name": name, **settings}, "negatives": {"name": negatives, "count": 2}, "data": {"pixels": 224}}


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (of("supervised"), 1.0),
        (of("moco"), 1 + 1 / 3),
        (of("moco", "patch"), 1 + 3 / 3),
        (of("simclr", "patch"), 4.0),
        (of("byol", "patch"), 2 + 4 / 3),
        (of("infomin", jigsaw_piece=56), 1 + 9 / 16 + 1 / 3),
        (of("fnc", support_size=8), 10.0),
    ],
)
def test_passes_by_hand(recipe: dict[str, Any], expected: float) -> None:
    assert passes(recipe) == pytest.approx(expected)


def test_passes_are_those_that_the_methods_take() -> None:
    counted = {}
    for table in SPECS.tables.values():
        for row in table.rows:
            if row.same_as is None and (table.recipe or row.recipe):
                recipe = scale(recipes.plain(recipes.resolve(SPECS.tables, table, row)), MINI)
                kind = (recipe["method"]["name"], recipe["negatives"]["name"])
                if kind not in counted:
                    counted[kind] = _counted(recipe)
                    assert passes(recipe) == pytest.approx(counted[kind], rel=0.01), kind
    assert len(counted) > 15


def _counted(recipe: dict[str, Any]) -> float:
    """Whole passes an image in one training step, by what goes into the first layers."""
    torch = pytest.importorskip("torch")
    from repro.lab import data
    from repro.lab.jobs import Context, pretrain

    count = 320
    pictures = np.random.default_rng(0).integers(0, 256, (count, 3, 32, 32)).astype(np.uint8)
    labels, names = np.arange(count) % 7, np.array([str(place) for place in range(count)])
    images = data.Images(pictures, labels, tuple("abcdefg"), names=names)
    groups = ("net", "views", "method", "negatives", "optimizer", "training", "input")
    spec = {"recipe": {group: recipe[group] for group in groups}, "pixels": 32}
    current = pretrain._prepare(spec, seed=0, images=images, textures=images.images, context=Context(device="cpu"))
    areas = {True: 0.0, False: 0.0}  # with gradient, without

    def see(layer: Any, given: tuple[Any, ...], result: Any) -> None:
        share = given[0].shape[2] * given[0].shape[3] / 32**2
        share *= 0.25 if layer.in_channels < 3 else 1.0  # a network of half the width for L, and one for ab
        areas[bool(result.requires_grad)] += len(given[0]) * share

    for layer in current.method.modules():
        if isinstance(layer, torch.nn.Conv2d) and layer.in_channels <= 3:
            layer.register_forward_hook(see)
    pretrain._step(current)
    return (areas[True] + FORWARD * areas[False]) / recipe["training"]["batch"]


def test_a_row_costs_what_is_still_to_do_for_it_and_shared_data_sets_are_left_out(tmp_path: Path) -> None:
    options = Options(seeds=[0, 1], rows=[ROW, "byol"], columns=["imagenet"])
    plan, store = expand(SPECS.tables, SPECS.table("table1"), MINI, options), Store(tmp_path)
    found = needs(plan, store)
    rows = by_row(plan, found, stated(MINI))
    rates = MINI.rates
    trained = 2 * 6000 * 10 * (1 + 1 / 3) / rates["pretrain"].images_per_second
    looked = 2 * (6000 / rates["probe"].images_per_second + 1400 / rates["evaluate"].images_per_second)
    assert [row.row for row in rows] == [ROW, "byol"]
    assert rows[0].seconds == pytest.approx(trained + looked)


def test_a_rate_is_measured_where_a_job_of_the_kind_has_a_record(tmp_path: Path) -> None:
    options = Options(seeds=[0, 1], rows=[ROW], columns=["imagenet"])
    plan, store = expand(SPECS.tables, SPECS.table("table1"), MINI, options), Store(tmp_path)
    job = next(job for job in plan.jobs.values() if job.kind == "pretrain")
    times = ("2026-01-01T00:00:00+00:00", 100.0, 90.0)
    store.write(Record(job.id, job.content, job.label, {}, {}, *times, {}))
    costs = tariff(plan, needs(plan, store))
    assert costs.rates["pretrain"].images_per_second == pytest.approx(800.0)  # 6,000 x 10 x 4/3 in 100 s
    assert costs.rates["pretrain"].why == "measured: 1 record of this plan"
    assert costs.rates["probe"] == MINI.rates["probe"]


def test_a_rate_of_one_size_of_image_serves_another_by_area() -> None:
    """ResNet-50 does (96 / 224)^2 of the work on STL-10's images: at 224 passes a second, 1,219.6."""
    paper = load.profile("paper")
    job = Job("pretrain", {"pixels": 96}, 0, {}, "", 1, "cuda", "", images=100_000)
    assert stated(paper).seconds(job) == pytest.approx(100_000 / 1219.56, rel=1e-4)


def test_a_card_s_rate_is_measured_where_several_shared_the_work(tmp_path: Path) -> None:
    options = Options(seeds=[0, 1], rows=[ROW], columns=["imagenet"])
    plan, store = expand(SPECS.tables, SPECS.table("table1"), MINI, options), Store(tmp_path)
    job = next(job for job in plan.jobs.values() if job.kind == "pretrain")
    times = ("2026-01-01T00:00:00+00:00", 100.0, 90.0)
    store.write(Record(job.id, job.content, job.label, {}, {}, *times, {"processes": 4}))
    costs = tariff(plan, needs(plan, store))
    assert costs.rates["pretrain"].images_per_second == pytest.approx(200.0)  # 6,000 x 10 x 4/3 in 4 times 100 s
