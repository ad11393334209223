"""What of a plan depends on where it is run, and what does not."""

from __future__ import annotations

from repro.plan.expand import Options, expand
from repro.spec import load

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
