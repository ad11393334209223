"""What Figure 1 asks of a plan: the images and their textures, and no network."""

from __future__ import annotations

from repro.plan.expand import Options, expand
from repro.spec import load

SPECS = load.specs()
MINI = load.profile("mini")


def test_samples_need_no_network() -> None:
    plan = expand(SPECS.tables, SPECS.table("figure1"), MINI, Options(seeds=[0, 1]))
    assert sorted(job.kind for job in plan.jobs.values()) == ["data", "data", *["samples"] * 4]
    texture, patch = (plan.jobs[plan.cells[row, "colour-distance"][1]] for row in ("texture", "patch"))
    assert set(texture.inputs) == {"data", "textures"}
    assert set(patch.inputs) == {"data"}
    assert patch.seed == 1
    assert patch.spec["recipe"].keys() == {"views", "negatives", "input", "samples"}
    assert patch.images == 10000
    assert plan.jobs[plan.cells["patch", "colour-distance"][0]].id != patch.id


def test_a_time_is_no_result() -> None:
    plan = expand(SPECS.tables, SPECS.table("figure1"), MINI, Options(seeds=[0]))
    assert plan.blocked["patch", "loader-rate"] == (
        "A time is a machine's and no result of a seed: benchmarks/input.py measures it, side by side."
    )
