"""What may not be loaded is told in one sentence and never run; what is harmless beside the tensors does no harm."""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
import zipfile
from argparse import Namespace
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from repro.errors import DataMissing
from repro.lab.weights import file, pickles

Save = Callable[..., Path]
EXPECTED = "expected a file of torch.save or safetensors"
both = pytest.mark.parametrize("legacy", [False, True])


def refused(path: Path) -> str:
    """The whole sentence, without the file's name in front of it."""
    with pytest.raises(DataMissing) as caught:
        file.read(path)
    start = f"{path}: "
    assert str(caught.value).startswith(start)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(start)


class Attack:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.target, "it ran")


@both
def test_code_in_a_pickle_never_runs(legacy: bool, save: Save, tmp_path: Path) -> None:
    path = save({"state_dict": {"a": torch.ones(2)}, "x": Attack(tmp_path / "ran")}, legacy=legacy)
    found = refused(path)
    assert not (tmp_path / "ran").exists()
    assert found == (
        "expected tensors, numbers and text alone, found objects of 3 other kinds (__builtin__.getattr, "
        "pathlib.Path, pathlib.PosixPath), and to make them could run code of the file; none of it was loaded. Ask for "
        "the state_dict() alone, or, if you trust whoever made the file, load it where it can do no harm and there "
        'torch.save({"state_dict": MODEL.state_dict()}, NEW)'
    )
    torch.load(path, weights_only=False)
    assert (tmp_path / "ran").read_text() == "it ran"  # the attack is one


@both
def test_a_whole_module_is_refused_by_the_names_of_its_classes(legacy: bool, save: Save) -> None:
    found = refused(save(nn.Sequential(nn.Linear(2, 2)), legacy=legacy))
    assert (
        "found objects of 2 other kinds (torch.nn.modules.container.Sequential, torch.nn.modules.linear.Linear)"
        in found
    )


@both
def test_options_and_numbers_of_numpy_beside_the_tensors_are_left_out_unread(legacy: bool, save: Save) -> None:
    content = {"opt": Namespace(lr=0.1, inner=Namespace(a=[1])), "best": np.float64(80.5), "epoch": 3}
    found = file.read(save(content | {"model": OrderedDict(a=torch.ones(2))}, legacy=legacy))
    assert found.tree["epoch"] == 3
    assert torch.equal(found.tree["model"]["a"], torch.ones(2))
    for name in ("opt", "best"):
        assert type(found.tree[name]) is pickles.Blank
        assert vars(found.tree[name]) == {}
    numbers = [name for name in found.blanks if name.startswith("numpy")]
    assert sorted({*found.blanks} - {*numbers}) == ["argparse.Namespace"]
    assert len(numbers) == 2
    assert not [one for one in torch.serialization.get_safe_globals() if one in pickles.BLANKS]


@both
def test_what_a_training_keeps_beside_its_network_is_read(legacy: bool, save: Save) -> None:
    content = {"a": [1, (2.5, None, True)], "steps": Counter([30, 40]), "kind": torch.float16, "size": torch.Size([2])}
    content |= {"names": {"b"}, "raw": b"\x00\xff", "device": torch.device("cpu"), "part": nn.Parameter(torch.ones(1))}
    found = file.read(save(content, legacy=legacy)).tree
    assert found == content


def test_every_kind_of_tensor_is_read_in_both_formats(save: Save) -> None:
    kinds = ("float16", "bfloat16", "float32", "float64", "int8", "uint8", "int16", "int32", "int64", "bool")
    content = {kind: torch.ones(2, 3, dtype=getattr(torch, kind)).T for kind in kinds}
    for legacy in (False, True):
        found = file.read(save(content, legacy=legacy)).tree
        assert all(torch.equal(found[kind], part) for kind, part in content.items())


@pytest.mark.parametrize(
    ("content", "instead"),
    [
        (b"", "an empty file; fetch it again"),
        (
            b"\n <!DOCTYPE html><html><title>Google Drive - Virus scan warning</title>",
            "a web page, sent in place of the file; open its address in a browser to see why, and fetch it again",
        ),
        (pickle.dumps({"a": 1}), "a pickle that torch.save did not write; it could run code and was not loaded"),
        (b"\x1f\x8b\x08\x00", "a gzip archive; unpack it"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\x93NUMPY\x01\x00", "an array of numpy"),
        (b'{"error": "quota"}', 'something else (it begins with b\'{"error": "quota\')'),
    ],
)
def test_what_is_no_weight_file_is_told(content: bytes, instead: str, tmp_path: Path) -> None:
    (tmp_path / "file.pth").write_bytes(content)
    assert refused(tmp_path / "file.pth") == f"{EXPECTED}, found {instead}"


def test_a_tar_archive_is_not_read_as_torch_once_did(tmp_path: Path) -> None:
    (tmp_path / "storages").write_bytes(b"1")
    with tarfile.open(tmp_path / "file.pth.tar", "w") as archive:
        archive.add(tmp_path / "storages", arcname="storages")
    assert refused(tmp_path / "file.pth.tar") == f"{EXPECTED}, found a tar archive; unpack it"


def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path) -> None:
    assert refused(tmp_path / "no.pth") == f"{EXPECTED}, found none that can be opened (No such file or directory)"
    assert refused(tmp_path) == f"{EXPECTED}, found none that can be opened (Is a directory)"


@pytest.mark.parametrize(
    ("last", "lacking", "legacy", "reason"),
    [
        (b"", 100_000, False, "File is not a zip file"),
        (b"layer7q", 0, True, "not enough data in stream to read uint1"),
        (b"", 921, True, "unexpected EOF, expected 921 more bytes"),
    ],
)
def test_a_file_that_is_cut_short(last: bytes, lacking: int, legacy: bool, reason: str, save: Save) -> None:
    """Cut at a place of the content: the length of the older format depends on addresses in memory."""
    path = save({f"layer{i}": torch.ones(100, 100) for i in range(20)}, legacy=legacy)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(last) + len(last) if last else -lacking])
    assert refused(path) == f"{EXPECTED}, found one that is cut short or damaged ({reason}); fetch it again"


def test_damage_is_one_sentence_wherever_it_strikes(save: Save) -> None:
    """Single bytes of either format changed, all over: it is read, or it is a sentence."""
    random = np.random.default_rng(0)
    for legacy in (False, True):
        path = save({"state_dict": {f"layer{i}.weight": torch.ones(4, 4) for i in range(4)}}, legacy=legacy)
        content = path.read_bytes()
        for place in random.permutation(len(content))[:400]:
            path.write_bytes(content[:place] + random.bytes(1) + content[place + 1 :])
            with suppress(DataMissing):
                file.read(path)


def packed(path: Path, *, kind: int, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def test_a_zip_archive_of_something_else(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.pth", kind=zipfile.ZIP_STORED, entries={"images.npy": b"1", "labels.npy": b"2"})
    assert (
        refused(path) == f"{EXPECTED}, found a zip archive with 0 data.pkl, where that has one (images.npy, labels.npy)"
    )
    path = packed(tmp_path / "b.pth", kind=zipfile.ZIP_STORED, entries={"a/data.pkl": b"1", "b/data.pkl": b"2"})
    assert (
        refused(path) == f"{EXPECTED}, found a zip archive with 2 data.pkl, where that has one (a/data.pkl, b/data.pkl)"
    )
    path = packed(tmp_path / "c.pt", kind=zipfile.ZIP_STORED, entries={"c/data.pkl": b"1", "c/constants.pkl": b"2"})
    assert refused(path) == (f"{EXPECTED}, found a TorchScript program; save its state_dict() alone with torch.save")


def test_a_zip_bomb_is_not_unpacked(save: Save, tmp_path: Path) -> None:
    """A gigabyte of zeros in a megabyte."""
    with zipfile.ZipFile(save({"a": torch.ones(2)})) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    place = next(name for name in entries if name.endswith("data/0"))
    path = tmp_path / "bomb.pth"
    packed(path, kind=zipfile.ZIP_DEFLATED, entries=entries | {place: bytes(1 << 24)})
    packed_to = 16322  # by zlib, which may change
    found = refused(path)
    assert found.startswith(f"{EXPECTED}, which packs nothing, found theirs.pth/data.pkl packed from ")
    assert found.endswith("unpack the archive and store it anew without compression")
    assert path.stat().st_size < 3 * packed_to


def test_entries_that_lie_about_their_size_are_refused(save: Save) -> None:
    path = save({"a": torch.ones(64)})
    content = bytearray(path.read_bytes())
    place = content.rindex(b"theirs.pth/data/0") - 46 + 20  # sizes in the directory entry, 46 bytes before its name
    assert content[place : place + 8] == struct.pack("<II", 256, 256)
    content[place : place + 8] = struct.pack("<II", 1 << 30, 1 << 30)
    path.write_bytes(content)
    total = (1 << 30) - 256 + sum(entry.file_size for entry in zipfile.ZipFile(save({"a": torch.ones(64)})).infolist())
    path.write_bytes(content)
    assert refused(path) == f"expected at most its own {len(content)} bytes in the archive, found {total} declared"


def test_a_pickle_that_is_all_there_is(monkeypatch: pytest.MonkeyPatch, save: Save) -> None:
    monkeypatch.setattr(file, "PICKLE_LIMIT", 1000)
    path = save({f"name{i}": i for i in range(100)})
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("theirs.pth/data.pkl").file_size
    assert refused(path) == f"expected a description of at most 1000 bytes beside the tensors, found one of {size}"


@both
def test_a_tensor_that_is_larger_than_the_file(legacy: bool, save: Save) -> None:
    """One number that says of itself to be a trillion: nothing is laid out."""
    path = save({"a": torch.ones(1).expand(10**6, 10**6)}, legacy=legacy)
    assert path.stat().st_size < 2000
    assert refused(path) == "expected tensors of at most 4294967296 bytes in all, found 4000000000000"


@pytest.mark.parametrize("claimed", [2**40, 2**62, -5])
def test_a_storage_that_the_old_format_claims_and_does_not_hold(claimed: int, save: Save) -> None:
    path = save({"a": torch.ones(70001)}, legacy=True)
    content = path.read_bytes()
    number = b"J" + struct.pack("<i", 70001)
    assert content.count(number) == 2  # of the storage and of the tensor
    path.write_bytes(content.replace(number, pickle.dumps(claimed, 2)[2:-1]))
    assert refused(path).startswith(f"{EXPECTED}, found one that is cut short or damaged (")


def test_a_version_of_torch_that_can_be_got_around(monkeypatch: pytest.MonkeyPatch, save: Save) -> None:
    path = save({"a": torch.ones(2)})
    monkeypatch.setattr(torch, "__version__", "2.5.1+cpu")
    assert refused(path) == (
        "torch 2.5.1+cpu can be made to run code of a file even where that is forbidden (CVE-2025-32434); install "
        "torch 2.6 or later"
    )


@both
def test_a_file_without_names(legacy: bool, save: Save) -> None:
    assert refused(save([torch.ones(2)], legacy=legacy)) == "expected a mapping of names to tensors, found a list"


def test_a_pickle_of_another_protocol(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "a.pth", pickle_protocol=4)
    assert refused(tmp_path / "a.pth") == (
        f"{EXPECTED}, found one that is cut short or damaged (a pickle of protocol 4, where torch.save writes 2); "
        "fetch it again"
    )


@pytest.mark.parametrize("operation", ["INST", "STACK_GLOBAL", "EXT1"])
def test_names_that_cannot_be_seen_are_refused(operation: str) -> None:
    content = {"INST": b"(ios\nsystem\n.", "STACK_GLOBAL": b"\x8c\x02os\x8c\x06system\x93.", "EXT1": b"\x82\x01."}
    with pytest.raises(ValueError, match=f"the operation {operation} at byte") as caught:
        pickles.named(io.BytesIO(b"\x80\x02" + content[operation]))
    assert str(caught.value).endswith(", which torch.save never writes")


def test_safetensors_are_read_and_their_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.ones(3)}, path)
    found = file.read(path)
    assert torch.equal(found.tree["a"], torch.ones(3))
    assert found.about is None
    path.write_bytes(path.read_bytes()[:-4])
    assert refused(path).startswith(f"{EXPECTED}, found one that is cut short or damaged (")
