"""Files of results that are cut, changed in one bit, or another's: found before they are used, named, made again.

A finished run is copied, one of its files is damaged, and what rests on that file is to be done again; or a training
was killed and its checkpoint is damaged. Then the run is gone on with.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from repro.lab import snapshot
from repro.store import Record, Store
from tests.faults import kills, processes
from tests.faults.trials import Trial
from tests.faults.world import TIMEOUT, World

USUAL = 4
WAYS = ("cut", "changed in one bit", "another's")
CHECKPOINT = "checkpoint.safetensors"


def skipped() -> str:
    """Why it cannot be tried here."""
    return kills.skipped()


def trials(world: World, *, times: int, seed: int) -> Iterator[Trial]:
    """Each kind of file in turn, damaged in each way in turn, at places drawn by the seed."""
    random = Random(f"damage {seed}")
    kinds: list[Callable[[World, Random, str], Trial]] = [_record, _input, _predictions, _checkpoint]
    for number in range(times):
        yield kinds[number % len(kinds)](world, random, WAYS[(number // len(kinds) + number) % len(WAYS)])


def damaged(content: bytes, random: Random, way: str, *, other: bytes) -> bytes:
    """A file's bytes, cut or changed at a place, or those of another file."""
    if way == "another's":
        return other
    place = random.randrange(len(content))
    if way == "cut":
        return content[:place]
    changed = bytearray(content)
    changed[place] ^= 1 << random.randrange(8)
    return bytes(changed)


def _copied(world: World, name: str) -> Store:
    """A finished run, to be spoilt."""
    results = world.folder(name)
    shutil.copytree(world.reference, results)
    return Store(results)


def _records(store: Store, *kinds: str) -> list[Record]:
    found = [store.read(job) for job in store.jobs()]
    return [record for record in found if record is not None and record.job["kind"] in kinds]


def _other(store: Store, record: Record, name: str, random: Random) -> bytes:
    """The file of that name of another job, of the same kind where there is one; else any other file of ours."""
    kinds = [each for each in _records(store, record.job["kind"]) if each.id != record.id]
    paths = [store.folder(each.id) / name for each in kinds if (store.folder(each.id) / name).is_file()]
    if not paths:
        paths = [path for path in store.root.glob("*/*/*") if path.name not in (name, "lock", "log.txt")]
    return random.choice(sorted(paths)).read_bytes()


def _spoil(store: Store, record: Record, name: str, random: Random, way: str) -> None:
    """Damage a file of a job."""
    path = store.folder(record.id) / name
    path.write_bytes(damaged(path.read_bytes(), random, way, other=_other(store, record, name, random)))


def told(world: World, store: Store, job: str, *, is_named: bool, at: str) -> str:
    """Go on, and say what is not as it should be: the file was not named, or the end is not that of the reference."""
    code, printed = world.finish(store.root)
    seen = [f"exit {code}"] if code else []
    seen += ["it was not named"] if is_named and job not in printed else []
    seen += world.differences(store.root, again=job)
    return f"{job} {at}: {'; '.join(seen)}: {printed}" if seen else ""


def _needed(store: Store, record: Record, random: Random) -> str:
    """Take a result away that rests on a job, where there is one, so that the job is looked at; its label.

    What rests on that goes too, or nobody would ask for it.
    """
    users = _users(store, record)
    if not users:
        return "itself"
    user = random.choice(users)
    gone = [user]
    for each in gone:
        gone += [one for one in _users(store, each) if one not in gone]
    for each in gone:
        shutil.rmtree(store.folder(each.id))
    return user.label


def _users(store: Store, record: Record) -> list[Record]:
    return [each for each in _records(store, *kills.KINDS) if record.id in each.job["inputs"].values()]


def _record(world: World, random: Random, way: str) -> Trial:
    """A record: the run says so and does the job again."""
    store = _copied(world, "damage")
    record = random.choice(_records(store, *kills.KINDS))
    user = _needed(store, record, random)
    _spoil(store, record, "record.json", random, way)
    is_read = Store(store.root).read(record.id) == record  # what changed was a blank between two words
    seen = told(world, store, record.id, is_named=not is_read, at=f"record of {record.label}, {way}, for {user}")
    return Trial(f"a record is {way}", not seen, seen)


def _input(world: World, random: Random, way: str) -> Trial:
    """A file that jobs rest on, one of which is still to do: it is named, made again, and then that is done."""
    store = _copied(world, "damage")
    record = random.choice(_records(store, "data", "probe", "pretrain"))
    user, name = _needed(store, record, random), random.choice(sorted(record.files))
    _spoil(store, record, name, random, way)
    is_same = store.verify(record) is None
    seen = told(world, store, record.id, is_named=not is_same, at=f"{name} of {record.label}, {way}, for {user}")
    return Trial(f"an input is {way}", not seen, seen)


def _predictions(world: World, random: Random, way: str) -> Trial:
    """Predictions: no certificate is made of them; what that says to do gives the reference again."""
    store = _copied(world, "damage")
    record = random.choice(_records(store, "evaluate", "similarity"))
    (name,) = record.files
    _spoil(store, record, name, random, way)
    at, fault = f"{name} of {record.label}, {way}", f"predictions are {way}"
    code, printed = world.says(store.root, "certify", ["-o", str(world.root / "certificate.json")])
    if not code or record.id not in printed:
        return Trial(fault, False, f"{record.id} {at}: certified: exit {code}: {printed}")
    shutil.rmtree(store.folder(record.id))
    seen = told(world, store, record.id, is_named=False, at=at)
    return Trial(fault, not seen, seen)


def _checkpoint(world: World, random: Random, way: str) -> Trial:
    """A checkpoint of a training that was killed: the training begins again and ends as the reference did."""
    store = Store(world.folder("damage"))
    shutil.copytree(_interrupted(world), store.root)
    (path,) = store.root.glob(f"*/*/{CHECKPOINT}")
    if way == "another's":  # whole, with the right hashes, of the same shapes
        tensors, about = snapshot.load(path)
        snapshot.save(path, tensors, about={**about, "work": "0" * 64})
    else:
        path.write_bytes(damaged(path.read_bytes(), random, way, other=b""))
    seen = told(world, store, path.parent.name, is_named=False, at=way)
    log = (path.parent / "log.txt").read_text(encoding="utf-8")
    if f"{CHECKPOINT} " not in log or "training starts again from the first step" not in log:
        seen += f" the log does not name it: {log}"
    return Trial(f"a checkpoint is {way}", not seen, seen)


def _interrupted(world: World) -> Path:
    """Results with a training that was killed after a checkpoint; made once."""
    results = world.root / "interrupted"

    def there() -> bool:
        return bool(list(results.glob(f"*/*/{CHECKPOINT}")))

    while not there():
        with world.start(world.folder("interrupted")) as run:
            processes.awaited(there, seconds=TIMEOUT)
            processes.kill([run.pid, *processes.of(results)])
    return results
