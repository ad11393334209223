"""What says that it is enormous is refused with a sentence, each in a process that has little memory."""

from __future__ import annotations

import gzip
import io
import json
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import CHECKOUT
from tests.fuzz import world
from tests.lab.images.test_decoding import bomb

ROOM = 1 << 29  # bytes beyond what the modules take
READERS = {
    "weights": "from repro.lab.weights.file import read",
    "arrival": "from repro.fetch import arrival, wanted\n"
    "def read(path): arrival.check(wanted.Wanted('a', 'u', None, None, 'none'), path, target=path, is_kept=True)",
    "image": "from repro.lab.images.decoding import opened as read",
    "archive": "from repro.fetch.archive import unpack\ndef read(path): unpack(path, path.parent / 'out')",
    "entries": "from repro.fetch.archive import entries\n"
    "def read(path): print(sum(1 for _ in entries(path)), 'entries')",
    "arrays": "from repro.judge.certificate.predictions import arrays as read",
}
_SCRIPT = """\
import resource, sys
from pathlib import Path
from repro.errors import ReproError
{reader}
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + {room}, used + {room}))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[1:]:
    try:
        read(Path(name))
    except ReproError as error:
        print("refused:", error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, "MB")
"""


def tried(reader: str, *paths: Path) -> tuple[str, int]:
    """What reading files in little memory says, and how many megabytes more that took."""
    script = _SCRIPT.format(reader=READERS[reader], room=ROOM)
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, paths)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said, _, last = done.stdout.rstrip("\n").rpartition("\n")
    return said, int(last.removesuffix(" MB"))


def _header(**entries: object) -> bytes:
    return json.dumps(entries).encode()


def _one(shape: list[int], offsets: list[int], kind: str = "F32") -> bytes:
    return world.framed(_header(a={"dtype": kind, "shape": shape, "data_offsets": offsets}), bytes(16))


WEIGHTS = {
    "a shape of a trillion": _one([1 << 40], [0, 1 << 42]),
    "a shape that wraps around": _one([1 << 32, 1 << 32], [0, 16]),
    "a shape of another size": _one([2, 3], [0, 16]),
    "offsets backwards": _one([4], [16, 0]),
    "a kind that there is not": _one([4], [0, 16], "F33"),
    "another kind": _one([4], [0, 16], "F64"),
    "a tensor twice": world.framed(
        _header(**{name: {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} for name in "ab"}), bytes(16)
    ),
    "a header that is longer than the file": (1 << 40).to_bytes(8, "little") + b"{" + bytes(64),
    "a header of braces": world.framed(b"{" * (1 << 20), b""),
    "a header that is no JSON": world.framed(b"{]", b""),
    "a negative shape": _one([-4], [0, 16]),
}


def test_weights_that_are_none_are_refused_in_little_memory(tmp_path: Path) -> None:
    paths = [tmp_path / f"{what}.safetensors" for what in WEIGHTS]
    for path, content in zip(paths, WEIGHTS.values(), strict=True):
        path.write_bytes(content)
    said, megabytes = tried("weights", *paths)
    for path, sentence in zip(paths, said.splitlines(), strict=True):
        assert sentence.startswith(f"refused: {path}: expected a file of torch.save or safetensors, found ")
    assert megabytes < 100


@pytest.mark.parametrize("what", ["a shape of a trillion", "a header that is longer than the file"])
def test_a_download_that_says_so_too(what: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(WEIGHTS[what])
    said, megabytes = tried("arrival", path)
    assert said.startswith(f"refused: a: {path}: expected ") or said == ""
    assert megabytes < 50


@pytest.mark.parametrize("side", [100_000, 2_000_000_000])
def test_a_picture_of_100_000_by_100_000(side: int, tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb(side))
    said, megabytes = tried("image", path)
    assert said.startswith(f"refused: {path}: no picture that can be read (")
    assert megabytes < 50


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_gigabyte_of_zeros_in_an_archive(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar"
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        info = tarfile.TarInfo("zeros")
        info.size = 1 << 30
        tar.addfile(info)
    said, megabytes = tried("archive", path)
    assert said.startswith(f"refused: {path}: expected at most 268,")
    assert megabytes < 100
    assert sorted(part.name for part in tmp_path.iterdir()) == ["bomb.tar"]


def test_a_zip_in_which_every_entry_is_the_same_bytes(tmp_path: Path) -> None:
    """Many entries of the directory lead to one piece of packed zeros, as in the bombs of D. Fifield (2019)."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("0", bytes(1 << 24))
    content = path.read_bytes()
    start, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    entries = b"".join(content[start : end - 1] + f"{place:04}".encode()[-1:] for place in range(10))
    count, size = 10, len(entries)
    tail = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, size, start, 0)
    path.write_bytes(content[:start] + entries + tail)
    said, megabytes = tried("archive", path)
    assert said.startswith(f"refused: {path}: expected ")
    assert megabytes < 100
    assert not (tmp_path / "out").exists()


def _listing(count: int, *, at: int) -> bytes:
    """A zip's list of so many empty files, by hand as zipfile takes minutes for it."""
    template = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0)
    listed = b"".join(template + b"%08d" % place for place in range(count))
    counts = [0xFFFF] * 2 if count > 0xFFFF else [count] * 2
    long = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(listed), at)
    where = struct.pack("<4sLQL", b"PK\x06\x07", 0, at + len(listed), 1)
    return listed + long + where + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, *counts, len(listed), at, 0)


def test_a_zip_of_a_million_entries_is_refused(tmp_path: Path) -> None:
    small, large = tmp_path / "small.zip", tmp_path / "large.zip"
    head = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, 8, 0) + b"00000000"
    small.write_bytes(head + _listing(1000, at=len(head)))
    large.write_bytes(head + _listing(1_000_000, at=len(head)))
    said, _ = tried("entries", small)
    assert said == "1000 entries"
    said, megabytes = tried("entries", large)
    assert said == (
        f"refused: {large}: expected a whole tar or zip archive, found one that cannot be read (a list or a name in it "
        "takes 54,000,000 bytes, more than 33,554,432); get it again"
    )
    assert megabytes < 30


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
@pytest.mark.parametrize("packed", [True, False])
def test_a_name_of_a_gigabyte_in_a_tar(kind: bytes, packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "name.tar"
    info = tarfile.TarInfo("long")
    info.type, info.size = kind, 1 << 30
    with gzip.open(path, "wb", compresslevel=1) if packed else path.open("wb") as stream:
        stream.write(info.tobuf(tarfile.USTAR_FORMAT))
        if packed:
            stream.write(bytes(1 << 25))
        else:
            stream.truncate(1 << 30)
    said, megabytes = tried("entries", path)
    assert said == (
        f"refused: {path}: expected a whole tar or zip archive, found one that cannot be read (a list or a name in it "
        "takes 1,073,741,824 bytes, more than 33,554,432); get it again"
    )
    assert megabytes < 30


def _many(path: Path, count: int) -> None:
    """A tar of so many empty files, its headers written by hand, as tarfile takes minutes for it."""
    info = tarfile.TarInfo("f00000000")
    template = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    with gzip.open(path, "wb", compresslevel=1) as stream:
        for place in range(count):
            template[1:9] = f"{place:08}".encode()
            template[148:156] = b" " * 8
            template[148:156] = f"{sum(template):06o}\0 ".encode()
            stream.write(template)
        stream.write(bytes(1024))


@pytest.mark.parametrize("count", [50_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_million_entries_take_no_memory(count: int, tmp_path: Path) -> None:
    path = tmp_path / "many.tar.gz"
    _many(path, count)
    said, megabytes = tried("entries", path)
    assert said == f"{count} entries"
    assert megabytes < 30


@pytest.mark.parametrize("shape", [(1 << 40,), (1 << 31,), (1 << 62, 4)])
def test_predictions_of_a_trillion_images(shape: tuple[int, ...], tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, np.zeros(8, np.int64))
    said = f"{{'descr': '<i8', 'fortran_order': False, 'shape': {shape!r}, }}".ljust(117) + "\n"
    content = b"\x93NUMPY\x01\x00" + len(said).to_bytes(2, "little") + said.encode() + bytes(64)
    path = tmp_path / "predictions.npz"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("labels.npy", content)
    found, megabytes = tried("arrays", path)
    assert found.startswith(f"refused: {path}: expected stored arrays, found none that can be read (")
    assert megabytes < 100


def test_the_limit_is_one(tmp_path: Path) -> None:
    """A reader that takes what the file says does not get it."""
    (tmp_path / "a").write_bytes(b"")
    reader = "def read(path): bytearray(1 << 33)"
    script = _SCRIPT.format(reader=reader, room=ROOM)
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a")], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "MemoryError" in done.stderr
