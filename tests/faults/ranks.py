"""kill -9 in a pretraining that two processes share: of one of them, of torchrun, of the worker, of the runner.

The job fails with its reason, or is done again; the next run goes on from the checkpoint, and ends as a run of two
processes that met no fault.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from subprocess import Popen

from tests.faults import kills, processes
from tests.faults.trials import Trial
from tests.faults.world import TIMEOUT, World

USUAL = 2
LONGEST = 12.0  # seconds from the first rank's birth: their start, their training
CHANGES = 12  # that the first of the two makes in its job's folder, about
MODULES = {
    "a rank": "repro.run.ranks",
    "torchrun": "torch.distributed.run",
    "the worker": "repro.run.worker",
    "the runner": "repro",
}


def skipped() -> str:
    """Why it cannot be tried here."""
    return kills.skipped()


def trials(world: World, *, times: int, seed: int) -> Iterator[Trial]:
    """Each of the processes in turn, at moments drawn by the seed; a run that ended before is tried again."""
    random, there, done = Random(f"ranks {seed}"), _shared(world), 0
    while done < times:
        victim = list(MODULES)[(done + seed) % len(MODULES)]
        event = random.randint(1, CHANGES) if victim == "a rank" and random.random() < 0.5 else 0
        trial = _one(there, victim, event=event, delay=random.uniform(0.0, LONGEST))
        if trial is not None:
            done += 1
            yield trial


def _shared(world: World) -> World:
    """A world whose pretraining is done by two processes, and its reference: sums of two are rounded otherwise."""
    root = world.folder("shared")
    root.mkdir()
    text = re.sub(r"(?m)^threads = 1$", "threads = 1\nprocesses = 2", world.profile.read_text(encoding="utf-8"))
    (root / "tiny.toml").write_text(text, encoding="utf-8")
    there = replace(
        world, root=root, words=("table1", "--rows", "moco-k16384", "--columns", "imagenet", "--seeds", "0")
    )
    code, printed = there.finish(there.reference)
    assert code == 0, printed
    return there


def _one(there: World, victim: str, *, event: int, delay: float) -> Trial | None:
    """Begin, kill one of them, go on; None where the training was over before."""
    results, order = there.folder("results"), there.root / "kill.json"
    more = {}
    if event:
        order.write_text(json.dumps({"role": "rank", "event": event, "below": str(results), "victims": "self"}))
        more = {"FAULTS_KILL": str(order)}
    with there.start(results, env=more) as run:
        is_met = _met(run, results, victim, delay) if not event else _waited(run, order)
        if not is_met:
            processes.kill([run.pid, *processes.of(results)])
            return None
        seen = [] if there.ends(run) else ["the run did not end"]
    seen += kills.ended(there, results)
    at = f"change {event}" if event else f"{delay:.2f} s"
    return Trial(f"kill -9: {victim}, of two ranks", not seen, f"at {at}: {'; '.join(seen)}")


def _waited(run: Popen[str], order: Path) -> bool:
    processes.awaited(lambda: run.poll() is not None or not order.exists(), seconds=TIMEOUT)
    return not order.exists()


def _met(run: Popen[str], results: Path, victim: str, delay: float) -> bool:
    """Kill one of the processes so many seconds after the first rank is there; whether the training went on still."""
    processes.awaited(
        lambda: run.poll() is not None or bool(processes.named(results, MODULES["a rank"])), seconds=TIMEOUT
    )
    time.sleep(delay)
    if not processes.named(results, MODULES["a rank"]):
        return False
    return bool(processes.kill([run.pid] if victim == "the runner" else processes.named(results, MODULES[victim])[:1]))
