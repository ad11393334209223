"""Downloads that end whole and checked or not at all, and go on where they were cut.

Differs from requests or httpx: none is a dependency of ours, and neither resumes, checks or locks; urllib carries the
bytes, what is hard is written here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from repro.errors import DataMissing
from repro.fetch.arrival import HEAD, PAGE, check, check_head, is_page
from repro.fetch.part import Origin, Part, part
from repro.fetch.server import Answer, Passing, Patience, ask
from repro.fetch.wanted import Got, Note, Progress, Wanted, by_hand, is_offline, known, refuse_offline

__all__ = ["Got", "Wanted", "fetch"]
ENOUGH = 1 << 20  # bytes that a try must bring for the count of failures to begin anew


def fetch(
    wanted: Wanted,
    target: Path,
    *,
    progress: Progress | None = None,
    offline: bool = False,
    note: Note | None = None,
    option: str = "--weights",
    patience: Patience | None = None,
) -> Got:
    """Bring a file to `target`, unless it is there; what is there is checked too.

    `progress` hears of bytes as they come and `note` of what is waited for; `option` names another folder. Raises
    `DataMissing` where the file cannot be had or is another one, `StoreError` where it cannot be written.
    """
    if os.path.exists(target):
        return check(wanted, target, target=target, is_kept=True)
    if is_offline(offline):
        refuse_offline(wanted, target)
    say = note or _nothing
    with part(target, option=option, note=say) as begun:
        if begun is None:
            return check(wanted, target, target=target, is_kept=True)
        got = _brought(wanted, begun, progress or _nothing, say, patience or Patience())
        begun.keep()
    return got


def _brought(wanted: Wanted, begun: Part, progress: Progress, note: Note, patience: Patience) -> Got:
    """Download and check; a file that was put together from two tries and does not fit is fetched once more, whole."""
    for is_last in (False, True):
        was_resumed = _download(wanted, begun, progress, note, patience)
        try:
            return check(wanted, begun.path, target=begun.target)
        except DataMissing:
            begun.restart()
            if is_last or not was_resumed:
                raise
            note(f"{wanted.name}: what was here does not fit the rest; from the start")
    raise AssertionError("the second round returns or raises")


def _nothing(*_: object) -> None:
    """Nobody listens."""


def _download(wanted: Wanted, begun: Part, progress: Progress, note: Note, patience: Patience) -> bool:
    """Ask until the file is whole; returns whether it was put together from more than one try."""
    failures, most = 0, begun.size
    while True:
        try:
            return _try(wanted, begun, progress, patience)
        except Passing as fault:
            if fault.is_afresh:
                begun.restart()
            failures = 1 if begun.size - most >= ENOUGH else failures + 1
            most = max(most, begun.size)
            if failures >= patience.tries:
                raise DataMissing(_given_up(wanted, begun, fault, failures)) from fault
            wait = min(patience.first_wait * 2.0 ** (failures - 1), patience.longest_wait)
            wait = min(fault.wait, patience.longest_wait) if fault.wait is not None else wait
            note(f"{wanted.name}: {fault}; {begun.size:,} bytes are here; again in {wait:g} s")
            patience.sleep(wait)


def _given_up(wanted: Wanted, begun: Part, fault: Passing, tries: int) -> str:
    here = f"{begun.size:,} bytes are kept, and the same command goes on from there" if begun.size else "nothing came"
    return (
        f"{wanted.name}: {wanted.url}: expected {known(wanted)}, given up after {tries} tries: {fault}; {here}; "
        f"or get it another way and {by_hand(wanted, begun.target)}"
    )


def _try(wanted: Wanted, begun: Part, progress: Progress, patience: Patience) -> bool:
    """One question to the server; returns whether bytes of an earlier one were used. Raises `Passing` if some lack."""
    if begun.is_whole(wanted.url):
        return True
    answer = ask(wanted.name, wanted.url, _headers(wanted, begun), patience)
    with answer.response:
        start, total = _start(wanted, begun, answer)
        blocks, done = answer.blocks(), start
        if start:
            begun.reserve((total or start) - start)
        else:
            done = _begin(wanted, begun, answer, blocks, total)
        progress(done, total or wanted.bytes)
        for block in blocks:
            begun.write(block)
            done += len(block)
            progress(done, total or wanted.bytes)
    if total is not None and done < total:
        raise Passing(f"the connection ended after {done:,} of {total:,} bytes")
    return start > 0


def _begin(wanted: Wanted, begun: Part, answer: Answer, blocks: Iterator[bytes], total: int | None) -> int:
    """Take the first bytes if they are of the file that is wanted; returns how many."""
    head = b""
    for block in blocks:
        head += block
        if len(head) >= (PAGE if is_page(head) else HEAD):
            break
    if total is not None and len(head) < min(total, HEAD):
        raise Passing(f"the connection ended after {len(head):,} of {total:,} bytes")
    check_head(wanted, begun.target, head)
    if wanted.bytes is not None and total is not None and total != wanted.bytes and not wanted.also:
        raise DataMissing(
            f"{wanted.name}: {wanted.url}: expected {known(wanted)}, the server offers {total:,} bytes; "
            f"it is another file and nothing was fetched; get it another way and {by_hand(wanted, begun.target)}"
        )
    begun.reserve(total or wanted.bytes or len(head))
    begun.note(Origin(wanted.url, answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""), total))
    begun.write(head)
    return len(head)


def _headers(wanted: Wanted, begun: Part) -> dict[str, str]:
    """Ask for the rest alone where the server can tell whether it is still the rest of the same file."""
    origin = begun.origin() if begun.size else None
    mark = origin and ((origin.etag if not origin.etag.startswith("W/") else "") or origin.modified)
    if origin is None or origin.url != wanted.url or not mark:
        begun.restart()
        return {}
    return {"Range": f"bytes={begun.size}-", "If-Range": mark}


def _start(wanted: Wanted, begun: Part, answer: Answer) -> tuple[int, int | None]:
    """At which byte an answer begins, and the size of the whole."""
    length = answer.headers.get("Content-Length", "")
    if answer.status == 200:
        begun.restart()
        return 0, int(length) if length.isdecimal() else None
    span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", "").strip())
    origin = begun.origin()
    if answer.status == 206 and origin and span and int(span[1]) == begun.size:
        is_same = answer.headers.get("ETag", origin.etag) == origin.etag and origin.total in (None, int(span[2]))
        if is_same:
            return begun.size, int(span[2])
    if answer.status == 206:
        raise Passing("the file changed on the server meanwhile", wait=0.0, is_afresh=True)
    raise DataMissing(
        f"{wanted.name}: {wanted.url}: expected {known(wanted)}, the server answered {answer.status} without it; "
        f"get it another way and {by_hand(wanted, begun.target)}"
    )
