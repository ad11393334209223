"""Learning rates at which a training explodes at some step: it stops there, and the last good checkpoint is kept.

The cell has failed with the step. Typed again it goes on from the checkpoint and fails again, at a step that may be
another: losses are looked at after each, weights where a checkpoint is due, which is a matter of time. With the right
rate the same results folder has the numbers of a run that met no fault.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from repro.lab import snapshot
from repro.lab.jobs.pretrain import CHECKPOINT
from repro.store import Store
from tests.faults.trials import Trial
from tests.faults.world import World

USUAL = 1
RATES = (4.5, 12.0)  # powers of ten
NUMBER = r"[\d.]+(?:e[+-]?\d+)?"
SENTENCE = re.compile(
    rf"(?:loss (?:is nan|is -?inf|has grown to {NUMBER}) at|the weights are no numbers after) step (\d+) of (\d+) "
    rf"\(learning rate {NUMBER}\); lower optimizer\.lr, now {NUMBER}"
)


def skipped() -> str:
    """It can be tried everywhere."""
    return ""


def trials(world: World, *, times: int, seed: int) -> Iterator[Trial]:
    """Runs with such rates; one that its training survives is drawn anew."""
    random = Random(f"losses {seed}")
    for _ in range(times):
        met = None
        while met is None:
            met = _one_run(world, float(f"{10 ** random.uniform(*RATES):.3g}"))
        yield met


def _one_run(world: World, rate: float) -> Trial | None:
    """One trial; None where nothing exploded."""
    results, wild = world.folder("losses"), _wild(world, rate)
    code, printed = wild.finish(results)
    if code == 0:
        return None
    told = SENTENCE.search(printed)
    if code != 3 or "Traceback" in printed or told is None:
        return Trial("loss that explodes", False, f"rate {rate}: exit {code}: {printed}")
    [job] = [path.parent.name for path in results.glob("*/*/failure.json")]
    seen = _kept(Store(results).folder(job), before=int(told[1]))
    code, printed = wild.finish(results)
    again = SENTENCE.search(printed)
    if code != 3 or again is None:
        return Trial("loss that explodes", False, f"rate {rate}: exit {code} when it was typed again: {printed}")
    seen += _kept(Store(results).folder(job), before=int(again[1]))
    seen += _judged(wild, results, again[0])
    code, printed = world.finish(results)
    seen += [f"exit {code} with the right rate: {printed}"] if code else []
    shutil.rmtree(Store(results).folder(job))
    seen += world.differences(results)
    return Trial("loss that explodes", not seen, f"rate {rate}, {told[0]}: {'; '.join(seen)}" if seen else "")


def _wild(world: World, rate: float) -> World:
    """The same world with another learning rate."""
    wild = replace(world, root=world.root / "wild")
    shutil.rmtree(wild.root, ignore_errors=True)
    shutil.copytree(world.root / "tables", wild.root / "tables")
    text = world.profile.read_text(encoding="utf-8")
    text, count = re.subn(r'(?m)^("optimizer=sgd.lr" *= \{ set = )[^,]+', rf"\g<1>{rate!r}", text)
    assert count == 1, text
    wild.profile.write_text(text, encoding="utf-8")
    return wild


def _kept(folder: Path, *, before: int) -> list[str]:
    """What is wrong with what a training left that was stopped at a step: a checkpoint of good weights at most."""
    left = {path.name for path in folder.iterdir()} - {"lock", "log.txt", "failure.json"}
    seen = [f"{name} was left" for name in sorted(left - {CHECKPOINT})]
    if CHECKPOINT in left:
        tensors, about = snapshot.load(folder / CHECKPOINT)
        seen += [f"{name} of the checkpoint is no number" for name, one in tensors.items() if not one.isfinite().all()]
        seen += [] if about["step"] < before else [f"the checkpoint is of step {about['step']}, not before {before}"]
    elif before > 2:  # there is one after each step, for as long as writing one took
        seen.append("no checkpoint was kept")
    return seen


def _judged(wild: World, results: Path, reason: str) -> list[str]:
    """What is wrong with the cells as they are judged: those of the row have failed, with the reason."""
    code, text = wild.says(results, "check", ["--json"])
    cells = json.loads(text)["cells"]
    seen = [] if code == 3 else [f"repro check ends with {code}"]
    row = [cell for cell in cells if cell["column"] != "colour-distance"]
    return seen + [
        f"{one['column']}: {one}" for one in row if one["verdict"] != "failed" or reason not in one["reason"]
    ]
