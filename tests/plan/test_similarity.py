"""What the figures of similarities and of classes ask of a plan."""

from __future__ import annotations

import pytest

from repro.plan.expand import Options, Plan, expand
from repro.spec import families, load

SPECS = load.specs()
MINI = load.profile("mini")
SHOWN = {"figure2": 1, "figure3": 3, "figure12": 2, "figure13": 6}  # networks in each


def plan_of(name: str) -> Plan:
    return expand(SPECS.tables, SPECS.table(name), MINI, Options(seeds=[0]))


@pytest.mark.parametrize("name", SHOWN)
def test_all_columns_of_a_network_are_one_job_that_needs_no_probe(name: str) -> None:
    plan = plan_of(name)
    assert plan.blocked == {}
    jobs = [job for job in plan.jobs.values() if job.kind == "similarity"]
    assert len(jobs) == SHOWN[name]
    for row in plan.rows:
        assert len({plan.cells[row.id, column.id][0] for column in plan.columns}) == 1
    for job in jobs:
        assert set(job.inputs) == {"pretrain", "data", "textures"}
        assert job.images == 6000
        assert job.spec["recipe"]["similarity"]["sizes"] == [2, 10]
        assert job.spec["recipe"].keys() == {"net", "views", "input", "evaluation", "similarity"}


def test_figures_share_the_similarities_of_the_networks_they_share() -> None:
    third, twelfth, thirteenth = (
        {job.id for job in plan_of(name).jobs.values() if job.kind == "similarity"}
        for name in ("figure3", "figure12", "figure13")
    )
    assert third < thirteenth
    assert len(third & twelfth) == 1


@pytest.mark.parametrize("name", SHOWN)
def test_the_settings_are_whole_and_each_says_where_it_comes_from(name: str) -> None:
    settings = SPECS.table(name).recipe["similarity"]
    assert settings.keys() == families.fields("similarity", None).keys()
    assert all((value.sourced is None) != (value.choice is None) for value in settings.values())


@pytest.mark.parametrize("name", ["figure7", "figure9", "figure10"])
def test_the_figures_of_classes_can_be_run(name: str) -> None:
    plan = plan_of(name)
    drawn = "the 16 categories are made of ImageNet's classes, and these are drawn shapes"
    assert plan.blocked == ({("resnet50", "coarse-classes"): drawn} if name == "figure7" else {})
    assert any(job.spec.get("evaluator") == "class_accuracy" for job in plan.jobs.values())


def test_of_a_profile_without_textures_the_other_similarities_still_run() -> None:
    sets = {name: recipe for name, recipe in MINI.datasets.items() if not name.endswith("-texture/train")}
    bare = MINI.model_copy(update={"datasets": sets, "missing": {"imagenet-100-texture/train": "no textures here"}})
    plan = expand(SPECS.tables, SPECS.table("figure3"), bare, Options(seeds=[0]))
    assert plan.blocked == {(row, "texture"): "no textures here" for row in ("a0", "a2", "a3")}
    job = plan.jobs[plan.cells["a0", "patch"][0]]
    assert set(job.inputs) == {"pretrain", "data"}
