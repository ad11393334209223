"""A picture out of its file: the pixels of torchvision's loader and transforms, and a sentence for each bad file."""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets.folder import pil_loader
from torchvision.transforms import CenterCrop, Compose, Resize

from repro.errors import JobFailed
from repro.lab.images.decoding import Unreadable, centred, opened, planes
from tests.trees import picture, put

SIDES = [(500, 375), (375, 500), (256, 256), (224, 300), (64, 48), (1000, 257), (333, 999), (257, 256), (225, 224)]


@pytest.mark.parametrize("side", SIDES)
def test_the_cut_is_torchvisions_to_the_bit(side: tuple[int, int]) -> None:
    whole = Image.open(io.BytesIO(picture(1, side=side))).convert("RGB")
    wanted = Compose([Resize(256), CenterCrop(224)])(whole)
    assert (centred(whole, resize=256, pixels=224) == np.asarray(wanted).transpose(2, 0, 1)).all()


@pytest.mark.parametrize("short", range(57, 75))
def test_the_longer_side_is_rounded_as_torchvision_does(short: int) -> None:
    whole = Image.open(io.BytesIO(picture(2, side=(101, short)))).convert("RGB")
    wanted = Compose([Resize(64), CenterCrop(56)])(whole)
    assert (centred(whole, resize=64, pixels=56) == np.asarray(wanted).transpose(2, 0, 1)).all()


def test_nothing_is_resized_where_nothing_is_to_be() -> None:
    whole = Image.open(io.BytesIO(picture(3, side=(224, 224)))).convert("RGB")
    assert (centred(whole, resize=0, pixels=224) == np.asarray(whole).transpose(2, 0, 1)).all()
    assert (centred(whole, resize=0, pixels=100) == np.asarray(CenterCrop(100)(whole)).transpose(2, 0, 1)).all()


def test_a_picture_is_never_framed_in_black() -> None:
    with pytest.raises(ValueError, match=r"^223 x 300 pixels are too few to cut 224 x 224 out of$"):
        centred(Image.new("RGB", (223, 300)), resize=0, pixels=224)


ODD = {
    "grey.JPEG": ("L", "JPEG"),
    "cmyk.JPEG": ("CMYK", "JPEG"),
    "png-by-another-name.JPEG": ("RGB", "PNG"),
    "palette.png": ("P", "PNG"),
    "alpha.png": ("RGBA", "PNG"),
    "grey-alpha.png": ("LA", "PNG"),
    "one-bit.png": ("1", "PNG"),
    "sixteen-bit.png": ("I;16", "PNG"),
    "animation.gif": ("P", "GIF"),
    "web.webp": ("RGB", "WEBP"),
}


@pytest.mark.parametrize("name", ODD)
def test_every_kind_of_picture_is_read_as_torchvision_reads_it(tmp_path: Path, name: str) -> None:
    mode, form = ODD[name]
    path = put(tmp_path / name, picture(4, mode=mode, form=form))
    assert (planes(opened(path)) == np.asarray(pil_loader(str(path))).transpose(2, 0, 1)).all()


def test_pillows_remarks_on_a_readable_picture_are_no_errors(tmp_path: Path) -> None:
    palette = Image.open(io.BytesIO(picture(5, mode="P", form="PNG")))
    palette.save(
        tmp_path / "palette.png", transparency=bytes(range(256))
    )  # Pillow warns of it, and warnings are errors
    assert opened(tmp_path / "palette.png").size == (40, 30)


def bomb(side: int = 20_000) -> bytes:
    """A PNG of a few bytes that says it is so many pixels wide and high."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


JPEG = picture(6, side=(200, 150))
BAD = {
    "empty.JPEG": (b"", "empty"),
    "cut.JPEG": (JPEG[: len(JPEG) // 2], "cut short"),
    "page.JPEG": (b"<!DOCTYPE html><html><body>quota exceeded</body></html>", "not an image"),
    "noise.png": (bytes(range(256)) * 4, "not an image"),
    "head.JPEG": (JPEG[:20], "not an image"),
    "bomb.png": (bomb(), None),
    "large.png": (bomb(10_000), None),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_told_by_its_name_and_why(tmp_path: Path, name: str) -> None:
    content, reason = BAD[name]
    path = put(tmp_path / name, content)
    with pytest.raises(Unreadable) as caught:
        opened(path)
    assert reason is None or caught.value.reason == reason
    assert caught.value.path == path
    assert str(caught.value) == (
        f"{path}: no picture that can be read ({caught.value.reason}); `repro data verify` lists all such files, "
        "replace them"
    )
    assert isinstance(caught.value, JobFailed)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_bomb_is_refused_for_its_size(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"Image size \(400000000 pixels\) exceeds limit"):
        opened(put(tmp_path / "bomb.png", bomb()))
    with pytest.raises(Unreadable, match=r"\((10000 x 10000 pixels are more than 89,478,485|Image size \(100000000 )"):
        opened(put(tmp_path / "large.png", bomb(10_000)))


@pytest.mark.parametrize("name", ["absent.JPEG", "folder"])
def test_a_file_that_is_none_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(Unreadable) as caught:
        opened(tmp_path / name)
    assert caught.value.reason == {"absent.JPEG": "No such file or directory", "folder": "Is a directory"}[name]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF"])
def test_whatever_is_wrong_with_the_bytes_the_sentence_is_the_same_kind(tmp_path: Path, form: str) -> None:
    whole = bytearray(picture(7, side=(48, 48), form=form, mode="P" if form == "GIF" else "RGB"))
    random, path, refused = np.random.default_rng(0), tmp_path / f"some.{form}", []
    for _ in range(150):
        damaged = whole.copy()
        for place in random.integers(0, len(whole), 4):
            damaged[place] = random.integers(0, 256)
        path.write_bytes(damaged[: random.integers(1, len(damaged) + 1)])
        try:
            opened(path)
        except Unreadable as fault:
            refused.append(str(fault))
    assert len(refused) > 20
    assert not any("\n" in sentence for sentence in refused)


def test_real_photographs_are_those_of_torchvision(shared: Path, tmp_path: Path) -> None:
    with tarfile.open(shared / "data" / "tiny16.tar") as archive:
        members = [each for each in archive.getmembers() if each.name.endswith(".JPEG")][::97]
        archive.extractall(tmp_path, members, filter="data")
    cut = Compose([Resize(64), CenterCrop(56)])
    assert len(members) > 30
    for member in members:
        path = tmp_path / member.name
        wanted = np.asarray(cut(pil_loader(str(path)))).transpose(2, 0, 1)
        assert (centred(opened(path), resize=64, pixels=56) == wanted).all()
