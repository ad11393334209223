"""The content of a weight file that anybody may have made, read so that no code of it runs and no memory is flooded.

A file of torch.save is looked at first: sizes in its zip directory, names in its pickle. Only where both are harmless
is it loaded, by `torch.load(weights_only=True)`, memory-mapped where the format allows that.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from repro.errors import DataMissing
from repro.lab import snapshot
from repro.lab.weights import pickles

TENSORS_LIMIT = 4 << 30  # bytes; a MoCo ResNet-50 with both encoders and its optimizer has 0.35e9
PICKLE_LIMIT = 32 << 20  # bytes; that of the same file has 0.2e6
_HEADER_LIMIT = 100 << 20  # bytes: safetensors' own
_SAFE = (2, 6)  # version of torch; before it weights_only could be got around (CVE-2025-32434)
_LOOK = 512  # bytes that tell what a file is
_OURS = "repro"  # the key of snapshot.py in the metadata of a safetensors file
_EXPECTED = "expected a file of torch.save or safetensors"


@dataclass(frozen=True)
class Content:
    """What a file holds: nested mappings of tensors, numbers and text."""

    path: Path
    tree: Mapping[Any, Any]
    about: Mapping[str, Any] | None = None  # what our own files say of themselves; None for those of others
    blanks: tuple[str, ...] = field(default=())  # kinds of object that were left out unread


def read(path: Path) -> Content:
    """The content of `path`; raises `DataMissing` that says what it is instead, and what to do."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(_LOOK)
    except OSError as fault:
        raise DataMissing(f"{path}: {_EXPECTED}, found none that can be opened ({fault.strerror})") from fault
    if head.startswith(b"PK\x03\x04"):
        return _pickled(path, _archived(path, size), is_mapped=True)
    if head.startswith(pickles.LEGACY):
        return _pickled(path, _listed(path), is_mapped=False)
    if head[8:9] == b"{" and 0 < int.from_bytes(head[:8], "little") <= min(size, _HEADER_LIMIT):
        return _safetensors(path)
    raise DataMissing(f"{path}: {_EXPECTED}, found {_instead(head)}")


def tensors(tree: Any) -> Iterator[Tensor]:
    """Every tensor in nested mappings, lists and tuples, each mapping and list looked at once."""
    waiting, seen = [tree], set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, Tensor):
            yield part
        elif isinstance(part, Mapping | list | tuple) and id(part) not in seen:
            seen.add(id(part))
            waiting.extend(part.values() if isinstance(part, Mapping) else part)


def _archived(path: Path, size: int) -> set[str]:
    """What the pickle in a zip archive names, once the archive's directory is as torch.save leaves it."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            found = [entry for entry in entries if entry.filename.partition("/")[2] == "data.pkl"]
            if len(found) != 1:
                raise DataMissing(
                    f"{path}: {_EXPECTED}, found a zip archive with {len(found)} data.pkl, where that has one "
                    f"({first([entry.filename for entry in entries]) or 'it is empty'})"
                )
            if any(entry.filename.partition("/")[2] == "constants.pkl" for entry in entries):
                raise DataMissing(
                    f"{path}: {_EXPECTED}, found a TorchScript program; save its state_dict() alone with torch.save"
                )
            _check_sizes(path, entries, found[0], size=size)
            return pickles.named(io.BytesIO(archive.read(found[0])))
    except DataMissing:
        raise
    except Exception as fault:  # zipfile raises eight kinds for damage alone
        raise _cut(path, fault) from fault


def _check_sizes(path: Path, entries: list[zipfile.ZipInfo], pickle: zipfile.ZipInfo, *, size: int) -> None:
    """Refuse an archive that unpacks to more than it is."""
    packed = [entry for entry in entries if entry.compress_type != zipfile.ZIP_STORED]
    if packed:
        raise DataMissing(
            f"{path}: {_EXPECTED}, which packs nothing, found {packed[0].filename} packed from {packed[0].file_size} "
            f"bytes to {packed[0].compress_size}; unpack the archive and store it anew without compression"
        )
    said = sum(entry.file_size for entry in entries)
    if said > size:
        raise DataMissing(f"{path}: expected at most its own {size} bytes in the archive, found {said} declared")
    if pickle.file_size > PICKLE_LIMIT:
        raise DataMissing(
            f"{path}: expected a description of at most {PICKLE_LIMIT} bytes beside the tensors, found one of "
            f"{pickle.file_size}"
        )


def _listed(path: Path) -> set[str]:
    """What the pickles of a file of before torch 1.6 name."""
    try:
        with path.open("rb") as stream:
            return set().union(*(pickles.named(stream) for _ in range(pickles.LEGACY_PICKLES)))
    except (ValueError, EOFError, OSError, MemoryError) as fault:
        raise _cut(path, fault) from fault


def _pickled(path: Path, names: set[str], *, is_mapped: bool) -> Content:
    strange = pickles.foreign(names)
    if strange:
        raise DataMissing(
            f"{path}: expected tensors, numbers and text alone, found objects of {len(strange)} other kinds "
            f"({first(strange)}), and to make them could run code of the file; none of it was loaded. Ask for the "
            "state_dict() alone, or, if you trust whoever made the file, load it where it can do no harm and there "
            'torch.save({"state_dict": MODEL.state_dict()}, NEW)'
        )
    if _version() < _SAFE:
        raise DataMissing(
            f"{path}: torch {torch.__version__} can be made to run code of a file even where that is forbidden "
            "(CVE-2025-32434); install torch 2.6 or later"
        )
    try:
        with torch.serialization.safe_globals(pickles.BLANKS):
            tree = torch.load(path, weights_only=True, map_location="cpu", mmap=is_mapped)
    except Exception as fault:  # damage can lead torch's reader anywhere
        raise _cut(path, fault) from fault
    if not isinstance(tree, Mapping):
        raise DataMissing(f"{path}: expected a mapping of names to tensors, found a {type(tree).__name__}")
    _check_total(path, tree)
    blanks = sorted(name for _, name in pickles.BLANKS if name in names)
    return Content(path, tree, blanks=tuple(blanks))


def _check_total(path: Path, tree: Mapping[Any, Any]) -> None:
    """Refuse tensors that would be too large once they are laid out, whatever the file holds of them."""
    total = sum(part.numel() * part.element_size() for part in tensors(tree))
    if total > TENSORS_LIMIT:
        raise DataMissing(f"{path}: expected tensors of at most {TENSORS_LIMIT} bytes in all, found {total}")


def _safetensors(path: Path) -> Content:
    try:
        with safe_open(path, framework="pt") as opened:
            is_ours = _OURS in (opened.metadata() or {})
            tree = {} if is_ours else {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        if is_ours:
            own, about = snapshot.load(path)
            return Content(path, own, about)
    except (SafetensorError, snapshot.Damaged) as fault:
        raise _cut(path, fault) from fault
    return Content(path, tree)


def _cut(path: Path, fault: BaseException) -> DataMissing:
    """What is said of a file that begins as it should and goes on otherwise.

    What torch says of a pickle is left out: it advises to load it with code and all.
    """
    lines = str(fault).strip().splitlines() or [type(fault).__name__]
    reason = "torch.load refuses it" if isinstance(fault, UnpicklingError) else lines[0].partition(". ")[0]
    return DataMissing(f"{path}: {_EXPECTED}, found one that is cut short or damaged ({reason}); fetch it again")


def _instead(head: bytes) -> str:
    """What a file is, by its first bytes."""
    start = head.lstrip()
    if not head:
        return "an empty file; fetch it again"
    if start.startswith(b"<"):
        return "a web page, sent in place of the file; open its address in a browser to see why, and fetch it again"
    if head.startswith(b"\x80"):
        return "a pickle that torch.save did not write; it could run code and was not loaded"
    known = {b"\x1f\x8b": "a gzip archive; unpack it", b"\x89HDF": "an HDF5 file", b"\x93NUMPY": "an array of numpy"}
    for magic, name in known.items():
        if head.startswith(magic):
            return name
    if head[257:262] == b"ustar":
        return "a tar archive; unpack it"
    return f"something else (it begins with {head[:16]!r})"


def first(names: list[str], *, count: int = 5) -> str:
    """The first few of some names.

    >>> first(["a", "b", "c"], count=2)
    'a, b and 1 more'
    """
    rest = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + rest


def _version() -> tuple[int, int]:
    major, minor = torch.__version__.split(".")[:2]
    return int(major), int(minor)
