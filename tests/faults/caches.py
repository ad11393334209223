"""Caches that are cut, changed in one bit or another's: of decoded images, of our sources, of what folders hold.

The run learns from photographs through a cache. A damaged file of that is named before anything learns of it, and is
made again by the same command; the other two are thrown away without a word. The end is that of the reference.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from repro.reference import wnids
from repro.store import Store
from tests.faults import damage
from tests.faults.damage import WAYS
from tests.faults.trials import Trial
from tests.faults.world import World
from tests.trees import classes

USUAL = 3
SET = "imagenet-100/train"
KINDS = ("00000.pack", "index.npz", "cache.json", "code.json", "folders")
OWN = """\
[data]
photographs = "drawn pictures, one folder a class"

[datasets]
"imagenet-100/val" = { name = "imagenet", place = "$photographs", split = "val", classes = "imagenet-100", \
published = 0, resize = 32, pixels = 32 }
"imagenet-100/train" = { name = "imagenet", place = "$photographs", split = "train", classes = "imagenet-100", \
published = 0, resize = 32, pixels = 32 }
"cached/train" = { name = "cached", of = "imagenet-100/train", place = "CACHES", side = 32 }
"""


def skipped() -> str:
    """Nothing stands in the way."""
    return ""


def trials(world: World, *, times: int, seed: int) -> Iterator[Trial]:
    """Each file in turn, damaged in each way in turn."""
    random, there = Random(f"caches {seed}"), _photographs(world)
    for number in range(times):
        way = WAYS[(number // len(KINDS) + number + 1) % len(WAYS)]
        yield _one(there, random, KINDS[number % len(KINDS)], way)


def _photographs(world: World) -> World:
    """A world whose images are files, decoded into a cache; its reference."""
    root = world.folder("photographs")
    for split in ("train", "val", "others/train"):
        classes(root / "sets" / split, wnids("imagenet-100"))
    text = world.profile.read_text(encoding="utf-8").replace(
        "[datasets]\n", OWN.replace("CACHES", str(root / "caches"))
    )
    text = re.sub(r'(?m)^"imagenet-100/(train|val)" +=.*"shapes".*$', "", text)
    use = f'"data.pretrain" = {{ map = {{ "{SET}" = "cached/train" }}, why = "test" }}'
    (root / "tiny.toml").write_text(text.replace("[scale]\n", f"[scale]\n{use}\n"), encoding="utf-8")
    named = f"photographs={root / 'sets'}"
    asked = ("table1", "--rows", "moco-k16384", "--columns", "imagenet", "--seeds", "0", "--data", named)
    there = replace(world, root=root, words=asked)
    code, printed = _cache(there)
    assert code == 0, printed
    code, printed = there.finish(there.reference)
    assert code == 0, printed
    return there


def _cache(there: World, *, out: str = "caches") -> tuple[int, str]:
    """Make the cache, or what of it is not right."""
    means = ["--profile", str(there.profile), "--data", there.words[-1], "--side", "32", "--workers", "1"]
    words = ["data", "make", "cache", "--set", SET, "--out", str(there.root / out), *means]
    return there.typed(words)


def _one(there: World, random: Random, kind: str, way: str) -> Trial:
    """Damage a file, run, do what is said, and compare."""
    store = Store(there.folder("results"))
    fault = f"a cache ({kind}) is {way}"
    if kind in ("code.json", "folders"):
        shutil.copytree(there.reference, store.root)
        path = (
            store.root / kind if kind == "code.json" else random.choice(sorted((there.root / "cache" / kind).iterdir()))
        )
        _spoil(path, random, way, other=b'{"digest": "0"}')
        told = damage.told(there, store, "", is_named=False, at=kind)
        return Trial(fault, not told, told)
    path = there.root / "caches" / SET / kind
    kept = path.read_bytes()
    _spoil(path, random, way, other=bytes(reversed(kept)))
    code, printed = there.finish(store.root)
    is_named = path.name in printed and "make" in printed
    if not is_named and code == 0 and path.read_bytes() != kept:
        is_named = not damage.told(there, store, "", is_named=False, at=kind)  # a blank between two words
    made, said = _cache(there)
    if made and kind == "cache.json":
        path.unlink()  # as it says
        made, said = _cache(there)
    seen = [] if is_named else [f"it was not named: exit {code}: {printed}"]
    seen += [f"it is not made again: {said}"] if made or path.read_bytes() != kept else []
    seen += [told] if (told := damage.told(there, store, "", is_named=False, at=kind)) else []
    path.write_bytes(kept)
    return Trial(fault, not seen, "; ".join(seen))


def _spoil(path: Path, random: Random, way: str, *, other: bytes) -> None:
    path.write_bytes(damage.damaged(path.read_bytes(), random, way, other=other))
