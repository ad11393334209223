"""What a file is by its first bytes, and whether its end is there."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from repro.fetch.arrival import HEAD, described, is_cut, kind
from tests.fetch import serving


def _tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return stream.getvalue()


def _safetensors(data: int, *, says: int) -> bytes:
    header = json.dumps({"__metadata__": {}, "a": {"dtype": "U8", "shape": [says], "data_offsets": [0, says]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(data)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (serving.weight_file(0, 10), "zip"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "pickle"),  # torch.save before 1.6
        (b"\x80\x09", ""),
        (b"\x1f\x8b\x08", "gzip"),
        (b"BZh9", "bzip2"),
        (b"\xfd7zXZ\x00", "xz"),
        (_tar(), "tar"),
        (_safetensors(4, says=4), "safetensors"),
        (b"\n <!doctype HTML>", "page"),
        (b"\xef\xbb\xbf<html lang=en>", "page"),
        (b"<?xml version='1.0'?><html>", "page"),
        (b"<xml>", ""),
        (b"", ""),
    ],
)
def test_a_kind_is_told_by_the_first_bytes(content: bytes, found: str) -> None:
    assert kind(content[:HEAD]) == found


def test_what_is_of_no_kind_shows_how_it_begins() -> None:
    assert described(b"error") == "a file of no known kind (it begins with 65 72 72 6f 72)"


@pytest.mark.parametrize(
    ("content", "cut"),
    [
        (serving.weight_file(0, 5000), False),
        (serving.weight_file(0, 5000)[:-100], True),
        (_safetensors(4, says=4), False),
        (_safetensors(3, says=4), True),
        (_safetensors(4, says=4)[:30], True),
        (b"\x80\x02.", False),  # nothing says where a pickle of tensors ends
    ],
)
def test_an_end_that_is_missing_is_seen_where_the_kind_tells(tmp_path: Path, content: bytes, cut: bool) -> None:
    (tmp_path / "a").write_bytes(content)
    assert is_cut(tmp_path / "a", content[:HEAD]) == cut
