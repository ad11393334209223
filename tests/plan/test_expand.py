"""What of a plan depends on where it is run, and what does not."""

from __future__ import annotations

import pytest

from repro.errors import SpecError
from repro.plan.expand import Options, Plan, expand
from repro.plan.jobs import Job
from repro.plan.scale import scale
from repro.spec import load
from repro.spec.profile import Rule

SPECS = load.specs()
MINI = load.profile("mini")


def test_images_are_drawn_once_for_every_device() -> None:
    cpu, cuda = (
        expand(SPECS.tables, SPECS.table("table1"), MINI, Options(seeds=[0], rows=["moco-k16384"], device=device))
        for device in ("cpu", "cuda")
    )
    shared = cpu.jobs.keys() & cuda.jobs.keys()
    assert {cpu.jobs[name].kind for name in shared} == {"data"}
    assert shared == {name for name, job in cpu.jobs.items() if job.kind == "data"}


def by_label(plan: Plan) -> dict[str, Job]:
    return {job.label: job for job in plan.jobs.values()}


def table2(reference: str, *, seeds: list[int], rows: list[str]) -> Plan:
    """Table 2's mCE where another network's errors stand in for AlexNet's."""
    profile = MINI.model_copy(update={"references": {"mce": reference}})
    options = Options(seeds=seeds, rows=rows, columns=["imagenet-c"])
    return expand(SPECS.tables, SPECS.table("table2"), profile, options)


def test_mce_rests_on_one_evaluation_of_the_reference_whatever_the_seed() -> None:
    plan = table2("table1/moco-k16384", seeds=[3, 4], rows=["moco-v2"])
    jobs = by_label(plan)
    reference = jobs["evaluate imagenet-c of moco-k16384, seed 0"]  # the profile's first seed
    assert "reference" not in reference.spec
    assert "reference" not in reference.inputs
    for seed in (3, 4):
        job = jobs[f"evaluate imagenet-c of moco-v2, seed {seed}"]
        assert job.inputs["reference"] == reference.id
        assert job.inputs["data"] == reference.inputs["data"]
        assert job.spec["reference"] == "table1/moco-k16384"
    order = list(plan.jobs)
    assert order.index(reference.id) < order.index(plan.cells["moco-v2", "imagenet-c"][3])


def test_where_the_reference_cannot_be_trained_the_cells_that_rest_on_it_say_so() -> None:
    held = {name: made for name, made in MINI.datasets.items() if name != "imagenet-100/train"}
    lacking = {"references": {"mce": "table1/supervised"}, "datasets": held, "missing": {"imagenet-100/train": "gone"}}
    profile = MINI.model_copy(update=lacking)
    options = Options(seeds=[0], rows=["moco-v2"], columns=["imagenet", "imagenet-c"])
    plan = expand(SPECS.tables, SPECS.table("table2"), profile, options)
    assert plan.blocked["moco-v2", "imagenet-c"] == (
        'the network that mCE is normalised by, "supervised", cannot be trained: gone'
    )
    assert list(plan.cells) == [("moco-v2", "imagenet")]


def test_alexnets_errors_are_no_job() -> None:
    plan = table2("alexnet", seeds=[0], rows=["moco-v2"])
    job = by_label(plan)["evaluate imagenet-c of moco-v2, seed 0"]
    assert job.spec["reference"] == "alexnet"
    assert set(job.inputs) == {"pretrain", "probe", "data"}


def test_mean_accuracy_needs_no_reference() -> None:
    profile = MINI.model_copy(update={"references": {"mce": "table1/moco-k16384"}})
    options = Options(seeds=[0], rows=["moco-k8192"], columns=["imagenet-c"])
    plan = expand(SPECS.tables, SPECS.table("table1"), profile, options)
    assert [job.kind for job in plan.jobs.values()] == ["data", "pretrain", "probe", "data", "evaluate"]


def test_a_reference_that_is_no_row_is_told() -> None:
    with pytest.raises(SpecError) as caught:
        table2("table1/resnet", seeds=[0], rows=["moco-v2"])
    assert str(caught.value) == (
        'profile "mini", references.mce: expected "alexnet" or a row such as "table1/supervised", found "table1/resnet"'
    )


def test_textures_are_made_of_the_images_that_are_learned_from() -> None:
    plan = expand(SPECS.tables, SPECS.table("table1"), MINI, Options(seeds=[0], rows=["moco-k16384-texture-a2"]))
    jobs = by_label(plan)
    images, textures = jobs["data imagenet-100/train"], jobs["data imagenet-100-texture/train"]
    assert textures.inputs == {"of": images.id}
    assert textures.images == images.images
    pretrain = jobs["pretrain moco-k16384-texture-a2, seed 0"]
    assert pretrain.inputs == {"data": images.id, "textures": textures.id}


def test_scale_rules_can_be_meant_for_one_name() -> None:
    rules = {
        "net": Rule(set={"name": "small"}, why="w"),
        "net=resnet50_pair": Rule(set={"name": "pair"}, why="w"),
        "optimizer=adam.lr": Rule(multiply=2.0, why="w"),
    }
    profile = MINI.model_copy(update={"scale": rules})
    recipe = {"net": {"name": "resnet50", "head": "mlp"}, "optimizer": {"name": "sgd", "lr": 1.0}}
    assert scale(recipe, profile) == {"net": {"name": "small"}, "optimizer": {"name": "sgd", "lr": 1.0}}
    recipe = {"net": {"name": "resnet50_pair"}, "optimizer": {"name": "adam", "lr": 1.0}}
    assert scale(recipe, profile) == {"net": {"name": "pair"}, "optimizer": {"name": "adam", "lr": 2.0}}
