"""Files whose every byte is known: STL-10's binaries by their md5, the cue-conflict stimuli by their git blobs."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

from repro.errors import DataMissing
from repro.holdings.findings import Count, Finding
from repro.holdings.trees import images, level
from repro.spec import home
from repro.spec.catalogue import Listed

BLOCK = 1 << 20


def count(file: Listed, base: Path) -> Count:
    """How many images of the size that it should have a binary file holds."""
    assert file.images is not None
    each = file.bytes // file.images
    size = (base / file.name).stat().st_size if (base / file.name).is_file() else 0
    return Count(file.name, size // each, file.images, 0, 0, None, "")


def judged(file: Listed, base: Path, *, quick: bool) -> list[Finding]:
    """What is wrong with a file: absent, cut, labels that there are none of, another content (not if `quick`)."""
    path = base / file.name
    if not path.is_file():
        return [Finding("fault", "file missing", file.name)]
    size = path.stat().st_size
    if size == 0:
        return [Finding("fault", "empty file", file.name)]
    if size != file.bytes:
        return [Finding("fault", "file of another size", file.name, f"found {size:,} bytes, expected {file.bytes:,}")]
    if file.labels is not None:
        low, high = file.labels
        labels = set(path.read_bytes())
        if not labels <= set(range(low, high + 1)):
            text = f"expected labels from {low} to {high}, found {min(labels)} to {max(labels)}"
            return [Finding("fault", "unknown labels", file.name, text)]
    if quick:
        return []
    found = _digest(path)
    if found == file.md5:
        return []
    return [Finding("fault", "file of another content", file.name, f"found md5 {found}, expected {file.md5}")]


def against_manifest(name: str, base: Path, *, quick: bool) -> list[Finding]:
    """Images that are missing, that nobody published, or whose bytes are not those published (not if `quick`)."""
    published = manifest(name)
    here = list(images(base, level(base).folders))
    found = [Finding("fault", "published image missing", path) for path in sorted(set(published) - set(here))]
    for path in here:
        if path not in published:
            found.append(Finding("fault", "image that is none of those published", path))
        elif not quick and blob(base / path) != published[path]:
            found.append(Finding("fault", "image of another content than published", path))
    return found


def manifest(name: str) -> dict[str, str]:
    """Path -> git blob hash of every published image: a list of ours, or a file beside `datasets.toml`.

    >>> len(manifest("cue_conflict")), manifest("cue_conflict")["airplane/airplane1-bicycle2.png"][:7]
    (1280, 'd1524af')
    """
    ours = resources.files("repro.reference").joinpath(f"{name}.txt")
    listing = ours if ours.is_file() else home.datasets().parent / name
    try:
        lines = listing.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataMissing(
            f"{listing}: expected a list of hashes and paths, as datasets.toml says; found none"
        ) from error
    pairs = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    return {path: digest for digest, path in pairs}


def blob(path: Path) -> str:
    """The hash that git has of a file's content."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
