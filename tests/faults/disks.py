"""Results on a small disk: it fills up, has no room for more files, or turns read-only in the middle of a run.

The run ends with a sentence and its exit code; once there is room again, the same command goes on to the same bytes.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from repro.store import Store
from tests import mounts
from tests.faults import kills, processes
from tests.faults.trials import Trial
from tests.faults.world import World

USUAL = 3
LONGEST = 11.0  # seconds: a run, and some more: what was done just before may not be on the disk
ROOM = "64m"
FULL = "the disk is full; free some space and run the same command again, nothing finished is lost"
READ_ONLY = "the file system is read-only; name another folder with --results"


def skipped() -> str:
    """Why it cannot be tried here."""
    return mounts.lacking()


def trials(world: World, *, times: int, seed: int) -> Iterator[Trial]:
    """Each kind in turn, of sizes and at moments drawn by the seed; without a file as a disk, none turns read-only."""
    random = Random(f"disks {seed}")
    kinds = [_full, _no_inodes, *([_read_only] if _has_files_as_disks(world) else [])]
    for number in range(times):
        yield kinds[number % len(kinds)](world, random)


def _has_files_as_disks(world: World) -> bool:
    image = world.root / "disk.img"
    if not shutil.which("mkfs.ext4"):
        return False
    _make(image)
    refused = mounts.lacking("-o", "loop", image)
    image.unlink()
    return not refused


def _make(image: Path) -> None:
    """A file that is a disk."""
    with image.open("wb") as stream:
        stream.truncate(32 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)


def _full(world: World, random: Random) -> Trial:
    """A disk of a size at which some of the run's files find room."""
    needed = sum(path.stat().st_size for path in world.reference.rglob("*") if path.is_file())
    size = random.randint(8, int(1.1 * needed / 1024))
    with _disk(world, *_tmpfs(f"size={size}k")) as place:
        seen = _ended(world, place, FULL, mend=f"size={ROOM}")
    return Trial("disk: full", not seen, _told(f"{size} KiB", seen))


def _no_inodes(world: World, random: Random) -> Trial:
    """A disk that takes some of the run's files and folders."""
    count = random.randint(3, len(list(world.reference.rglob("*"))))
    with _disk(world, *_tmpfs(f"size={ROOM},nr_inodes={count}")) as place:
        seen = _ended(world, place, FULL, mend=f"size={ROOM},nr_inodes=10000")
    return Trial("disk: no inodes", not seen, _told(f"{count} inodes", seen))


def _read_only(world: World, random: Random) -> Trial:
    """A disk that the system makes read-only at a moment, as it does after an error, with files open for writing."""
    delay, image = random.uniform(0.0, LONGEST), world.root / "disk.img"
    _make(image)
    with _disk(world, "-o", "loop,errors=remount-ro", image) as place:
        results = place / "results"
        world.printed(results).unlink(missing_ok=True)
        run = world.start(results)
        time.sleep(delay)
        is_met = run.poll() is None
        mounts.mount("-o", "remount,abort", place)  # the next write meets an error, and the system then stops all
        world.ends(run)
        seen = _told_plainly(run.returncode, world.printed(results).read_text(), READ_ONLY) if is_met else []
        subprocess.run(["umount", str(place)], check=True)
        subprocess.run(["e2fsck", "-fy", str(image)], capture_output=True, check=False)  # its exit says what it mended
        mounts.mount("-o", "loop", image, place)
        seen += kills.ended(world, results)
    image.unlink()
    return Trial("disk: read-only in the middle", not seen, _told(f"after {delay:.2f} s", seen))


def _ended(world: World, place: Path, sentence: str, *, mend: str) -> list[str]:
    """Run until the disk takes no more, mount it with other options, run again; what was not as it should be."""
    results = place / "results"
    code, printed = world.finish(results)
    seen = _told_plainly(code, printed, sentence)
    before = _done(results)
    mounts.mount("-o", f"remount,{mend}", place)
    seen += kills.ended(world, results)
    seen += [f"{job}: was done, and was done again" for job, mark in before.items() if _done(results).get(job) != mark]
    return seen


def _told_plainly(code: int, printed: str, sentence: str) -> list[str]:
    """A run that met its disk's end says so and nothing else; one that did not has ended well."""
    is_told = code in (2, 3) and sentence in " ".join(printed.split())
    if (code == 0 or is_told) and "Traceback" not in printed:
        return []
    return [f"exit {code}: {printed}"]


def _done(results: Path) -> dict[str, int]:
    """The finished jobs, with when their record was written."""
    store = Store(results)
    found = [job for job in (store.jobs() if results.is_dir() else []) if store.read(job) is not None]
    return {job: store.record(job).stat().st_mtime_ns for job in found}


def _told(what: str, seen: list[str]) -> str:
    return f"{what}: {'; '.join(seen)}" if seen else ""


@contextmanager
def _disk(world: World, *options: str | Path) -> Iterator[Path]:
    """A folder on a small disk of its own, for as long as this lasts, and nobody at work in it afterwards."""
    place = world.folder("disk")
    place.mkdir()
    with mounts.guarded(place):
        mounts.mount(*options, place)
        try:
            yield place
        finally:
            processes.kill(list(processes.of(place / "results")))
    place.rmdir()


def _tmpfs(options: str) -> tuple[str, ...]:
    return ("-t", "tmpfs", "-o", options, "tmpfs")
