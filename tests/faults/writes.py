"""kill -9 of a verb while it writes what was asked for: the file is what it was, or the new one, whole; never a part.

A page, a certificate, exports, JUnit's XML and a badge; a cache of decoded images and a tree of textures, each with its
pool of processes. The same command then writes what it would have written, and what the killed one left goes when it is
old.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.faults import kills
from tests.faults.trials import Trial
from tests.faults.world import WHEN, World
from tests.trees import classes

USUAL = 3
VERBS = {  # the file that is asked for, and the words for it
    "page.html": ["report", "{table}", "-o", "{out}/page.html"],
    "certificate.json": ["certify", "{table}", "-o", "{out}/certificate.json"],
    "table.tex": ["export", "{table}", "--format", "latex", "-o", "{out}/table.tex"],
    "junit.xml": ["check", "{table}", "--fail-on", "nothing", "--junit", "{out}/junit.xml"],
    "badge.svg": ["check", "{table}", "--fail-on", "nothing", "--badge", "{out}/badge.svg"],
    "pictures/cache.json": ["data", "make", "cache", "--root", "{root}/pictures", "--out", "{out}", "--workers", "1"],
    "grown/pictures/b/b_2.jpg": [
        *("data", "make", "imagenet-texture", "--root", "{root}", "--splits", "pictures", "--out", "{out}/grown"),
        *("--pixels", "32", "--side", "8", "--workers", "1"),
    ],
}
CHANGES = {"runner": 3, "pool": 9}  # that a verb, or one of the processes that decode for it, makes at most
OLD = b"what was there before\n"
TIMES = re.compile(rf"{WHEN}|\d+(\.\d+)? s\b".encode())


def skipped() -> str:
    """Nothing stands in the way."""
    return ""


def trials(world: World, *, times: int, seed: int) -> Iterator[Trial]:
    """Each verb in turn, killed at a change drawn by the seed; half of the files are there before."""
    random, done, number = Random(f"writes {seed}"), 0, 0
    classes(world.root / "pictures", ("a", "b"), each=3)
    while done < times:
        name = list(VERBS)[number % len(VERBS)]
        number += 1
        trial = _one(world, random, name)
        if trial is not None:  # else the verb made fewer changes than were waited for
            done += 1
            yield trial


def _words(world: World, name: str, out: Path) -> list[str]:
    """What is typed to have a file."""
    parts = {"table": world.words[0], "out": out, "root": world.root}
    words = [word.format(**parts) for word in VERBS[name]]
    if words[0] == "data":
        return words
    return [*words, *world.words[1:], "--profile", str(world.profile), "--results", str(world.reference)]


def _one(world: World, random: Random, name: str) -> Trial | None:
    """Kill a verb, see what it left, type it again; None where it ended before."""
    kept, out, order = (world.root / each for each in ("kept", "out", "kill.json"))
    if not (kept / name).is_file():
        code, printed = world.typed(_words(world, name, kept))
        assert code == 0, printed
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    has_pool = "/" in name  # a folder of files
    was_there = random.random() < 0.5 and not has_pool
    if was_there:
        (out / name).write_bytes(OLD)
    at = random.choice(("runner", "pool")) if has_pool else "runner"
    asked = {"role": at, "event": random.randint(1, CHANGES[at]), "below": str(out), "victims": "self"}
    order.write_text(json.dumps(asked))
    world.typed(_words(world, name, out), {"FAULTS_KILL": str(order)})
    is_met = not order.exists()
    order.unlink(missing_ok=True)
    if not is_met:
        return None
    whole, allowed = _contents(kept), [OLD] * was_there
    left = {path: content for path, content in _contents(out).items() if path.endswith(Path(name).suffix)}
    seen = [f"{path} is a part" for path, content in left.items() if content not in (*allowed, whole.get(path))]
    _age(out)
    code, printed = world.typed(_words(world, name, out))
    seen += [f"exit {code} the second time: {printed}"] if code else []
    if _contents(out) != {path: content for path, content in whole.items() if path in _wanted(name, kept)}:
        seen.append(f"the second time came {sorted(_contents(out))}")
    return Trial(f"kill -9 writing {name}", not seen, f"{asked}: {'; '.join(seen)}")


def _wanted(name: str, kept: Path) -> set[str]:
    """The files that a verb leaves."""
    folder = name.partition("/")[0] if "/" in name else ""
    return {path for path in _contents(kept) if path.startswith(f"{folder}/")} if folder else {name}


def _contents(out: Path) -> dict[str, bytes | None]:
    return {path.relative_to(out).as_posix(): _plain(path, out) for path in out.rglob("*") if path.is_file()}


def _plain(path: Path, out: Path) -> bytes | None:
    """A file's bytes, but for the place and the time; None where there is none."""
    return TIMES.sub(b"TIME", path.read_bytes().replace(bytes(out), b"OUT")) if path.is_file() else None


def _age(out: Path) -> None:
    """Make what is left of a file under way old."""
    for path in out.rglob("*.part"):
        os.utime(path, (time.time() - kills.OLD,) * 2)
