"""A data set brought here: its archives loaded or taken over, checked, unpacked, moved into place; each step once.

What is unpacked lies in a hidden folder until all of it is there; a mark says that a move is under way, and the next
call goes on with it. So a call that was killed leaves nothing that looks whole and is not.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from repro.errors import DataMissing, StoreError, UsageError
from repro.fetch import archive as archives
from repro.fetch import http
from repro.fetch.arrival import check
from repro.fetch.part import here
from repro.fetch.wanted import Got, Wanted, is_offline, refuse_offline
from repro.files import explain
from repro.holdings import ilsvrc, receipts
from repro.holdings.receipts import Mark, Receipt
from repro.spec.catalogue import Archive, DataSet
from repro.spec.places import listed, nearest

LOADED = ".archives"
UNPACKING = ".unpacking"
PLACES = {"ilsvrc-train": ["train"], "ilsvrc-val": ["val"]}


class Teller(Protocol):
    """Who hears how far it is."""

    def begin(self, what: str) -> None:
        """A step begins."""

    def step(self, done: int, total: int | None) -> None:
        """So many bytes of it are done, of so many where that is known."""

    def say(self, line: str) -> None:
        """Something worth a line."""


@dataclass(frozen=True)
class Order:
    """What is asked for."""

    set: DataSet
    to: Path
    given: Mapping[str, Path]  # archives that the user has, by the catalogue's name
    only: tuple[str, ...]  # archives by name; () for all but the spare ones
    offline: bool
    keep: bool  # archives that were loaded


def order(each: DataSet, to: Path, given: Sequence[Path], only: Sequence[str], *, offline: bool, keep: bool) -> Order:
    """Put what was typed together; raises `UsageError` for archives that the set does not have."""
    known = [archive.name for archive in each.archives]
    for option, names in (("--only", list(only)), ("--from", [path.name for path in given])):
        for name in names:
            if name not in known:
                raise UsageError(f"{option} {name}: {each.name} has the archives {listed(known)}{nearest(name, known)}")
    paths = {path.name: path for path in given}
    for path in paths.values():
        if not path.is_file():
            raise DataMissing(f"--from {path}: expected an archive, found {'a folder' if path.is_dir() else 'nothing'}")
    return Order(each, to, paths, tuple(only), offline, keep)


def obtain(order: Order, teller: Teller) -> list[str]:
    """Bring what is asked for; returns the names of the archives that were unpacked now.

    Raises `DataMissing` with the next step for a set that cannot be loaded, and as loading and unpacking do.
    """
    wanted = _wanted(order)
    begun = _go_on(order.to, teller)
    done = receipts.receipts(order.to)
    todo = [archive for archive in wanted if archive.name not in done]
    for archive in wanted:
        if archive.name in done:
            teller.say(f"{archive.name}: was unpacked on {done[archive.name].unpacked[:10]}")
    _check_offline(order, todo)
    _check_space(order, todo)
    _check_way(order, [archive for archive in todo if archive.name != begun])
    for archive in sorted(todo, key=lambda each: each.holds != "ilsvrc-devkit"):
        got = _got(order, archive, teller)
        _unpack(order, archive, got, teller)
    return [archive.name for archive in todo]


def _wanted(order: Order) -> list[Archive]:
    """The archives to have: those named, those given, or all but the spare ones of a set that can be loaded."""
    each = order.set
    if order.only:
        chosen = [archive for archive in each.archives if archive.name in order.only]
    elif order.given and each.comes != "download":
        chosen = [archive for archive in each.archives if archive.name in order.given]
    else:
        chosen = [archive for archive in each.archives if not archive.spare or archive.name in order.given]
    lacking = [archive.name for archive in chosen if archive.name not in order.given]
    if each.comes != "download" and (lacking or not chosen):
        reason = {"login": "is behind a login", "derived": "is a part of another set", "made": "has to be made"}
        raise DataMissing(f"{each.name} {reason[each.comes]}, so nothing is loaded; next: {'; or '.join(each.steps)}")
    return chosen


def _check_offline(order: Order, todo: Sequence[Archive]) -> None:
    """See that nothing has to be loaded where nothing may be; raises `DataMissing`."""
    if is_offline(order.offline):
        for archive in todo:
            if archive.name not in order.given and not (order.to / LOADED / archive.name).exists():
                refuse_offline(_as_wanted(order, archive), order.to / LOADED / archive.name)


def _check_space(order: Order, todo: Sequence[Archive]) -> None:
    """See that archives and images fit beside what is here; raises `StoreError` with both numbers."""
    load = sum(
        max(0, (archive.bytes or 0) - here(order.to / LOADED / archive.name))
        for archive in todo
        if archive.name not in order.given
    )
    images = sum(archive.bytes or 0 for archive in todo)
    needed = load + max(images, order.set.extracted or 0 if todo else 0)
    folder = next(place for place in (order.to.absolute(), *order.to.absolute().parents) if place.is_dir())
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StoreError(
            f"{order.to}: {needed:,} bytes are needed for the archives of {order.set.name} and what is in them, "
            f"{free:,} are free; free some space, or name another folder with --to"
        )


def _check_way(order: Order, todo: Sequence[Archive]) -> None:
    """See that nothing lies where images will go; raises `StoreError`."""
    for archive in todo:
        for name in PLACES.get(archive.holds, archive.gives):
            if (order.to / name).exists():
                raise StoreError(
                    f"{order.to / name}: is there already, and nothing says that it came out of {archive.name}; "
                    "move it away, or name another folder with --to"
                )


def _got(order: Order, archive: Archive, teller: Teller) -> Got:
    """The archive as a checked file: the user's own, or one that is loaded now."""
    wanted = _as_wanted(order, archive)
    own = order.given.get(archive.name)
    teller.begin(f"{'checking' if own else 'loading'} {archive.name}")
    if own is not None:
        return check(wanted, own, target=own, is_kept=True)
    return http.fetch(
        wanted,
        order.to / LOADED / archive.name,
        progress=teller.step,
        offline=order.offline,
        note=teller.say,
        option="--to",
    )


def _as_wanted(order: Order, archive: Archive) -> Wanted:
    digest = f"sha256:{archive.sha256}" if archive.sha256 else f"md5:{archive.md5}" if archive.md5 else None
    return Wanted(
        name=archive.name,
        url=archive.url or order.set.home,
        bytes=archive.bytes,
        hash=digest,
        hash_by="authors" if archive.hash_by == "authors" else "none",
        kinds=("zip",) if archive.name.endswith(".zip") else ("gzip",) if archive.name.endswith("gz") else ("tar",),
        by_hand=f"name it: repro data fetch {order.set.name} --from FILE",
    )


def _unpack(order: Order, archive: Archive, got: Got, teller: Teller) -> None:
    """Unpack one archive beside its place, then move it there and note that it is done."""
    hash_by = archive.hash_by if archive.hash_by != "none" else "ours"
    receipt = Receipt(got.bytes, got.sha256, hash_by, datetime.now(UTC).isoformat(timespec="seconds"))
    receipts.begin(order.to, Mark(archive.name, (), receipt))
    teller.begin(f"unpacking {archive.name}")

    def progress(done: int) -> None:
        teller.step(done, got.bytes)

    aside = order.to / UNPACKING
    ilsvrc.remove(aside)
    if archive.holds == "ilsvrc-train":
        ilsvrc.train(got.path, order.to / "train", progress=progress)
    elif archive.holds == "ilsvrc-val":
        ilsvrc.val(got.path, aside / "val", _devkit(order), progress=progress)
    elif archive.holds == "tree":
        archives.unpack(got.path, aside, strip=archive.strip, progress=progress)
    names = sorted(os.listdir(aside)) if aside.is_dir() else []
    _check_free(order.to, names)
    os.sync()  # the mark, and then the receipt, must not outlive the images where the machine goes down
    mark = Mark(archive.name, tuple(names), receipt)
    receipts.begin(order.to, mark)
    _move(order.to, mark)
    if not order.keep and archive.name not in order.given:
        ilsvrc.remove(got.path)


def _devkit(order: Order) -> Path | None:
    named = next((archive.name for archive in order.set.archives if archive.holds == "ilsvrc-devkit"), "")
    return order.given.get(named)


def _go_on(folder: Path, teller: Teller) -> str:
    """Finish a move that was cut off; returns the archive that was under way and is to be begun anew, or ""."""
    mark = receipts.unfinished(folder)
    if mark is None:
        return ""
    if mark.moving and (folder / UNPACKING).is_dir():
        teller.say(f"{mark.archive}: the last call ended while it was moved into place; going on")
        _move(folder, mark)
        return ""
    teller.say(f"{mark.archive}: the last call ended while it was unpacked; once more")
    return mark.archive


def _check_free(folder: Path, names: Sequence[str]) -> None:
    """See that nothing is in the way of what was unpacked; raises `StoreError` and moves nothing."""
    for name in names:
        if os.path.lexists(folder / name):
            ilsvrc.remove(folder / UNPACKING)
            receipts.end(folder)
            raise StoreError(f"{folder / name}: is there already; move it away, or name another folder with --to")


def _move(folder: Path, mark: Mark) -> None:
    """Move what was unpacked into place, entry by entry, and note that it is done; to be called again after a crash."""
    for name in mark.moving:
        if os.path.lexists(folder / UNPACKING / name):
            try:
                os.replace(folder / UNPACKING / name, folder / name)
            except OSError as error:
                raise StoreError(explain(error, folder / name, option="--to")) from error
    receipts.note(folder, mark.archive, mark.receipt)
    ilsvrc.remove(folder / UNPACKING)
    receipts.end(folder)
