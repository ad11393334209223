"""Fuzzing at length: `python -m tests.fuzz.long --inputs 100000 --seed 0` tries so many inputs and prints a table.

An input is named by its target, seed and number; `--target NAME --only NUMBER` tries one again. What breaks is written
down as it is met and the next one is tried; exit 1 if any did.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from tests.fuzz import commands, watch, world
from tests.fuzz.targets import TARGETS
from tests.fuzz.world import World

LINES = "command lines"
NAMES = (*TARGETS, LINES)
KINDS = ("result", "refused", "broken")
USUAL = 6
SHARES = {LINES: 3, "tables": 3, "certificates": 2, "certified results": 1, "certified predictions": 1}  # slow ones
SHOWN = 40  # of what broke, whole


def one(there: World, keep: Path, name: str, seed: int, number: int) -> str:
    """Try one input `world.inside` of the world, which is afterwards as it was: "result" or "refused".

    Raises `watch.Broken`.
    """
    random = Random(f"{name} {seed} {number}")
    if name == LINES:
        typed = commands.words(random)
        try:
            return watch.tried(there.root, lambda: commands.type_(typed))
        finally:
            restore(keep, there.root)
    target = TARGETS[name]
    path = target.path(there, random)
    path.write_bytes(target.variant(random, path.read_bytes()))
    try:
        return watch.tried(there.root, lambda: target.read(there, path))
    finally:
        shutil.copy2(keep / path.relative_to(there.root), path)


def restore(keep: Path, root: Path) -> None:
    """Make a folder what it was: files that are gone, changed or new."""
    before = {path.relative_to(keep): path for path in keep.rglob("*")}
    for path in sorted(root.rglob("*"), reverse=True):
        if path.relative_to(root) not in before:
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
    for name, path in sorted(before.items()):
        other = root / name
        if path.is_dir():
            other.mkdir(exist_ok=True)
        elif not other.is_file() or _stamp(other) != _stamp(path):
            shutil.copy2(path, other)


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def numbers(inputs: int, chosen: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Target and number of each input, the targets in turn."""
    turn = [name for name in chosen for _ in range(SHARES.get(name, USUAL))]
    counts: Counter[str] = Counter()
    for place in range(inputs):
        name = turn[place % len(turn)]
        yield name, counts[name]
        counts[name] += 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Try inputs; 1 where something broke."""
    parser = argparse.ArgumentParser(prog="tests.fuzz.long", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", choices=sorted(NAMES), action="append")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end after so many, whatever is left")
    parser.add_argument("--only", type=int, help="this number alone")
    options = parser.parse_args(arguments)
    chosen = options.target or list(NAMES)
    todo = numbers(options.inputs, chosen) if options.only is None else [(name, options.only) for name in chosen]
    counts: Counter[tuple[str, str]] = Counter()
    seconds: Counter[str] = Counter()
    found: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        there, keep = world.build(Path(folder).resolve() / "world"), Path(folder).resolve() / "kept"
        shutil.copytree(there.root, keep)
        with world.inside(there.root):
            started = time.perf_counter()
            for name, number in todo:
                begun = time.perf_counter()
                if begun - started > 60 * options.minutes:
                    break
                try:
                    counts[name, one(there, keep, name, options.seed, number)] += 1
                except watch.Broken as fault:
                    counts[name, "broken"] += 1
                    _note(found, f"{name} --only {number}", str(fault))
                seconds[name] += time.perf_counter() - begun
    _print(chosen, counts, seconds, found)
    return int(bool(found))


def _note(found: dict[str, list[str]], name: str, fault: str) -> None:
    """What broke, one of a kind shown at once: faults that end alike count as one."""
    lines = fault.strip().splitlines()
    place = [line.strip() for line in lines if line.strip().startswith("File ") and "/repro/" in line]
    kind = f"{place[-1] if place else ''} {lines[-1][:60]}"
    if kind not in found and len(found) < SHOWN:
        print(f"--- --target {name}\n{fault}", flush=True)
    found.setdefault(kind, []).append(name)


def _print(
    chosen: Sequence[str], counts: Counter[tuple[str, str]], seconds: Counter[str], found: dict[str, list[str]]
) -> None:
    print(f"{'':24}{'inputs':>9}{'result':>9}{'refused':>9}{'broken':>9}{'ms each':>9}")
    for name in chosen:
        total = sum(counts[name, kind] for kind in KINDS)
        each = 1000 * seconds[name] / max(1, total)
        print(f"{name:24}{total:9,}" + "".join(f"{counts[name, kind]:9,}" for kind in KINDS) + f"{each:9.1f}")
    print(f"{'all':24}{sum(counts.values()):9,}")
    for kind, names in found.items():
        print(f"{len(names):6} x {kind} (first: {names[0]})")


if __name__ == "__main__":
    sys.exit(main())
