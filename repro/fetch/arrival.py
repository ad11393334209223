"""What arrived: a file of the kind, size and hash that was wanted, or something else, which is told and not kept."""

from __future__ import annotations

import hashlib
import html
import json
import re
import zipfile
from pathlib import Path

from repro.errors import DataMissing, StoreError
from repro.fetch.wanted import Got, Wanted, by_hand, known

HEAD = 1024  # bytes that tell a kind
PAGE = 1 << 16  # bytes of a page that are read to tell what it says
KINDS = {
    "zip": "a zip archive",
    "pickle": "a pickle",
    "safetensors": "a safetensors file",
    "tar": "a tar archive",
    "gzip": "a gzip file",
    "bzip2": "a bzip2 file",
    "xz": "an xz file",
}
WEIGHTS = ("zip", "pickle", "safetensors")  # what a weight file is: torch's two formats, and ours
_STARTS = {b"PK\x03\x04": "zip", b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}
_LONGEST_HEADER = 100 << 20  # bytes of the description that a safetensors file begins with
_QUOTA = re.compile(r"quota exceeded|too many users have viewed or downloaded|download quota", re.IGNORECASE)
_SCAN = re.compile(r"virus scan warning|can't scan this file for viruses|too large for google to scan", re.IGNORECASE)
_SIGN_IN = re.compile(r"accounts\.google\.com/(v3/)?signin|servicelogin|you need access|request access", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


def kind(head: bytes) -> str:
    """The kind of file that some first bytes belong to; "" where they say nothing.

    >>> kind(b"PK" + bytes([3, 4])), kind(bytes([0x80, 2])), kind(b"<!DOCTYPE html>"), kind(b"P6")
    ('zip', 'pickle', 'page', '')
    """
    if is_page(head):
        return "page"
    for start, name in _STARTS.items():
        if head.startswith(start):
            return name
    if len(head) >= 2 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return "pickle"
    if len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= _LONGEST_HEADER:
        return "safetensors"
    return "tar" if head[257:262] == b"ustar" else ""


def is_page(head: bytes) -> bool:
    """Whether some first bytes are those of an HTML page."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html")) or (start.startswith(b"<") and b"<html" in start)


def described(head: bytes) -> str:
    """What some first bytes are, for a sentence."""
    if not head:
        return "an empty file"
    found = kind(head)
    if found == "page":
        return "an HTML page"
    return KINDS.get(found, f"a file of no known kind (it begins with {head[:8].hex(' ')})")


def check_head(wanted: Wanted, target: Path, head: bytes, *, kept: Path | None = None) -> None:
    """See that the first bytes are of a kind that is wanted; raises `DataMissing` with what came instead.

    `kept` is the file that they are of, where it stays what it is.
    """
    found = kind(head)
    if found == "page" and kept is None:
        raise DataMissing(f"{wanted.name}: {wanted.url}: {_page(wanted, target, head.decode('utf-8', 'replace'))}")
    if not head or (wanted.kinds and found not in wanted.kinds):
        expected = " or ".join(KINDS[each] for each in wanted.kinds) or known(wanted)
        todo = (
            "move it away to fetch it again"
            if kept
            else "nothing is kept; look at the address, or " + _other(wanted, target)
        )
        raise DataMissing(f"{wanted.name}: {kept or wanted.url}: expected {expected}, found {described(head)}; {todo}")


def _page(wanted: Wanted, target: Path, text: str) -> str:
    """What an HTML page in place of a file means, and what to do."""
    expected, hand = known(wanted), by_hand(wanted, target)
    if _QUOTA.search(text):
        return (
            f"expected {expected}, found the page that its download quota is used up; try again in a day, "
            f"or copy it to a Drive of your own, download it from there and {hand}"
        )
    if _SCAN.search(text):
        return (
            f"expected {expected}, found the page that it was not scanned for viruses; "
            f"download it in a browser and {hand}"
        )
    if _SIGN_IN.search(text):
        return f"expected {expected}, found a page that asks to sign in; download it in a browser and {hand}"
    title = _TITLE.search(text)
    words = " ".join(html.unescape(title[1]).split())[:80] if title else ""
    return (
        f"expected {expected}, found an HTML page{f' titled {chr(34)}{words}{chr(34)}' if words else ''}; "
        f"open the address in a browser; where the file is there, download it and {hand}"
    )


def check(wanted: Wanted, path: Path, *, target: Path, is_kept: bool = False) -> Got:
    """See that a whole file is the one wanted: its first bytes, its size, its hash.

    `target` is where it belongs; `is_kept` says that the file stays where it is even if it is another. Raises
    `DataMissing` with what was expected, what was found and what to do; `StoreError` where it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(PAGE)
        check_head(wanted, target, head, kept=path if is_kept else None)
        size = path.stat().st_size
        sums = summed(path, [each.partition(":")[0].removesuffix("-prefix") for each in hashes(wanted)])
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror or error}); mend that or move it away") from error
    fault = ""
    if wanted.bytes is not None and size != wanted.bytes and not wanted.also:
        fault = "the file is cut" if size < wanted.bytes else "it is another file"
    elif hashes(wanted) and not any(matches(each, sums) for each in hashes(wanted)):
        fault = "the file was altered or replaced"
    elif is_cut(path, head):
        fault = "the file is cut"
    if fault:
        found = " and ".join(f"{kind} {sum}" for kind, sum in sorted(sums.items()))
        todo = "move it away to fetch it again" if is_kept else f"it is not kept; {_other(wanted, target)}"
        accept = (
            f"; {wanted.accept.replace('{sha256}', sums['sha256'])}" if wanted.accept and "cut" not in fault else ""
        )
        raise DataMissing(
            f"{wanted.name}: {path if is_kept else wanted.url}: expected {known(wanted)}, "
            f"found {size:,} bytes with {found}: {fault}; {todo}{accept}"
        )
    return Got(target, size, sums["sha256"])


def _other(wanted: Wanted, target: Path) -> str:
    return f"get it another way and {by_hand(wanted, target)}"


def is_cut(path: Path, head: bytes) -> bool:
    """Whether a file lacks its end, where its kind says what stands there: zip archives and safetensors do."""
    found = kind(head)
    if found == "zip":
        return not zipfile.is_zipfile(path)
    if found != "safetensors":
        return False
    length, size = int.from_bytes(head[:8], "little"), path.stat().st_size
    if length > size:  # never read: it may say more bytes than any memory has
        return True
    with path.open("rb") as stream:
        stream.seek(8)
        try:
            entries = json.loads(stream.read(length))
            ends = [entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__"]
            return size < 8 + length + max(ends, default=0)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            return True


def hashes(wanted: Wanted) -> tuple[str, ...]:
    """Every hash by which the file is known."""
    return (wanted.hash, *wanted.also) if wanted.hash else wanted.also


def summed(path: Path, kinds: list[str]) -> dict[str, str]:
    """A file's SHA-256, and the other sums asked for, in one reading."""
    sums = {name: hashlib.new(name, usedforsecurity=False) for name in {"sha256", *kinds}}
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            for each in sums.values():
                each.update(block)
    return {name: each.hexdigest() for name, each in sums.items()}


def matches(hash: str, sums: dict[str, str]) -> bool:
    """Whether a hash, or the head of one, is that of a file.

    >>> matches("md5-prefix:59fd9945", {"md5": "59fd9945" + 24 * "0"})
    True
    """
    kind, _, digits = hash.partition(":")
    found = sums[kind.removesuffix("-prefix")]
    return found.startswith(digits) if kind.endswith("-prefix") else found == digits
