"""Each kind of file that is not a plain picture is told, by headers and by decoding, whoever looks at it."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from repro.errors import JobFailed
from repro.lab.images import inspection
from repro.lab.images.decoding import Unreadable, opened
from repro.lab.images.inspection import Remark, Task, inspect
from tests.trees import picture, put


def _remarks(root: Path, *, decode: bool = True, pixels: int = 0) -> list[Remark]:
    tasks = [Task(path.name, pixels) for path in sorted(root.iterdir())]
    return [remark for _, remarks in inspect(root, tasks, workers=1, decode=decode) for remark in remarks]


def _huge(side: int) -> bytes:
    """A PNG whose header says so many pixels a side."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


def test_kinds_of_pictures_are_noted(tmp_path: Path) -> None:
    for name, mode, form in (
        ("a.jpg", "RGB", "JPEG"), ("b.jpg", "CMYK", "JPEG"), ("c.jpg", "L", "JPEG"), ("d.png", "P", "PNG"),
        ("e.png", "RGBA", "PNG"), ("f.png", "1", "PNG"), ("g.JPEG", "RGB", "PNG"), ("h.gif", "RGB", "GIF"),
    ):  # fmt: skip
        put(tmp_path / name, picture(0, mode=mode, form=form))
    Image.new("I;16", (8, 8)).save(tmp_path / "i.png")
    told = [
        Remark("b.jpg", "note", "CMYK, read as RGB"),
        Remark("c.jpg", "note", "grey, read as RGB"),
        Remark("d.png", "note", "with a palette, read as RGB"),
        Remark("e.png", "note", "with transparency, read as RGB"),
        Remark("f.png", "note", "black and white, read as RGB"),
        Remark("g.JPEG", "note", "PNG under another ending, read by its content"),
        Remark("h.gif", "note", "with a palette, read as RGB"),
        Remark("i.png", "note", "grey of 16 bits, read as RGB"),
    ]
    assert _remarks(tmp_path) == told
    assert _remarks(tmp_path, decode=False) == told


def test_files_that_are_no_pictures_are_faults(tmp_path: Path) -> None:
    put(tmp_path / "a.jpg", b"")
    put(tmp_path / "b.jpg", b"\x00\x01\x02\x03\x04\x05\x06\x07\x08")
    put(tmp_path / "c.png", _huge(20_000))
    os.symlink(tmp_path / "nowhere", tmp_path / "d.jpg")
    put(tmp_path / "e.png", _huge(10_000))
    put(tmp_path / "f.png", picture(0, form="PNG")[:200])
    assert _remarks(tmp_path)[:5] == [
        Remark("a.jpg", "fault", "empty file"),
        Remark("b.jpg", "fault", "not an image", "it begins with 00 01 02 03 04 05 06 07"),
        Remark("c.png", "fault", "image too large", "more than 178,956,970 pixels"),
        Remark("d.jpg", "fault", "file that cannot be read", "No such file or directory"),
        Remark("e.png", "fault", "image too large", "10000 x 10000 pixels are more than 89,478,485"),
    ]
    assert [remark.what for remark in _remarks(tmp_path)[5:]] == ["image cut short"]
    assert len(_remarks(tmp_path, decode=False)) == 5
    for path in tmp_path.iterdir():
        with pytest.raises(Unreadable):
            opened(path)


def test_another_size_is_a_fault_where_it_is_fixed(tmp_path: Path) -> None:
    put(tmp_path / "a.jpg", picture(0, side=(40, 30)))
    assert _remarks(tmp_path, pixels=40) == [
        Remark("a.jpg", "fault", "image of another size", "found 40 x 30, expected 40 x 40")
    ]


def _die(*_: object) -> list[Remark]:
    os._exit(1)


def test_a_worker_that_dies_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a.jpg", picture(0))
    monkeypatch.setattr(inspection, "look", _die)
    with pytest.raises(JobFailed) as caught:
        list(inspect(tmp_path, [Task("a.jpg", 0)], workers=2, decode=True))
    assert str(caught.value) == (
        "a process that decodes images was killed, perhaps as memory ran out; run again with a smaller --workers"
    )
