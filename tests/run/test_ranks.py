# ruff: noqa: F811  (fixtures of another folder)
"""A pretraining that a worker starts in two processes by torchrun: gloo here, in place of two graphics cards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from repro.errors import JobFailed
from repro.lab.jobs import Context, Stopped, pretrain
from repro.run import ranks
from tests.lab.conftest import folder, images, recipe  # noqa: F401  (fixtures)

ENCODER, CHECKPOINT = "encoder.safetensors", "checkpoint.safetensors"


def job(recipe: dict[str, Any]) -> dict[str, Any]:
    recipe.setdefault("input", {"mode": "batched"})
    return {"kind": "pretrain", "spec": {"recipe": recipe, "pixels": 16}, "seed": 0, "threads": 1}


def start(content: dict[str, Any], data: Path, into: Path, context: Context) -> Any:
    into.mkdir(exist_ok=True)
    return ranks.run(content, inputs={"data": data}, folder=into, context=context, size=2)


@pytest.mark.parametrize(
    ("batch", "groups", "most", "expected"),
    [(128, 8, 6, 4), (128, 8, 8, 8), (96, 1, 5, 4), (7, 1, 4, 1), (64, 1, 1, 1)],
)
def test_as_many_processes_as_share_a_batch_and_its_groups(batch: int, groups: int, most: int, expected: int) -> None:
    spec = {"recipe": {"training": {"batch": batch}, "method": {"shuffle_groups": groups}}}
    assert ranks.fitting(spec, most=most) == expected


def test_two_processes_train_what_one_does_and_stop_and_go_on(
    recipe: dict[str, Any],
    folder: Path,
    tmp_path: Path,
) -> None:
    told: list[tuple[int, int, str]] = []
    content = job(recipe)
    alone = tmp_path / "alone"
    alone.mkdir()
    whole = pretrain.run(content["spec"], seed=0, inputs={"data": folder}, folder=alone, context=Context(device="cpu"))

    def progress(done: int, total: int, unit: str) -> None:
        told.append((done, total, unit))

    with pytest.raises(Stopped, match=r"^stopped after step \d+ of 12$"):  # asked at once: 12 steps may take 0.2 s
        start(content, folder, tmp_path / "two", Context(device="cpu", stopping=lambda: True))
    assert [path.name for path in (tmp_path / "two").iterdir()] == [CHECKPOINT]
    notes: list[str] = []
    outcome = start(content, folder, tmp_path / "two", Context(device="cpu", progress=progress, note=notes.append))
    assert told[-1] == (12, 12, "steps")
    assert notes[0].startswith("goes on from step ")
    assert outcome.files == [ENCODER]
    assert outcome.values["steps"] == whole.values["steps"] == 12
    assert outcome.values["loss"] == pytest.approx(whole.values["loss"], abs=1e-4)
    ours, theirs = load_file(tmp_path / "two" / ENCODER), load_file(alone / ENCODER)
    learned = [name for name in theirs if "running" not in name and "num_batches" not in name]
    assert all(float((ours[name] - theirs[name]).abs().max()) < 1e-4 for name in learned)


def test_what_one_process_says_is_why_the_job_failed(recipe: dict[str, Any], folder: Path, tmp_path: Path) -> None:
    recipe["method"]["queue"] = 33
    with pytest.raises(JobFailed) as caught:
        start(job(recipe), folder, tmp_path / "two", Context(device="cpu"))
    assert str(caught.value) == (
        "method.queue: 33 is not a multiple of the batch of 16, so the last keys would not fit; the nearest that is "
        "one is 32"
    )
    assert list((tmp_path / "two").iterdir()) == []


def test_a_process_that_is_killed_costs_a_start_from_the_checkpoint(
    recipe: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    recipe["training"]["epochs"] = 10
    notes: list[str] = []
    killed: list[int] = []

    def progress(done: int, total: int, unit: str) -> None:
        if not killed:
            (tmp_path / "two" / f".{CHECKPOINT}.a1b2c3d4.part").touch()  # as if it died while it wrote
            killed.append(_second(tmp_path / "two"))
            os.kill(killed[0], signal.SIGKILL)

    whole = start(job(recipe), folder, tmp_path / "whole", Context(device="cpu"))
    context = Context(device="cpu", progress=progress, note=notes.append)
    outcome = start(job(recipe), folder, tmp_path / "two", context)
    assert len(killed) == 1
    assert notes[0].endswith("; they are started once more")
    assert [path.name for path in (tmp_path / "two").iterdir()] == [ENCODER]
    assert outcome.values == whole.values
    assert (tmp_path / "two" / ENCODER).read_bytes() == (tmp_path / "whole" / ENCODER).read_bytes()


def died(*_: object, **__: object) -> None:
    raise ranks.Died("its processes ended with exit code 1 and said nothing")


def test_processes_that_die_each_time_have_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "_launched", died)
    notes: list[str] = []
    with pytest.raises(JobFailed) as caught:
        start({"threads": 1}, tmp_path, tmp_path / "two", Context(device="cpu", note=notes.append))
    why = "its processes ended with exit code 1 and said nothing"
    assert notes == [f"{why}; they are started once more"]
    assert str(caught.value) == f"{why} (2 times; the worker's log has what they printed)"


def test_processes_that_die_as_they_do_not_stop_are_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranks, "_launched", died)
    with pytest.raises(Stopped, match=r"^its processes .* nothing; they had been asked to stop$"):
        start({"threads": 1}, tmp_path, tmp_path / "two", Context(device="cpu", stopping=lambda: True))


def _second(job: Path) -> int:
    """The process of the second rank of a job."""
    for entry in Path("/proc").iterdir():
        try:
            is_it = str(job) in (entry / "cmdline").read_text() and "RANK=1" in (entry / "environ").read_text().split(
                "\0"
            )
        except OSError:
            continue
        if is_it:
            return int(entry.name)
    raise AssertionError(f"no second process of {job}")


def test_processes_whose_worker_was_killed_leave_a_checkpoint_and_end(
    recipe: dict[str, Any],
    folder: Path,
    tmp_path: Path,
) -> None:
    recipe["training"]["epochs"] = 20_000
    (tmp_path / "two").mkdir()
    order = tmp_path / "order.json"
    order.write_text(json.dumps({"content": job(recipe), "data": str(folder), "into": str(tmp_path / "two")}))
    code = (
        "import json, sys; from pathlib import Path; from repro.lab.jobs import Context; from repro.run import ranks\n"
        "given = json.loads(Path(sys.argv[1]).read_text())\n"
        "context = Context(device='cpu', progress=lambda *told: print(*told, flush=True))\n"
        "ranks.run(given['content'], inputs={'data': Path(given['data'])}, folder=Path(given['into']), "
        "context=context, size=2)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(order)], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline().endswith("steps\n")
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    until = time.monotonic() + 60
    while not (tmp_path / "two" / CHECKPOINT).is_file() or _alive(str(tmp_path / "two")):
        assert time.monotonic() < until, "they did not stop"
        time.sleep(0.1)


def test_processes_whose_torchrun_was_killed_stop_at_the_next_step_and_are_started_once_more(
    recipe: dict[str, Any],
    folder: Path,
    tmp_path: Path,
) -> None:
    recipe["training"]["epochs"] = 60
    children, killed, notes = Path(f"/proc/self/task/{os.getpid()}/children"), list[int](), list[str]()

    def progress(*_: object) -> None:
        if not killed:
            found = [int(word) for word in children.read_text().split()]
            killed.extend(one for one in found if b"torch.distributed.run" in Path(f"/proc/{one}/cmdline").read_bytes())
            os.kill(killed[0], signal.SIGKILL)

    whole = start(job(recipe), folder, tmp_path / "whole", Context(device="cpu"))
    context = Context(device="cpu", progress=progress, note=notes.append)
    outcome = start(job(recipe), folder, tmp_path / "two", context)
    assert len(killed) == 1
    assert notes[0] == "torchrun was gone, and its processes stopped; they are started once more"
    assert notes[1].startswith("goes on from step ")
    assert outcome.values == whole.values
    assert (tmp_path / "two" / ENCODER).read_bytes() == (tmp_path / "whole" / ENCODER).read_bytes()


def _alive(folder: str) -> list[str]:
    """Processes whose command line names a folder, this one left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().decode().replace("\0", " ")
            except OSError:
                continue
            found += [command] if folder in command else []
    return found
