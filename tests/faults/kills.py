"""kill -9 at random moments, of the runner, of its worker, of both; the run is begun again until it is done.

A moment is a delay drawn from the length of a run, or a change of the results: the n-th file that a process is about
to open for writing, to rename or to remove. A run is killed up to nine times before it may end.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from subprocess import Popen

from tests.faults import processes
from tests.faults.trials import Trial
from tests.faults.world import TIMEOUT, World

USUAL = 3
IN_A_ROW = 9
LONGEST = 9.0  # seconds: about a run's length; later moments come of what earlier kills left to do
CHANGES = {"runner": 12, "worker": 40}  # about as many as the process makes in a run of this world
KINDS = ("data", "pretrain", "probe", "evaluate", "similarity", "samples")
BOUND = 60.0  # seconds that a worker may go on without its runner
MODULES = {"runner": "repro", "worker": "repro.run.worker"}
OLD = 2 * 24 * 3600.0  # seconds: older than what `repro run` takes for somebody's file under way


@dataclass(frozen=True)
class Moment:
    """When, and whom."""

    victim: str  # "runner", "worker" or "both"
    event: int = 0  # the change of the results, of the process `at`
    at: str = ""
    delay: float = 0.0  # seconds, where there is no such change

    def __str__(self) -> str:
        when = f"change {self.event} of the {self.at}" if self.event else f"{self.delay:.2f} s"
        return f"kill -9 of {self.victim} at {when}"


def skipped() -> str:
    """Why it cannot be tried here."""
    return "" if Path("/proc/self/task").is_dir() else "the processes of a run are looked up in /proc"


def trials(world: World, *, times: int, seed: int) -> Iterator[Trial]:
    """Runs that are killed again and again; each kill is a trial, and is told when its run has ended."""
    random, done = Random(f"kills {seed}"), 0
    while done < times:
        met = _one_run(world, random, at_most=min(times - done, IN_A_ROW))  # none, where the first came too late
        yield from met
        done += len(met)


def _moment(random: Random) -> Moment:
    victim = random.choice(("runner", "worker", "both"))
    if random.random() < 0.5:
        return Moment(victim, delay=random.uniform(0.0, LONGEST))
    at = "runner" if victim == "runner" and random.random() < 0.5 else "worker"
    return Moment(victim, at=at, event=random.randint(1, CHANGES[at]))


def _one_run(world: World, random: Random, *, at_most: int) -> list[Trial]:
    """Begin a run and kill it, again and again; then let it end and compare. What came of each kill that was met."""
    results, met, seen = world.folder("kills"), list[Moment](), list[str]()
    for _ in range(random.randint(1, at_most)):
        moment = _moment(random)
        run, is_met = _killed(world, results, moment)
        met += [moment] * is_met
        if moment.victim == "worker" and is_met:
            seen += [] if world.ends(run) else [f"{moment}: the run did not end"]  # it goes on with another worker
        elif is_met and random.random() < 0.3 and not _left_alone(results):
            seen.append(f"{moment}: its worker went on for {BOUND} s without it")
        if not is_met:
            break  # the run was done before
    seen += ended(world, results)
    told = "; ".join([*seen, "after", *map(str, met)]) if seen else ""
    return [Trial(f"kill -9: {moment.victim}", not seen, told) for moment in met]


def _killed(world: World, results: Path, moment: Moment) -> tuple[Popen[str], bool]:
    """A run that is killed at a moment, and whether it was, or had ended before; a runner that was killed is gone."""
    order = world.root / "kill.json"
    if moment.event:
        victims = {"both": "both", moment.at: "self"}.get(moment.victim, "parent")
        asked = {"role": moment.at, "event": moment.event, "below": str(results), "victims": victims}
        order.write_text(json.dumps(asked))
        run = world.start(results, env={"FAULTS_KILL": str(order)})
        processes.awaited(lambda: run.poll() is not None or not order.exists(), seconds=TIMEOUT)
        is_met = not order.exists()
        order.unlink(missing_ok=True)
    else:
        run = world.start(results)
        time.sleep(moment.delay)
        names = ("runner", "worker") if moment.victim == "both" else (moment.victim,)
        victims_ = [run.pid] * ("runner" in names) if run.poll() is None else []
        victims_ += processes.named(results, MODULES["worker"]) * ("worker" in names)
        is_met = bool(processes.kill(victims_))
    if moment.victim != "worker" or not is_met:
        world.ends(run)
    return run, is_met


def _left_alone(results: Path) -> bool:
    """Whether what a dead runner left ends by itself."""
    return processes.awaited(lambda: not processes.of(results), seconds=BOUND)


def ended(world: World, results: Path) -> list[str]:
    """Let a run end that was killed, and again once what it left is old; what is then not as it should be."""
    code, printed = world.finish(results)
    if code:
        return [f"exit {code}: {printed}"]
    seen = [] if _left_alone(results) else [f"these go on: {processes.of(results)}"]
    left = [path for path in results.rglob("*.part") if path.is_file()]
    if left:
        for path in left:
            os.utime(path, (time.time() - OLD,) * 2)
        code, printed = world.finish(results)
        seen += [f"exit {code} at the second time: {printed}"] if code else []
    return seen + world.differences(results)
