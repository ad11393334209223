"""Images in chunks: the same bytes from arrays and files, whoever decodes them, and an end in one sentence."""

from __future__ import annotations

import os
import signal
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from repro.errors import JobFailed
from repro.lab.data import Files, Images, Packed
from repro.lab.images import decoding, reading
from repro.lab.jobs import Stopped
from repro.lab.loading import sources
from tests.trees import picture, put

COUNT = 83


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """83 pictures of odd sizes; of two classes in turn."""
    root = tmp_path_factory.mktemp("pictures")
    names = [f"{i % 2}/{i:03d}.{'png' if i % 5 == 0 else 'JPEG'}" for i in range(COUNT)]
    for i, name in enumerate(names):
        form = "PNG" if name.endswith("png") else "JPEG"
        put(root / name, picture(i, side=(24 + i % 7, 20 + i % 11), form=form))
    sizes = np.array([(root / name).stat().st_size for name in names], np.int64)
    found = Files(root, np.array(names), sizes, resize=18, pixels=16)
    return Images(found, np.arange(COUNT) % 2, ("even", "odd"))


def expected(images: Images) -> Tensor:
    assert isinstance(images.images, Files)
    pictures = [reading.opened(images.images.root / path) for path in images.images.paths]
    return torch.from_numpy(np.stack([reading.centred(each, resize=18, pixels=16) for each in pictures]))


@pytest.mark.parametrize(("size", "loaders"), [(100, 0), (40, 0), (1, 0), (7, 1), (40, 2), (33, 3)])
def test_files_come_in_order_whatever_the_chunk_and_whoever_decodes(files: Images, size: int, loaders: int) -> None:
    rows, parts = [], []
    for part, chunk in reading.chunks(files, size=size, loaders=loaders, stopping=never):
        assert chunk.dtype == torch.uint8
        assert chunk.shape == (part.stop - part.start, 3, 16, 16)
        rows += range(COUNT)[part]
        parts.append(chunk)
    assert rows == list(range(COUNT))
    assert max(len(part) for part in parts) == min(size, COUNT)
    assert torch.equal(torch.cat(parts), expected(files))


def test_chosen_images_come_in_the_order_chosen(files: Images) -> None:
    rows = np.array([40, 3, 3, 82, 0])
    ((part, chunk),) = reading.chunks(files[rows], size=8, loaders=0, stopping=never)
    assert part == slice(0, 5)
    assert torch.equal(chunk, expected(files)[torch.from_numpy(rows)])


@pytest.mark.parametrize("loaders", [0, 2])
def test_arrays_come_as_they_are(images: Images, loaders: int) -> None:
    found = list(reading.chunks(images, size=32, loaders=loaders, stopping=never))
    assert [part for part, _ in found] == [slice(0, 32), slice(32, 64), slice(64, 70)]
    assert torch.equal(torch.cat([chunk for _, chunk in found]), torch.from_numpy(np.asarray(images.images)))
    found[0][1].zero_()  # what is handed over is nobody else's
    assert np.asarray(images.images)[:32].any()


def test_nothing_has_no_chunks(files: Images) -> None:
    assert list(reading.chunks(files[:0], size=4, loaders=2, stopping=never)) == []


def test_whole_images_are_not_cut(files: Images, images: Images) -> None:
    assert isinstance(files.images, Files)
    for place, found in zip((5, 2), reading.whole(files, [5, 2]), strict=True):
        with reading.opened(files.images.root / files.images.paths[place]) as source:
            assert (found.numpy() == np.asarray(source).transpose(2, 0, 1)).all()
    assert [tuple(each.shape) for each in reading.whole(images, np.array([1, 69]))] == [(3, 16, 16)] * 2


@pytest.fixture
def packed(files: Images, tmp_path: Path) -> Images:
    """The same pictures decoded, one after the other in two files of a cache."""
    assert isinstance(files.images, Files)
    cells: list[tuple[int, ...]] = []
    for file, rows in enumerate((range(50), range(50, COUNT))):
        content = b""
        for each in reading.whole(files, list(rows)):
            cells.append((file, len(content), each.shape[1], each.shape[2], zlib.crc32(each.numpy().tobytes())))
            content += each.numpy().tobytes()
        put(tmp_path / f"{file}.bin", content)
    cache = Packed(tmp_path, ("0.bin", "1.bin"), ("", ""), np.array(cells), resize=18, pixels=16)
    return Images(cache, files.labels, files.classes)


@pytest.mark.parametrize("loaders", [0, 2])
def test_a_cache_gives_what_the_files_give(files: Images, packed: Images, loaders: int) -> None:
    found = torch.cat([chunk for _, chunk in reading.chunks(packed, size=40, loaders=loaders, stopping=never)])
    assert torch.equal(found, expected(files))
    for one, two in zip(reading.whole(packed, [60, 2]), reading.whole(files, [60, 2]), strict=True):
        assert torch.equal(one, two)


def test_a_cache_whose_file_is_gone_or_cut_is_told(packed: Images, tmp_path: Path) -> None:
    for damage, reason in ((b"x" * 10, "cannot reshape array of size"), (None, "No such file or directory")):
        path = tmp_path / "1.bin"
        path.unlink() if damage is None else path.write_bytes(damage)
        decoding._mapped.cache_clear()
        with pytest.raises(JobFailed, match=r"; check it with `repro data make cache --check`$") as caught:
            list(reading.chunks(packed[55:], size=10, loaders=0, stopping=never))
        assert str(caught.value).startswith(f"{path}: expected images of a cache, found none that can be read (")
        assert reason in str(caught.value)


@pytest.mark.parametrize("loaders", [0, 2])
def test_a_bit_that_fell_over_in_a_cache_is_found_before_the_image_is_used(
    packed: Images, tmp_path: Path, loaders: int
) -> None:
    assert isinstance(packed.images, Packed)
    path, start = tmp_path / "1.bin", int(packed.images.cells[60, 1])
    content = bytearray(path.read_bytes())
    content[start + 5] ^= 4
    path.write_bytes(content)
    decoding._mapped.cache_clear()
    told = (
        f"{path}: expected images of a cache, found none that can be read (the image at byte {start:,} was changed "
        "after it was written: its CRC-32 is another); check it with `repro data make cache --check`"
    )
    with pytest.raises(JobFailed) as caught:
        list(reading.chunks(packed, size=40, loaders=loaders, stopping=never))
    assert str(caught.value) == told
    with pytest.raises(JobFailed) as caught:
        list(sources.pictures(sources.some(packed.images, torch.tensor([59, 60]))))
    assert str(caught.value) == told
    assert len(list(reading.chunks(packed[:60], size=30, loaders=loaders, stopping=never))) == 2


@pytest.fixture
def broken(tmp_path: Path) -> Images:
    """60 pictures, of which the 41st is cut short and the 51st too small."""
    names = [f"{i}.JPEG" for i in range(60)]
    for i, name in enumerate(names):
        whole = picture(i, side=(10, 10) if i == 50 else (30, 20))
        put(tmp_path / name, whole[: len(whole) // 2] if i == 40 else whole)
    return Images(
        Files(tmp_path, np.array(names), np.ones(60, np.int64), resize=0, pixels=16), np.zeros(60, int), ("a",)
    )


@pytest.mark.parametrize("loaders", [0, 2])
def test_the_first_bad_file_ends_it_by_name(broken: Images, tmp_path: Path, loaders: int) -> None:
    with pytest.raises(JobFailed) as caught:
        list(reading.chunks(broken, size=20, loaders=loaders, stopping=never))
    assert str(caught.value) == (
        f"{tmp_path / '40.JPEG'}: no picture that can be read (cut short); `repro data verify` lists all such files, "
        "replace them"
    )
    with pytest.raises(JobFailed) as caught:
        list(reading.chunks(broken[42:], size=20, loaders=loaders, stopping=never))
    assert str(caught.value) == (
        f"{tmp_path / '50.JPEG'}: no picture that can be read (10 x 10 pixels are too few to cut 16 x 16 out of); "
        "`repro data verify` lists all such files, replace them"
    )


@pytest.mark.parametrize("loaders", [0, 1])
def test_a_wish_to_stop_is_heard_between_units(files: Images, loaders: int) -> None:
    asked: list[bool] = []
    found = reading.chunks(files, size=40, loaders=loaders, stopping=lambda: any(asked))
    assert next(found)[0] == slice(0, 40)
    asked.append(True)
    with pytest.raises(Stopped, match=r"^stopped after 40 of 83 images$"):
        next(found)


def test_a_loader_that_dies_is_told_in_a_sentence(files: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_Decoder", Dying)
    with pytest.raises(JobFailed) as caught:
        list(reading.chunks(files, size=40, loaders=1, stopping=never))
    assert str(caught.value).startswith("a process that decodes images ended before its time (DataLoader worker (pid")
    assert str(caught.value).endswith(
        "), perhaps as memory or /dev/shm ran out; nothing finished is lost: run again with fewer loaders"
    )


class Dying:
    """What a loader does when the system ends it."""

    def __init__(self, files: Files) -> None:
        pass

    def __getitem__(self, paths: list[str]) -> Tensor:
        os.kill(os.getpid(), signal.SIGKILL)
        return torch.empty(0)


def test_whoever_stops_listening_leaves_no_process(files: Images) -> None:
    found = reading.chunks(files, size=10, loaders=2, stopping=never)
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert next(reading.chunks(files, size=10, loaders=2, stopping=never))[0] == slice(0, 10)
