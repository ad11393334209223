"""Present means done, and what is cut, edited or another's is named and never used."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from repro.errors import StoreError
from repro.files import file_digest, write_whole
from repro.store import Record, Store, identity

CONTENT = {
    "kind": "data",
    "spec": {"name": "x"},
    "seed": None,
    "inputs": {},
    "code": "c",
    "threads": 1,
    "device": "cpu",
}
JOB = identity(CONTENT)


def _written(store: Store) -> Record:
    store.prepare()
    write_whole(store.folder(JOB) / "numbers.bin", b"abc")
    files = {"numbers.bin": {"sha256": file_digest(store.folder(JOB) / "numbers.bin"), "bytes": 3}}
    record = Record(
        JOB, CONTENT, "data x", {"top1": 12.5}, files, "2026-01-01T00:00:00+00:00", 1.0, 0.5, {"python": "3"}
    )
    store.write(record)
    return record


def test_what_is_written_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    record = _written(store)
    assert store.read(JOB) == record
    assert store.has(JOB)
    assert store.verify(record) is None
    assert store.folder(JOB).parent.name == JOB[:2]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda text: text[: len(text) // 2], "expected a whole JSON record, found one that is cut or not JSON"),
        (lambda text: text.replace("12.5", "99.5"), "its digest is not that of its content: it was edited or damaged"),
        (lambda text: "[]", "expected a record of schema 1, found something else"),
        (lambda text: "[" * 100_000, "expected a whole JSON record, found one that is cut or not JSON"),
    ],
)
def test_a_damaged_record_is_named_and_not_used(tmp_path: Path, damage, sentence: str) -> None:  # type: ignore[no-untyped-def]
    store = Store(tmp_path)
    _written(store)
    path = store.folder(JOB) / "record.json"
    path.write_text(damage(path.read_text()))
    assert store.read(JOB) is None
    assert store.damaged[JOB] == f"{path}: {sentence}; it will be computed again"


def test_the_record_of_another_job_is_not_used(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _written(store)
    other = identity({**CONTENT, "seed": 1})
    write_whole(store.folder(other) / "record.json", (store.folder(JOB) / "record.json").read_bytes())
    assert store.read(other) is None
    assert f"expected the record of job {other}, found that of {JOB}" in store.damaged[other]


@pytest.mark.parametrize(
    ("content", "sentence"), [(b"ab", "expected 3 bytes, found 2"), (b"abd", "its SHA-256 is not that of its record")]
)
def test_a_damaged_file_is_found_by_its_hash(tmp_path: Path, content: bytes, sentence: str) -> None:
    store = Store(tmp_path)
    record = _written(store)
    (store.folder(JOB) / "numbers.bin").write_bytes(content)
    assert store.verify(record) == f"{store.folder(JOB) / 'numbers.bin'}: {sentence}"


def test_a_failure_is_kept_with_its_log_and_forgotten_with_the_result(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    store.fail(JOB, "loss is nan")
    failure = store.failure(JOB)
    assert failure is not None
    assert (failure.reason, failure.log) == ("loss is nan", store.log(JOB))
    _written(store)
    assert store.failure(JOB) is None


def test_a_claim_keeps_other_processes_out_until_its_holder_is_gone(tmp_path: Path) -> None:
    script = (
        "import time\nfrom pathlib import Path\nfrom repro.store import Store\n"
        f"with Store(Path({str(tmp_path)!r})).claim({JOB!r}) as mine:\n    print(mine, flush=True)\n    time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with Store(tmp_path).claim(JOB) as mine:
            assert not mine
    finally:
        holder.kill()
        holder.wait()
        assert holder.stdout is not None
        holder.stdout.close()
    with Store(tmp_path).claim(JOB) as mine:
        assert mine


def test_a_results_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    with pytest.raises(
        StoreError,
        match=r"results: a folder was expected and a file is in the way; move it or name another folder with",
    ):
        Store(tmp_path / "results").prepare()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to read-only folders")
def test_a_read_only_results_folder_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match=r": no permission to write here; name another folder with --results$"):
        Store(tmp_path / "results").prepare()


def test_writing_leaves_no_part_behind_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "a.json", "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        StoreError,
        match=r"a.json: the disk is full; free some space and run the same command again, nothing finished is lost$",
    ):
        write_whole(tmp_path / "a.json", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "old"


def test_a_record_is_plain_json_with_sorted_keys(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _written(store)
    body = json.loads((store.folder(JOB) / "record.json").read_text())
    assert body["schema"] == 1
    assert body["values"] == {"top1": 12.5}


def test_the_jobs_of_a_folder_are_those_ever_begun(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _written(store)
    with store.claim("ff" + "0" * 30):
        pass
    store.keep_rules("table1-mini", [])
    (tmp_path / "ab").write_text("a file")
    assert store.jobs() == sorted([JOB, "ff" + "0" * 30])
    assert store.left(JOB) == {"numbers.bin", "record.json"}
    assert store.left("0" * 32) == set()
    with pytest.raises(StoreError) as error:
        Store(tmp_path / "ab").jobs()
    assert str(error.value) == (
        f"{tmp_path}/ab: a folder was expected and a file is in the way; move it or name another folder with --results"
    )


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    store = Store(tmp_path)
    with pytest.raises(StoreError) as caught, store.claim(JOB):
        pytest.fail("nobody can be sure of a job here")
    assert str(caught.value) == (
        f"{store.folder(JOB) / 'lock'}: this file system refuses locks (flock: {os.strerror(number)}), without which "
        "two runs would do the same job; mount it with locks, or name a folder elsewhere with --results"
    )
