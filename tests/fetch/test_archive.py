"""Archives are unpacked whole or not at all, and whatever wants out of the folder is refused with a sentence."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path
from random import Random

import pytest

from repro.errors import DataMissing, StoreError
from repro.fetch.archive import Unpacked, unpack

REFUSED = "nothing of it is unpacked, get the archive from its home"


def _tar(path: Path, *members: tuple[str, bytes | None] | tarfile.TarInfo, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            name, content = member
            info = tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.DIRTYPE
            info.size = len(content or b"")
            tar.addfile(info, io.BytesIO(content or b""))
    return path


def _special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def _zip(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return path


def _tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_unpacked_without_its_leading_folder(tmp_path: Path, mode: str) -> None:
    archive = _tar(tmp_path / "a", ("top", None), ("./top/x/1.txt", b"one"), ("top/2.txt", b""), mode=mode)
    heard: list[int] = []
    assert unpack(archive, tmp_path / "out", strip="top", progress=heard.append) == Unpacked(2, 3)
    assert _tree(tmp_path / "out") == {"x/1.txt": b"one", "2.txt": b""}
    assert heard == sorted(heard)


def test_a_zip_is_unpacked(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "a.zip", ("top/", b""), ("top/x/1.txt", b"one" * 99), ("top/2.txt", b"two"))
    assert unpack(archive, tmp_path / "out", strip="top") == Unpacked(2, 300)
    assert _tree(tmp_path / "out") == {"x/1.txt": b"one" * 99, "2.txt": b"two"}


OUT = "leads out of the folder or is no plain name"
BAD = {
    "up": (("../x", b"1"), "'../x'", OUT),
    "up inside": (("a/../../x", b"1"), "'a/../../x'", OUT),
    "absolute": (("/etc/x", b"1"), "'/etc/x'", OUT),
    "backslash": (("..\\x", b"1"), "'..\\\\x'", OUT),
    "control": (("a\nb", b"1"), "'a\\nb'", OUT),
    "a folder up": (("../y", None), "'../y'", OUT),
    "symbolic link": (_special("l", tarfile.SYMTYPE, "/etc/passwd"), "'l'", "is a link"),
    "hard link": (_special("l", tarfile.LNKTYPE, "good"), "'l'", "is a link"),
    "device": (_special("d", tarfile.CHRTYPE), "'d'", "is a device or a pipe"),
    "block device": (_special("d", tarfile.BLKTYPE), "'d'", "is a device or a pipe"),
    "pipe": (_special("p", tarfile.FIFOTYPE), "'p'", "is a device or a pipe"),
    "twice": (("good", b"2"), "'good'", "has the name of another entry"),
    "a file as a folder": (("good/x", b"2"), "'good/x'", "has the name of another entry"),
}


@pytest.mark.parametrize("how", BAD)
def test_what_a_tar_must_not_hold_is_refused(tmp_path: Path, how: str) -> None:
    member, name, why = BAD[how]
    archive = _tar(tmp_path / "a.tar", ("good", b"1"), member)
    with pytest.raises(DataMissing) as caught:
        unpack(archive, tmp_path / "in" / "out")
    assert str(caught.value) == f"{archive}: expected files and folders alone, but {name} {why}; {REFUSED}"
    assert not (tmp_path / "in" / "out").exists()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.tar", "in"]


def test_what_a_zip_must_not_hold_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("l")
    link.external_attr = 0o120777 << 16
    pipe = zipfile.ZipInfo("p")
    pipe.external_attr = 0o010644 << 16
    for member, name, why in (
        ("../x", "'../x'", OUT),
        (link, "'l'", "is a link"),
        (pipe, "'p'", "is a device or a pipe"),
    ):
        archive = _zip(tmp_path / "a.zip", ("good", b"1"), (member, b"/etc/passwd"))
        with pytest.raises(DataMissing) as caught:
            unpack(archive, tmp_path / "out")
        assert str(caught.value) == f"{archive}: expected files and folders alone, but {name} {why}; {REFUSED}"
        assert not (tmp_path / "out").exists()


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "a.zip", ("x", b"1"))
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    with pytest.raises(DataMissing, match=f"but 'x' is encrypted; {REFUSED}$"):
        unpack(archive, tmp_path / "out")


def _damaged(archive: Path, reason: str) -> str:
    return f"{archive}: expected a whole tar or zip archive, found one that cannot be read ({reason}); get it again"


def test_a_damaged_archive_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    whole = _tar(tmp_path / "a.tar", ("x", bytes(100_000)), ("y", Random(0).randbytes(100_000)))
    packed = gzip.compress(whole.read_bytes())
    cases = {
        "cut.tar": (whole.read_bytes()[:150_000], "it is cut short"),
        "cut.tar.gz": (packed[:50_000], "it is cut short"),
        "page.tar": (b"<html>" * 500, "invalid header"),
        "empty.tar": (b"", "empty file"),
    }
    for name, (content, reason) in cases.items():
        archive = tmp_path / name
        archive.write_bytes(content)
        with pytest.raises(DataMissing) as caught:
            unpack(archive, tmp_path / "out")
        assert str(caught.value).startswith(_damaged(archive, reason).partition(reason)[0] + reason)
        assert not (tmp_path / "out").exists()


def test_a_zip_with_altered_bytes_is_told(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("x", bytes(1000))
    content = bytearray(archive.read_bytes())
    content[500] ^= 1
    archive.write_bytes(content)
    with pytest.raises(DataMissing) as caught:
        unpack(archive, tmp_path / "out")
    assert str(caught.value) == _damaged(archive, "Bad CRC-32 for file 'x'")


def test_places_that_do_not_fit_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataMissing) as caught:
        unpack(tmp_path / "absent.tar", tmp_path / "out")
    assert str(caught.value) == f"{tmp_path}/absent.tar: expected an archive, found nothing there"
    archive = _tar(tmp_path / "a.tar", ("x", b"1"))
    (tmp_path / "out").mkdir()
    with pytest.raises(StoreError) as refused:
        unpack(archive, tmp_path / "out")
    assert str(refused.value) == (f"{tmp_path}/out: expected no such folder yet, as it is unpacked into; move it away")
    with pytest.raises(StoreError) as blocked:
        unpack(archive, archive / "out")
    assert "a folder was expected and a file is in the way; move it or name another folder with --to" in str(
        blocked.value
    )
    with pytest.raises(DataMissing) as nothing:
        unpack(_tar(tmp_path / "b.tar", ("x", None)), tmp_path / "b")
    assert str(nothing.value) == f"{tmp_path}/b.tar: expected an archive with files in it, found none; get it again"
