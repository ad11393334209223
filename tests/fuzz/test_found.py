"""What fuzzing found: each once, with the whole sentence that it is told with now."""

from __future__ import annotations

import json
import os
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from repro.errors import DataMissing, ReproError, SpecError, StoreError, UsageError
from repro.fetch import archive, arrival, local, receipt
from repro.fetch.wanted import Wanted
from repro.files import digest
from repro.holdings import receipts
from repro.lab import data
from repro.spec import load, locations
from repro.store import Store
from repro.verbs.planning import settle
from tests.fuzz import world
from tests.fuzz.conftest import Pair
from tests.test_store import JOB, _written

Typed = Callable[..., tuple[int, str, str]]
DEEP = "[" * 100_000


def told(action: Callable[[], object], kind: type[ReproError]) -> str:
    """The whole sentence of a refusal."""
    with pytest.raises(kind) as caught:
        action()
    return str(caught.value)


# ------------------------------------------------------------------------------------------------------------ records


def _edited(store: Store, change: Callable[[dict[str, Any]], object]) -> str:
    """Change a record and seal it again; what is said of it."""
    path = store.record(JOB)
    body = json.loads(path.read_text())
    body.pop("digest")
    change(body)
    path.write_text(json.dumps({**body, "digest": digest(body)}))
    assert store.read(JOB) is None
    return store.damaged[JOB]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda body: body.update(values=[]), "values"),
        (lambda body: body.update(files={"numbers.bin": {"bytes": 3}}), "'sha256'"),
        (lambda body: body.update(files={"numbers.bin": {"bytes": "3", "sha256": ""}}), "files.numbers.bin"),
        (lambda body: body.update(files={"../other": {"bytes": 3, "sha256": ""}}), "files.../other"),
        (lambda body: body.update(wall_seconds="1"), "wall_seconds"),
        (lambda body: body["job"].update(spec=[]), "job.spec"),
        (lambda body: body["job"].pop("inputs"), "'inputs'"),
    ],
)
def test_a_record_of_other_kinds_is_told_though_its_digest_fits(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], fault: str
) -> None:
    store = Store(tmp_path)
    _written(store)
    assert _edited(store, change) == (
        f"{store.record(JOB)}: expected every field of a record, found a fault at {fault}; it will be computed again"
    )


def test_a_number_that_nothing_can_reckon_with_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _written(store)
    assert _edited(store, lambda body: body.update(values={"top1": 10**400})) == (
        f"{store.record(JOB)}: expected a whole JSON record, found one that is cut or not JSON; it will be computed "
        "again"
    )


def test_files_are_read_once_their_hashes_are_those_of_the_record(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _written(store)
    folder, path = store.folder(JOB), store.folder(JOB) / "numbers.bin"
    assert store.opened(JOB, lambda found: (found / "numbers.bin").read_bytes()) == b"abc"
    again = f"delete {folder}, and repro run makes it again"
    path.write_bytes(b"abd")
    assert told(lambda: store.opened(JOB, Path.iterdir), DataMissing) == (
        f"{path}: its SHA-256 is not that of its record; {again}"
    )
    path.write_bytes(b"abc")

    def fail(_: Path) -> None:
        raise KeyError("labels")

    assert told(lambda: store.opened(JOB, fail), DataMissing) == (
        f"{folder}: expected what a job leaves, found files that are those of its record and cannot be read "
        "(KeyError: 'labels'); delete it, and repro run makes it again"
    )

    def refuse(_: Path) -> None:
        raise UsageError("as it is")

    assert told(lambda: store.opened(JOB, refuse), UsageError) == "as it is"
    store.record(JOB).write_text("{")
    assert told(lambda: store.opened(JOB, Path.iterdir), DataMissing).endswith(f"computed again; {again}")
    store.record(JOB).unlink()
    said = told(lambda: Store(tmp_path).opened(JOB, Path.iterdir), DataMissing)
    assert said == f"{store.record(JOB)}: is missing; {again}"


def test_a_failure_and_rules_that_are_no_such_are_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.fail(JOB, "x")
    (store.folder(JOB) / "failure.json").write_text(DEEP)
    assert store.failure(JOB) is None
    kept: dict[str, Any] = {"stamp": "0", "noted": "now", "after_results": True, "rules": []}
    store.keep_rules("a", [kept])
    assert told(lambda: store.rules("a"), StoreError) == (
        f"{store.rules_file('a')}: expected the rules that results were begun under, found what cannot be read "
        "(rules); delete it, and changes of the rules before today are not told any more"
    )


# -------------------------------------------------------------------------------------------------------------- specs


def test_a_number_of_thousands_of_digits_is_no_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, read in (("a.toml", lambda: load.profile("a.toml")), (locations.FILE, locations.load)):
        Path(name).write_text("schema = " + "9" * 5000)
        assert told(read, SpecError) == (
            f"{name}: expected TOML, found something else: Exceeds the limit (4300 digits) for integer string "
            "conversion: value has 5000 digits; use sys.set_int_max_str_digits() to increase the limit"
        )


def test_a_folder_with_a_nul_in_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(locations.FILE).write_text('[data]\nroot = "a\\u0000b"\n')
    assert told(locations.load, SpecError) == r"repro.toml:2: data.root: expected a folder as text, found 'a\x00b'"


def test_a_place_that_is_a_long_list_is_told_in_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(locations.FILE).write_text(f"weights = {['x' * 100] * 1000}\n")
    assert told(locations.load, SpecError) == (
        f"repro.toml:1: weights: expected a folder as text, found ['{'x' * 75}..."
    )


def test_a_set_that_is_made_of_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mini = (world.CHECKOUT / "profiles" / "mini.toml").read_text(encoding="utf-8")
    assert 'of = "imagenet-100/train"' in mini
    Path("mini.toml").write_text(mini.replace('of = "imagenet-100/train"', 'of = ["a"]'), encoding="utf-8")
    assert "of: \"['a']\" is not there; expected one of [datasets]" in told(
        lambda: load.profile("mini.toml"), SpecError
    )


# ---------------------------------------------------------------------------------------------------------- downloads


@pytest.mark.parametrize("content", [DEEP, '{"digests": [], "published": "", "bytes": 1e999, "mtime_ns": 0}'])
def test_a_receipt_that_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.pth.json").write_text(content)
    said = told(lambda: receipt.read(tmp_path / "a.pth"), StoreError)
    assert said.startswith(f"{tmp_path}/a.pth.json: expected the receipt of a download, found something else (")
    assert said.endswith("remove it to have the file checked anew, its hash then counts as a first one")


def test_a_receipt_of_archives_that_is_none(tmp_path: Path) -> None:
    (tmp_path / receipts.FILE).write_text(DEEP)
    assert told(lambda: receipts.receipts(tmp_path), StoreError) == (
        f"{tmp_path / receipts.FILE}: expected what `repro data fetch` wrote, found something else; remove it and "
        "fetch again"
    )


@pytest.mark.parametrize(
    "header", [(1 << 26).to_bytes(8, "little") + b'{"a"', b'{"a": {"data_offsets": [0, "x"]}}', b'{"a":' * 50_000]
)
def test_a_header_that_says_anything_is_a_cut_file(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(header if header[:1] == b"\0" else world.framed(header, b""))
    said = told(
        lambda: arrival.check(Wanted("a", "url", None, None, "none"), path, target=path, is_kept=True), DataMissing
    )
    assert said.endswith(": the file is cut; move it away to fetch it again")


def test_a_device_in_the_place_of_a_file(tmp_path: Path, typed: Typed) -> None:
    source, wanted = Path("/dev/zero"), Wanted("a", "url", None, None, "none")
    said = told(lambda: local.take(wanted, tmp_path / "a", source=source, note=print, option="--to"), DataMissing)
    assert said == "a: /dev/zero: expected a file, found a folder, device or pipe; name a file"
    os.mkfifo(tmp_path / "pipe")
    words = ("checkpoints", "add", tmp_path / "pipe", "--name", "a", "--weights", tmp_path / "weights")
    assert typed(*words) == (
        2,
        "",
        f"repro: {tmp_path}/pipe: expected a weight file, found a device or a pipe; name a file\n",
    )


def test_a_pipe_in_the_place_of_a_picture(tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    code, _, err = typed("figure", "1", "--image", "pipe", "--no-run")
    assert (code, err) == (2, "repro: --image pipe: expected a picture, found a device or a pipe; name a file\n")


def test_an_archive_that_is_packed_in_a_way_nobody_can_undo(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("x", b"1")
    content = bytearray(path.read_bytes())
    for start in (content.index(b"PK\x03\x04") + 6, content.index(b"PK\x01\x02") + 8):
        content[start] |= 0x20
    path.write_bytes(content)
    assert told(lambda: archive.unpack(path, tmp_path / "out"), DataMissing) == (
        f"{path}: expected a whole tar or zip archive, found one that cannot be read (compressed patched data (flag "
        "bit 5)); get it again"
    )
    assert not (tmp_path / "out").exists()


def test_a_file_without_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("x", b"1")
    content = bytearray(path.read_bytes())
    content[30] = content[content.index(b"PK\x01\x02") + 46] = 0  # zipfile ends a name there when it reads
    path.write_bytes(content)
    assert told(lambda: archive.unpack(path, tmp_path / "out"), DataMissing) == (
        f"{path}: expected files and folders alone, but '' leads out of the folder or is no plain name; nothing of it "
        "is unpacked, get the archive from its home"
    )


def test_an_archive_that_unpacks_to_far_more_than_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo("zeros")
        info.size = 1 << 40
        tar.addfile(info)  # its header alone: nothing of the rest is asked for
    own = path.stat().st_size
    assert told(lambda: archive.unpack(path, tmp_path / "out"), DataMissing) == (
        f"{path}: expected at most {(1 << 28) + 100 * own:,} bytes in an archive of {own:,}, as pictures hardly "
        "pack, found 1,099,511,627,776 or more; nothing of it is unpacked, get the archive from its home"
    )
    assert not (tmp_path / "out").exists()


# -------------------------------------------------------------------------------------------------------- command line


def test_a_note_of_where_a_set_is_that_is_none(pair: Pair) -> None:
    there = pair.world
    job = next(job for job in there.plan.jobs.values() if job.kind == "data")
    job.spec["place"] = "photographs"  # type: ignore[index]
    path = there.store.folder(job.id) / data.PLACE
    path.write_text(DEEP)
    try:
        said = told(lambda: settle(there.plan, there.store), DataMissing)
    finally:
        del job.spec["place"]  # type: ignore[attr-defined]
        path.write_bytes((pair.keep / path.relative_to(there.root)).read_bytes())
    assert said.startswith(f"{path}: cannot be read (maximum recursion depth exceeded")
    assert said.endswith("); delete it, and the set is listed again")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "a\nb\x1b[31m"), 'repro: no table or figure "a b[31m"; there are '),
        (
            ("list", "--profile", "x" * 300 + ".toml"),
            f"repro: {'x' * 60}...: a name of 305 letters is too long for a file",
        ),
    ],
)
def test_a_refusal_is_one_line_that_steers_nothing(words: tuple[str, ...], said: str, typed: Typed) -> None:
    code, out, err = typed(*words)
    assert (code, out) == (2, "")
    assert err.startswith(said)
    assert len(err.splitlines()) == len(said.splitlines())


@pytest.mark.parametrize("words", [("where", ""), ("fetch", ""), ("verify", "")])
def test_a_data_set_without_a_name(words: tuple[str, ...], typed: Typed) -> None:
    code, out, err = typed("data", *words)
    assert (code, out) == (2, "")
    assert err.startswith('repro: no data set ""; there are imagenet, ')


def test_what_click_says_steers_nothing(typed: Typed) -> None:
    code, out, err = typed("list", "\x1b[31mx")
    assert (code, out) == (2, "")
    assert "\x1b" not in err
    assert err.splitlines()[-1].startswith("Error: Got unexpected extra argument (")


def test_what_is_no_matter_of_a_name_keeps_its_traceback(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Mapping[str, Any]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(load, "specs", fail)
    with pytest.raises(OSError, match="Input/output error"):
        typed("list")
