"""Weight files: who says what is right, what is remembered of a download, and how a person hands one over."""

from __future__ import annotations

import hashlib
import json
import os
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro.errors import DataMissing, StoreError, UsageError
from repro.fetch import drive, own, weights
from repro.fetch.weights import Asked, held, path_of, state, verify
from repro.spec.checkpoint import Checkpoint
from tests.fetch import serving
from tests.fetch.serving import Served, patience, status, whole

BODY, OTHER = serving.weight_file(1), serving.weight_file(2)
SHA, OTHER_SHA = (hashlib.sha256(body).hexdigest() for body in (BODY, OTHER))
MD5, OTHER_MD5 = (hashlib.md5(body).hexdigest() for body in (BODY, OTHER))


def _checkpoint(url: str, **more: Any) -> Checkpoint:
    known = {"name": "net", "hash_by": "none", "licence": "MIT", "layout": "moco-pretrain", "source": "here", **more}
    return Checkpoint(url=url, **known)


def _fetch(checkpoint: Checkpoint, folder: Path, **asked: Any) -> weights.Held:
    return weights.fetch(checkpoint, folder, asked=Asked(**asked), patience=patience())


def _refused(checkpoint: Checkpoint, folder: Path, **asked: Any) -> str:
    with pytest.raises(DataMissing) as caught:
        _fetch(checkpoint, folder, **asked)
    return str(caught.value)


@pytest.mark.parametrize(
    ("url", "filename", "name"),
    [
        ("https://a/b/c_pretrain.pth.tar", None, "net.pth.tar"),
        ("https://a/InsDis.pth?dl=1", "InsDis.pth", "net.pth"),
        ("https://drive.google.com/file/d/1eCWCC0HDXxh1Zjzuq6r/view?usp=sharing", None, "net.pth"),
        ("https://a/x.safetensors", None, "net.safetensors"),
    ],
)
def test_a_file_is_called_by_its_name_in_the_list(url: str, filename: str | None, name: str) -> None:
    assert path_of(_checkpoint(url, filename=filename), Path("w")) == Path("w") / name


def test_a_hash_that_nobody_published_is_ours_from_the_first_download_on(server: Served, tmp_path: Path) -> None:
    checkpoint = _checkpoint(server.url)
    server.answers = [whole(BODY)]
    assert held(checkpoint, tmp_path) is None
    got = _fetch(checkpoint, tmp_path)
    assert (got.path, got.sha256, got.bytes, got.hash_by) == (tmp_path / "net.pth", SHA, len(BODY), "ours")
    assert held(checkpoint, tmp_path) == got
    receipt = json.loads((tmp_path / "net.pth.json").read_text())
    assert receipt["digests"] == [
        {"sha256": SHA, "bytes": len(BODY), "date": got.date, "url": server.url, "hash_by": "ours"}
    ]
    got.path.unlink()
    server.answers = [whole(OTHER)]
    assert _refused(checkpoint, tmp_path) == (
        f"net: {server.url}: expected sha256 {SHA} (recorded here at its first download), found {len(OTHER):,} bytes "
        f"with sha256 {OTHER_SHA}: the file was altered or replaced; it is not kept; get it another way and hand it "
        "over: repro checkpoints fetch net --from FILE; or take it as it is: repro checkpoints fetch net "
        f"--accept-digest sha256:{OTHER_SHA}"
    )
    assert not got.path.exists()


def test_an_accepted_hash_stands_beside_the_old(server: Served, tmp_path: Path) -> None:
    checkpoint = _checkpoint(server.url)
    server.answers = [whole(BODY)]
    _fetch(checkpoint, tmp_path).path.unlink()
    server.answers = [whole(OTHER)]
    got = _fetch(checkpoint, tmp_path, accept=f"sha256:{OTHER_SHA}")
    assert (got.sha256, got.hash_by) == (OTHER_SHA, "ours")
    digests = json.loads((tmp_path / "net.pth.json").read_text())["digests"]
    assert [each["sha256"] for each in digests] == [SHA, OTHER_SHA]
    for body, sha in ((BODY, SHA), (OTHER, OTHER_SHA)):  # either is right from now on
        got.path.unlink()
        server.answers = [whole(body)]
        assert _fetch(checkpoint, tmp_path).sha256 == sha
    got.path.write_bytes(serving.weight_file(3))
    with pytest.raises(DataMissing, match=f"expected sha256 {SHA} or sha256 {OTHER_SHA} "):
        verify(checkpoint, tmp_path)


def test_accepting_one_hash_takes_no_third_file(server: Served, tmp_path: Path) -> None:
    checkpoint = _checkpoint(server.url, hash="md5-prefix:59fd9945", hash_by="authors")
    server.answers = [whole(OTHER)]
    assert _refused(checkpoint, tmp_path, accept=f"sha256:{SHA}").startswith(
        f"net: {server.url}: expected md5 59fd9945... or sha256 {SHA} (published by its authors), found "
    )
    assert _fetch(checkpoint, tmp_path, accept=f"sha256:{OTHER_SHA}").hash_by == "ours"


def test_the_authors_hash_is_checked_and_then_the_whole_hash_holds(server: Served, tmp_path: Path) -> None:
    checkpoint = _checkpoint(server.url, hash=f"md5-prefix:{MD5[:8]}", hash_by="authors")
    server.answers = [whole(OTHER)]
    assert _refused(checkpoint, tmp_path) == (
        f"net: {server.url}: expected md5 {MD5[:8]}... (published by its authors), found {len(OTHER):,} bytes with md5 "
        f"{OTHER_MD5} and sha256 {OTHER_SHA}: the file was altered or replaced; it is not kept; get it another way and "
        "hand it over: repro checkpoints fetch net --from FILE; or take it as it is: repro checkpoints fetch net "
        f"--accept-digest sha256:{OTHER_SHA}"
    )
    server.answers = [whole(BODY)]
    assert _fetch(checkpoint, tmp_path).hash_by == "authors"
    assert held(checkpoint, tmp_path)
    path_of(checkpoint, tmp_path).write_bytes(OTHER)
    with pytest.raises(DataMissing, match=f"expected sha256 {SHA} "):  # not only the eight digits of md5
        verify(checkpoint, tmp_path)


def test_a_list_that_names_another_hash_makes_a_file_doubtful(server: Served, tmp_path: Path) -> None:
    server.answers = [whole(BODY)]
    _fetch(_checkpoint(server.url), tmp_path)
    later = _checkpoint(server.url, hash=f"md5:{OTHER_MD5}", hash_by="authors")
    assert state(later, tmp_path) == (None, "was checked against another hash than the list has now")
    assert _refused(later, tmp_path).startswith(
        f"net: {tmp_path / 'net.pth'}: expected md5 {OTHER_MD5} (published by its authors), found {len(BODY):,} bytes "
    )
    right = _checkpoint(server.url, hash=f"md5:{MD5}", hash_by="authors")
    assert _fetch(right, tmp_path).sha256 == SHA  # it is looked at again, not fetched
    assert held(right, tmp_path)


def test_a_touched_file_is_doubtful_until_it_was_read_again(server: Served, tmp_path: Path) -> None:
    checkpoint = _checkpoint(server.url)
    server.answers = [whole(BODY)]
    path = _fetch(checkpoint, tmp_path).path
    os.utime(path, (1, 1))
    assert state(checkpoint, tmp_path) == (None, "changed since it was checked")
    assert verify(checkpoint, tmp_path).sha256 == SHA
    assert held(checkpoint, tmp_path)
    path.write_bytes(OTHER)
    with pytest.raises(DataMissing) as caught:
        verify(checkpoint, tmp_path)
    assert str(caught.value) == (
        f"net: {path}: expected sha256 {SHA} (recorded here at its first download), found {len(OTHER):,} bytes with "
        f"sha256 {OTHER_SHA}: the file was altered or replaced; move it away to fetch it again; or take it as it is: "
        f"repro checkpoints fetch net --accept-digest sha256:{OTHER_SHA}"
    )
    assert path.read_bytes() == OTHER
    assert len(server.asked) == 1


def test_a_file_that_was_put_there_by_hand_is_taken_after_a_look(server: Served, tmp_path: Path) -> None:
    checkpoint = _checkpoint(server.url, hash=f"md5:{MD5}", hash_by="authors")
    (tmp_path / "net.pth").write_bytes(BODY)
    assert state(checkpoint, tmp_path) == (None, "was never checked")
    assert _fetch(checkpoint, tmp_path).hash_by == "authors"
    assert server.asked == []


def test_a_file_that_is_handed_over_is_checked_like_a_download(tmp_path: Path) -> None:
    checkpoint = _checkpoint("https://nowhere.invalid/a.pth", hash=f"md5:{MD5}", hash_by="authors")
    source = tmp_path / "down loaded.pth"
    source.write_bytes(OTHER)
    assert _refused(checkpoint, tmp_path / "w", file=source).startswith(
        f"net: {source}: expected md5 {MD5} (published "
    )
    assert list((tmp_path / "w").iterdir()) == []
    source.write_bytes(BODY)
    got = _fetch(checkpoint, tmp_path / "w", file=source, offline=True)
    assert (got.sha256, got.url) == (SHA, str(source))
    with pytest.raises(UsageError) as caught:
        _fetch(checkpoint, tmp_path / "w", file=source)
    assert str(caught.value) == (
        f"net: {got.path} is here already; move it away to take {source} in its place, or look at it with: repro "
        "checkpoints verify net"
    )
    got.path.unlink()
    source.unlink()
    assert _refused(checkpoint, tmp_path / "w", file=source) == (
        f"net: {source}: cannot be read (No such file or directory); name a file that can"
    )


def test_a_mirror_stands_for_the_address(server: Served, tmp_path: Path) -> None:
    checkpoint = _checkpoint("https://nowhere.invalid/a.pth")
    server.answers = [whole(BODY)]
    base = server.url.removesuffix("/a.pth")
    got = _fetch(checkpoint, tmp_path / "one", mirror=f"{base}/")
    assert (got.sha256, got.url) == (SHA, f"{base}/net.pth")
    for mirror in (str(tmp_path / "one"), (tmp_path / "one").as_uri()):  # a folder of weights is a mirror
        got = _fetch(checkpoint, tmp_path / "two", mirror=mirror, offline=True)
        assert (got.sha256, got.url) == (SHA, str(tmp_path / "one" / "net.pth"))
        got.path.unlink()


def test_offline_says_what_to_do(tmp_path: Path) -> None:
    assert _refused(_checkpoint("https://a/b.pth"), tmp_path, offline=True) == (
        f"net: {tmp_path / 'net.pth'} is not here, and nothing is downloaded offline (--offline or REPRO_OFFLINE); get "
        "https://a/b.pth where there is a network, then hand it over: repro checkpoints fetch net --from FILE"
    )


def test_what_is_not_here_cannot_be_verified(tmp_path: Path) -> None:
    with pytest.raises(DataMissing) as caught:
        verify(_checkpoint("https://a/b.pth"), tmp_path)
    assert str(caught.value) == f"net: {tmp_path / 'net.pth'} is not here; repro checkpoints fetch net"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ('{"schema": 1}', "'digests'"),
        ('{"schema": 2, "digests": [], "published": null, "bytes": 1, "mtime_ns": 1}', "schema 2, 0 digests"),
    ],
)
def test_a_damaged_receipt_is_told(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "net.pth").write_bytes(BODY)
    (tmp_path / "net.pth.json").write_text(text)
    with pytest.raises(StoreError) as caught:
        held(_checkpoint("https://a/b.pth"), tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'net.pth.json'}: expected the receipt of a download, found something else ({why}); remove it to "
        "have the file checked anew, its hash then counts as a first one"
    )


# ------------------------------------------------------------------------------------------------------ Google Drive

DRIVE = "https://drive.google.com/file/d/1eCWCC0HDXxh1Zjzuq6r_Fcfp15UfJJrt/view?usp=sharing"
BY_HAND = "hand it over: repro checkpoints fetch net --from FILE"


class FileURLRetrievalError(Exception):
    """As gdown calls it."""


@pytest.fixture
def gdown(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, Any]]]:
    """A gdown that writes what it is told, or raises it; gives what it was asked."""

    def install(*results: bytes | Exception | None) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = []
        left = list(results)

        def download(*, id: str, output: str, quiet: bool, resume: bool, progress: Any = None) -> str | None:
            asked.append({"id": id, "resume": resume})
            assert quiet
            if Path(output).exists():
                return output
            result = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(result, Exception):
                raise result
            if result is None:
                return None
            Path(output).write_bytes(result)
            if progress:
                progress(len(result), len(result))
            return output

        monkeypatch.setitem(drive.sys.modules, "gdown", types.SimpleNamespace(download=download))
        return asked

    return install


def test_drive_brings_a_file(tmp_path: Path, gdown: Callable[..., list[dict[str, Any]]]) -> None:
    heard: list[tuple[int, int | None]] = []
    asked = gdown(BODY)
    got = weights.fetch(_checkpoint(DRIVE), tmp_path, progress=lambda *far: heard.append(far), patience=patience())
    assert (got.sha256, got.url, got.hash_by) == (SHA, DRIVE, "ours")
    assert asked == [{"id": "1eCWCC0HDXxh1Zjzuq6r_Fcfp15UfJJrt", "resume": True}]
    assert heard == [(len(BODY), len(BODY))]
    assert {path.name for path in tmp_path.iterdir()} == {"net.pth", "net.pth.json"}


def test_drive_fails_in_passing(tmp_path: Path, gdown: Callable[..., list[dict[str, Any]]]) -> None:
    asked = gdown(OSError("connection\n reset."), BODY)
    notes: list[str] = []
    weights.fetch(_checkpoint(DRIVE), tmp_path, note=notes.append, patience=patience())
    assert notes == ["net: connection reset; again in 1 s"]
    assert len(asked) == 2
    gdown(OSError("connection reset"))
    assert _refused(_checkpoint(DRIVE, name="other"), tmp_path) == (
        f"other: {DRIVE}: expected a file of unknown size and hash, given up after 4 tries: connection reset; the same "
        "command tries again, or download it in a browser and hand it over: repro checkpoints fetch other --from FILE"
    )


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (
            FileURLRetrievalError("Too many users have viewed or downloaded this file recently."),
            "found no file: its download quota is used up, or it is not shared any more (Too many users have viewed or "
            "downloaded this file recently); try again in a day, or copy it to a Drive of your own, download it from "
            "there and " + BY_HAND,
        ),
        (
            FileURLRetrievalError("Cannot retrieve the public link."),
            "found no file (Cannot retrieve the public link); open the address in a browser; where the file is there, "
            "download it and " + BY_HAND,
        ),
        (
            None,
            "found no file (gdown brought nothing); open the address in a browser; where the file is there, download "
            "it and " + BY_HAND,
        ),
        (
            b"<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title>",
            "found the page that its download quota is used up; try again in a day, or copy it to a Drive of your own, "
            "download it from there and " + BY_HAND,
        ),
        (
            b"<html><title>Google Drive - Virus scan warning</title>",
            "found the page that it was not scanned for viruses; download it in a browser and " + BY_HAND,
        ),
    ],
)
def test_drive_gives_no_file(
    tmp_path: Path, gdown: Callable[..., list[dict[str, Any]]], result: bytes | Exception | None, words: str
) -> None:
    gdown(result)
    assert _refused(_checkpoint(DRIVE), tmp_path) == f"net: {DRIVE}: expected a file of unknown size and hash, {words}"
    assert {path.suffix for path in tmp_path.iterdir()} <= {".drive"}
    gdown(BODY)
    assert _fetch(_checkpoint(DRIVE), tmp_path).sha256 == SHA


def test_what_drive_had_begun_is_begun_again_where_it_does_not_fit(
    tmp_path: Path, gdown: Callable[..., list[dict[str, Any]]]
) -> None:
    (tmp_path / ".net.pth.drive").mkdir()
    (tmp_path / ".net.pth.drive" / "file").write_bytes(OTHER)
    gdown(BODY)
    assert _fetch(_checkpoint(DRIVE, hash=f"md5:{MD5}", hash_by="authors"), tmp_path).sha256 == SHA


def test_a_full_disk_under_drive(tmp_path: Path, gdown: Callable[..., list[dict[str, Any]]]) -> None:
    gdown(OSError(28, "No space left on device"))
    with pytest.raises(StoreError) as caught:
        _fetch(_checkpoint(DRIVE), tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / '.net.pth.drive'}: the disk is full; free some space and run the same command again, nothing "
        "finished is lost"
    )


def test_without_gdown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(drive.sys.modules, "gdown", None)
    assert _refused(_checkpoint(DRIVE), tmp_path) == (
        f"net: {DRIVE}: files of Google Drive come by way of gdown, which is not installed; pip install "
        f"'repro-ns[drive]', or download it in a browser and {BY_HAND}"
    )
    monkeypatch.setattr(drive.importlib.util, "find_spec", lambda _: None)
    monkeypatch.delitem(drive.sys.modules, "gdown")
    with pytest.raises(DataMissing) as caught:
        drive.check(["a", "b", "c", "d"])
    assert str(caught.value) == (
        "files of Google Drive come by way of gdown, which is not installed (a, b, c, ...); pip "
        "install 'repro-ns[drive]', or download them in a browser and hand each over: repro checkpoints fetch NAME "
        "--from FILE"
    )


@pytest.mark.parametrize(
    ("url", "id"),
    [
        (DRIVE, "1eCWCC0HDXxh1Zjzuq6r_Fcfp15UfJJrt"),
        ("https://drive.google.com/uc?export=download&id=1eCWCC0HDXxh1Z", "1eCWCC0HDXxh1Z"),
        ("https://drive.google.com/drive/folders/1eCWCC0HDXxh1Z", None),
        ("https://evil.example/https://drive.google.com/file/d/1eCWCC0HDXxh1Z", None),
    ],
)
def test_an_id_is_taken_from_an_address_of_drive_alone(url: str, id: str | None) -> None:
    assert drive.id_of(url) == id


# ----------------------------------------------------------------------------------------------- a file of one's own


def test_a_file_of_ones_own_gets_an_entry_with_its_hash(tmp_path: Path) -> None:
    (tmp_path / "mine.pth").write_bytes(BODY)
    mine = _checkpoint((tmp_path / "mine.pth").as_uri(), name="mine", serves=["table1/byol"], note='say "so"')
    added = own.add(tmp_path / "mine.pth", mine, tmp_path / "w", is_linked=False)
    assert (added.held.sha256, added.held.hash_by, added.held.path) == (SHA, "ours", tmp_path / "w" / "mine.pth")
    other = mine.model_copy(update={"name": "other", "note": None})
    linked = own.add(tmp_path / "mine.pth", other, tmp_path / "w", is_linked=True)
    assert linked.held.path.is_symlink()
    assert (
        linked.list.read_text()
        == f"""\
# Weight files of your own; they count beside the shipped ones, and one of the same name wins.

schema = 1

[[checkpoints]]
name = "mine"
url = "{mine.url}"
bytes = {len(BODY)}
hash = "sha256:{SHA}"
hash_by = "none"
licence = "MIT"
layout = "moco-pretrain"
serves = ["table1/byol"]
note = "say \\"so\\""
source = "here"

[[checkpoints]]
name = "other"
url = "{mine.url}"
bytes = {len(BODY)}
hash = "sha256:{SHA}"
hash_by = "none"
licence = "MIT"
layout = "moco-pretrain"
serves = ["table1/byol"]
source = "here"
"""
    )
    with pytest.raises(UsageError) as caught:
        own.add(tmp_path / "mine.pth", mine, tmp_path / "w", is_linked=False)
    assert str(caught.value) == f"{tmp_path / 'w' / 'mine.pth'} is here already; move it away, or give another --name"


def test_a_file_that_is_no_weights_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "mine.pth").write_text("no weights")
    mine = _checkpoint((tmp_path / "mine.pth").as_uri(), name="mine")
    for is_linked in (False, True):
        with pytest.raises(DataMissing, match="expected a zip archive or a pickle or a safetensors file, found a file"):
            own.add(tmp_path / "mine.pth", mine, tmp_path / "w", is_linked=is_linked)
        assert list((tmp_path / "w").iterdir()) == []


def test_a_list_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.pth").write_bytes(BODY)
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "checkpoints.toml").write_bytes(b"\xff")
    mine = _checkpoint((tmp_path / "mine.pth").as_uri(), name="mine")
    with pytest.raises(DataMissing) as caught:
        own.add(tmp_path / "mine.pth", mine, tmp_path / "w", is_linked=False)
    assert str(caught.value) == (
        f"{tmp_path / 'w' / 'checkpoints.toml'}: cannot be read ('utf-8' codec can't decode byte 0xff in position 0: "
        "invalid start byte); mend it or move it away"
    )
    assert [path.name for path in (tmp_path / "w").iterdir()] == ["checkpoints.toml"]


def test_500_is_told_with_the_name_of_the_weights(server: Served, tmp_path: Path) -> None:
    server.answers = [status(404)]
    assert _refused(_checkpoint(server.url), tmp_path) == (
        f"net: {server.url}: the server answered 404 Not Found: it is not there (any more); open the address in a "
        "browser, or name a copy with --mirror"
    )
