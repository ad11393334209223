"""Whole runs in processes of their own: what they leave, that they repeat to the byte, and that nothing loses work."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import mounts
from tests.conftest import CHECKOUT, write_tiny

ROW, PATCH = "moco-k16384", "moco-k16384-patch-a2"
ONE = ["--rows", ROW, "--columns", "imagenet", "--seeds", "0"]
TWO = ["--rows", f"{ROW},{PATCH}", "--seeds", "0"]
EPOCHS = 16  # a few seconds of training: time to be killed in
STOPPED = "repro: stopped; nothing finished is lost, the same command goes on from here"
PROGRESS = r"\d+/\d+\S* .*steps/s"  # of a training that is under way, as a terminal shows it
ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
ENVIRONMENT |= {"PYTHONPATH": str(CHECKOUT), "TERM": "xterm-256color"}
TIMEOUT = 300.0  # of a run of seconds, on a machine that is busy with other things

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")


def command(folder: Path, *words: str, results: Path | None = None, profile: str = "tiny.toml") -> list[str]:
    """`repro RUN ...` on the profile of a folder, results beside it."""
    verb = [sys.executable, "-m", "repro", words[0], "table1", "--profile", str(folder / profile)]
    return [*verb, "--results", str(results or folder / "results"), *words[1:]]


def repro(folder: Path, *words: str, **places: Any) -> subprocess.CompletedProcess[str]:
    """Type a command whose output goes into a pipe, and wait for its end."""
    typed = command(folder, *words, **places)
    return subprocess.run(
        typed, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )


class Screen:
    """A command on a terminal of its own; what it shows is collected until it ends."""

    def __init__(self, typed: list[str], cwd: Path) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
        self.process = subprocess.Popen(typed, cwd=cwd, env=ENVIRONMENT, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self.text = ""
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        while True:
            try:
                self.text += os.read(self.ours, 65536).decode(errors="replace")
            except OSError:  # how Linux tells that the other end is closed
                return

    def until(self, pattern: str) -> None:
        """Wait until something is shown."""
        deadline = time.monotonic() + TIMEOUT
        while not re.search(pattern, self.text):
            assert self.process.poll() is None, self.text
            assert time.monotonic() < deadline, self.text
            time.sleep(0.02)

    def close(self) -> None:
        """Leave no process behind, whatever the test came to."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        os.close(self.ours)

    def end(self) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(timeout=TIMEOUT)
        self.reader.join(timeout=TIMEOUT)
        self.text = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", self.text).replace("\r", "")
        return code

    @property
    def workers(self) -> list[int]:
        """The processes it started that are still there."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]


OnTerminal = Callable[[list[str], Path], Screen]


def gone(pid: int) -> bool:
    """Whether a process has ended, be it that nobody took note of it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait(happened: Callable[[], bool]) -> None:
    """Wait for something."""
    deadline = time.monotonic() + TIMEOUT
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def records(results: Path) -> dict[str, tuple[dict[str, Any], Path]]:
    """Label -> record and folder."""
    found = [(json.loads(path.read_text()), path.parent) for path in results.glob("*/*/record.json")]
    assert len({record["label"] for record, _ in found}) == len(found)
    return {record["label"]: (record, folder) for record, folder in found}


def outcome(results: Path) -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
    """What must be the same wherever and however the row was computed: the values, and the bytes of every file."""
    kept = [f"pretrain {ROW}, seed 0", f"probe {ROW}, seed 0", f"evaluate imagenet of {ROW}, seed 0"]
    made = {label: records(results)[label] for label in kept}
    return {
        label: (
            record["values"],
            {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in record["files"]},
        )
        for label, (record, folder) in made.items()
    }


def logs(results: Path) -> str:
    return "".join(path.read_text() for path in sorted(results.glob("*/*/log.txt")))


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two rows that nothing disturbed; read it, copy it, leave it as it is."""
    folder = tmp_path_factory.mktemp("reference")
    write_tiny(folder, epochs=EPOCHS)
    done = repro(folder, "run", *TWO)
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "printed.txt").write_text(done.stdout, encoding="utf-8")
    return folder


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with the profile of the reference, and no results."""
    write_tiny(tmp_path, epochs=EPOCHS)
    return tmp_path


@pytest.fixture
def on_terminal() -> Iterator[OnTerminal]:
    """Type a command on a terminal of its own."""
    with ExitStack() as open_:

        def start(typed: list[str], cwd: Path) -> Screen:
            screen = Screen(typed, cwd)
            open_.callback(screen.close)
            return screen

        yield start


@pytest.fixture
def drawn(desk: Path, reference: Path) -> Path:
    """A folder with the profile and the images of the reference, nothing trained on them."""
    for label, (_, folder) in records(reference / "results").items():
        if label.startswith("data "):
            shutil.copytree(folder, desk / folder.relative_to(reference))
    return desk


@pytest.fixture
def copy(desk: Path, reference: Path) -> Path:
    """A folder with the profile and the results of the reference, to damage."""
    shutil.copytree(reference / "results", desk / "results")
    return desk


# --------------------------------------------------------------------------------------------------- what a run leaves


def test_a_run_ends_with_the_table(reference: Path) -> None:
    printed = (reference / "printed.txt").read_text(encoding="utf-8")
    lines = printed.splitlines()
    assert lines[0] == "profile tiny: a few drawn images, for tests"
    assert lines[1] == (
        "its numbers are not comparable with the paper's; it tests the paper's claims (orderings, trends) in small"
    )
    assert re.fullmatch(r"20 jobs to run with 2 workers, about \d+:\d\d; 0 reused", lines[2])
    done = [line for line in lines if line.startswith("✓ ")]
    assert len(done) == 20
    pattern = r"✓ (data|pretrain|probe|evaluate) \S.* in \d+\.\d s  \[{}/20, \d+:\d\d left\]"
    assert all(re.fullmatch(pattern.replace("{}", str(number)), line) for number, line in enumerate(done, 1))
    assert re.search(r"^20 jobs done, 0 failed in \d+:\d\d$", printed, re.MULTILINE)
    assert "\nTable 1, profile tiny: reported above, ours below (1 seed)\n" in printed
    assert "77.88±0.28" in printed
    assert "\nclaims of Table 1, on our numbers\n" in printed
    top1 = records(reference / "results")[f"evaluate imagenet of {PATCH}, seed 0"][0]["values"]["top1"]
    assert f"{top1:.2f}" in printed
    typed = (
        f"table1 --profile {reference / 'tiny.toml'} --results {reference / 'results'} --rows {ROW},{PATCH} --seeds 0"
    )
    assert lines[-4].startswith(f"stored in {reference / 'results'}/, one folder a job with its record.json and log")
    next_ = [line.removeprefix("next: repro ") for line in lines[-3:]]
    assert [sorted(line.split()) for line in next_] == [
        sorted(line.split()) for line in (f"check {typed}", f"export {typed} --format latex", "show table1")
    ]
    assert "\x1b" not in printed


def test_a_second_run_has_nothing_to_do(reference: Path) -> None:
    again = repro(reference, "run", *TWO)
    assert again.returncode == 0
    assert again.stdout.splitlines()[2] == "0 jobs to run with 2 workers, about 0:00; 20 reused"
    table = "\nTable 1, profile tiny"
    first = (reference / "printed.txt").read_text(encoding="utf-8")
    assert again.stdout.partition(table)[2] == first.partition(table)[2]
    assert logs(reference / "results").count("done in") == 20


def test_records_have_the_fields_of_their_documentation(reference: Path) -> None:
    text = (CHECKOUT / "docs" / "records.md").read_text(encoding="utf-8").partition("## Fields of a record")[2]
    documented = set(re.findall(r"`(\w+)`", "".join(re.findall(r"(?m)^\|([^|]*)\|", text))))
    found = records(reference / "results")
    assert len(found) == 20
    for record, folder in found.values():
        assert record.keys() == documented
        assert record["schema"] == 1
        assert folder.name == record["id"]
        assert folder.parent.name == record["id"][:2]
        content = {key: value for key, value in record.items() if key != "digest"}
        assert record["digest"] == hashlib.sha256(_canonical(content)).hexdigest()
        assert record["id"] == hashlib.sha256(_canonical(record["job"])).hexdigest()[:32]
        assert record["job"].keys() == {"kind", "spec", "seed", "inputs", "code", "threads", "device"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", record["started"])
        assert record["wall_seconds"] > 0
        assert record["cpu_seconds"] >= 0
        keys = {"python", "packages", "system", "processor", "cores", "commit", "dirty", "command", "card"}
        assert record["environment"].keys() == keys | {"processes", "loaders"}
        assert record["files"]
        for name, known in record["files"].items():
            content = (folder / name).read_bytes()
            assert known == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        beside = {path.name for path in folder.iterdir()} - record["files"].keys()
        assert beside == {"record.json", "log.txt", "lock"}
        assert set(record["job"]["inputs"].values()) <= {other["id"] for other, _ in found.values()}
    values = found[f"evaluate imagenet of {ROW}, seed 0"][0]["values"]
    assert values["n"] == 140
    assert 0 <= values["top1"] <= 100


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


# ------------------------------------------------------------------------------------------------ what disturbs a run


def test_two_runs_at_once_do_each_job_once(desk: Path, reference: Path) -> None:
    typed = command(desk, "run", *ONE)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": ENVIRONMENT, "cwd": desk}
    with subprocess.Popen(typed, **pipes) as first, subprocess.Popen(typed, **pipes) as second:
        told = [process.communicate(timeout=TIMEOUT) for process in (first, second)]
        assert [(process.returncode, err) for process, (_, err) in zip((first, second), told, strict=True)] == [
            (0, "")
        ] * 2
    results = desk / "results"
    assert [path.read_text().count("done in") for path in sorted(results.glob("*/*/log.txt"))] == [1] * 5
    table = "\nTable 1, profile tiny"
    assert told[0][0].partition(table)[2] == told[1][0].partition(table)[2] != ""
    done = [re.findall(r"(?m)^✓ (.*) in \d", out) for out, _ in told]
    reused = [re.findall(r"(?m)^= (.*): done by another run$", out) for out, _ in told]
    assert sorted(done[0] + done[1]) == sorted(records(results))
    assert set(reused[0]) <= set(done[1])
    assert set(reused[1]) <= set(done[0])
    assert outcome(results) == outcome(reference / "results")


def test_sigterm_and_then_a_killed_worker_lose_nothing(drawn: Path, reference: Path, on_terminal: OnTerminal) -> None:
    screen = on_terminal(command(drawn, "run", *ONE), drawn)
    screen.until(PROGRESS)
    workers = screen.workers
    assert workers
    screen.process.terminate()
    assert screen.end() == 130
    assert screen.text.splitlines()[-1] == STOPPED
    assert all(gone(pid) for pid in workers)
    results = drawn / "results"
    [checkpoint] = results.glob("*/*/checkpoint.safetensors")
    assert not (checkpoint.parent / "record.json").exists()
    planned = repro(drawn, "plan", *ONE, "--json")
    why = {job["label"]: job["reason"] for job in json.loads(planned.stdout)["jobs"]}
    assert why[f"pretrain {ROW}, seed 0"] == "was interrupted; goes on from its checkpoint"

    screen = on_terminal(command(drawn, "run", *ONE, "--workers", "1"), drawn)
    screen.until(PROGRESS)
    [worker] = screen.workers
    os.kill(worker, signal.SIGKILL)
    assert screen.end() == 0, screen.text
    killed = f"  pretrain {ROW}, seed 0: its worker was killed by SIGKILL; it is tried once more"
    assert f"{killed}\n" in screen.text
    went_on = re.findall(r"(?m)^goes on from step (\d+) of (\d+)$", (checkpoint.parent / "log.txt").read_text())
    assert len(went_on) == 2
    assert all(0 < int(step) < int(total) for step, total in went_on)
    assert not checkpoint.exists()
    assert outcome(results) == outcome(reference / "results")


def test_a_killed_run_and_then_ctrl_c_lose_nothing(drawn: Path, reference: Path, on_terminal: OnTerminal) -> None:
    screen = on_terminal(command(drawn, "run", *ONE), drawn)
    screen.until(PROGRESS)
    workers = screen.workers
    screen.process.kill()
    assert screen.end() == -signal.SIGKILL
    wait(lambda: all(gone(pid) for pid in workers))  # each ends by itself, its work in order
    results = drawn / "results"
    [checkpoint] = results.glob("*/*/checkpoint.safetensors")

    screen = on_terminal(command(drawn, "run", *ONE), drawn)
    screen.until(PROGRESS)
    screen.process.send_signal(signal.SIGINT)
    assert screen.end() == 130
    assert screen.text.splitlines()[-1] == STOPPED
    assert re.search(r"(?m)^0 jobs done, 0 failed in ", screen.text)

    done = repro(drawn, "run", *ONE)
    assert (done.returncode, done.stderr) == (0, "")
    went_on = re.findall(r"(?m)^goes on from step (\d+) of", (checkpoint.parent / "log.txt").read_text())
    assert len(went_on) == 2
    assert int(went_on[0]) < int(went_on[1])
    assert outcome(results) == outcome(reference / "results")


def test_what_is_damaged_is_named_and_computed_again(copy: Path, reference: Path) -> None:
    results = copy / "results"
    known = records(results)
    cut, edited = f"evaluate imagenet-r of {ROW}, seed 0", f"evaluate imagenet of {ROW}, seed 0"
    text = (known[cut][1] / "record.json").read_text()
    (known[cut][1] / "record.json").write_text(text[: len(text) // 2])
    text = (known[edited][1] / "record.json").read_text()
    (known[edited][1] / "record.json").write_text(text.replace('"top1": ', '"top1": 9'))
    for label, name in ((f"pretrain {ROW}, seed 0", "encoder.safetensors"), ("data imagenet-100/val", "images.npy")):
        content = bytearray((known[label][1] / name).read_bytes())
        content[-1000] ^= 1
        (known[label][1] / name).write_bytes(content)
    done = repro(copy, "run", *TWO)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert lines[2].startswith("2 jobs to run with 2 workers, ")
    faults = {
        known[cut][1]: "expected a whole JSON record, found one that is cut or not JSON",
        known[edited][1]: "its digest is not that of its content: it was edited or damaged",
    }
    assert sorted(lines[3:5]) == sorted(
        f"  {folder / 'record.json'}: {fault}; it will be computed again" for folder, fault in faults.items()
    )
    assert {line.partition(": ")[2] for line in lines if "SHA-256" in line} == {
        f"{known[label][1] / name}: its SHA-256 is not that of its record; it is computed again"
        for label, name in ((f"pretrain {ROW}, seed 0", "encoder.safetensors"), ("data imagenet-100/val", "images.npy"))
    }
    assert "4 jobs done, 0 failed in " in done.stdout
    assert outcome(results) == outcome(reference / "results")
    whole = records(reference / "results")
    assert {label: record["values"] for label, (record, _) in records(results).items()} == {
        label: record["values"] for label, (record, _) in whole.items()
    }


def test_a_loss_that_is_no_number_is_told_and_not_kept(drawn: Path, reference: Path) -> None:
    write_tiny(drawn, epochs=EPOCHS, lr=1e6)
    done = repro(drawn, "run", *ONE)
    assert (done.returncode, done.stderr) == (3, "")
    [log] = [path for path in (drawn / "results").glob("*/*/log.txt") if "lower optimizer.lr" in path.read_text()]
    reason = r"loss is (?:nan|inf) at step \d+ of 160 \(learning rate [\d.e+]+\); lower optimizer\.lr, now 1e\+06"
    told = [line for line in done.stdout.splitlines() if line.startswith("✗ ")]
    first = rf"✗ pretrain {ROW}, seed 0: ({reason})"
    [why] = re.findall(first + "$", told[0])
    assert told[1:] == [
        f"✗ probe {ROW}, seed 0: not tried, as its input failed: pretrain {ROW}, seed 0",
        f"✗ evaluate imagenet of {ROW}, seed 0: not tried, as its input failed: pretrain {ROW}, seed 0",
        f"✗ pretrain {ROW}, seed 0: {why} (log: {log})",
    ]
    assert "\n0 jobs done, 1 failed, 2 that rest on them not tried in " in done.stdout
    assert "failed [1]" in done.stdout
    assert f"[1] {why} (log: {log})" in re.sub(r"\n {6}", " ", done.stdout)
    assert all(label.startswith("data ") for label in records(drawn / "results"))
    planned = {job["label"]: job["reason"] for job in json.loads(repro(drawn, "plan", *ONE, "--json").stdout)["jobs"]}
    assert planned[f"pretrain {ROW}, seed 0"] == f"failed last time: {why}"
    checked = repro(drawn, "check", *ONE)
    assert checked.returncode == 3
    assert checked.stdout.splitlines()[-1].startswith("check table1: 1 of 1 cells are not run, partial or failed")

    write_tiny(drawn, epochs=EPOCHS)
    done = repro(drawn, "run", *ONE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[2].endswith("; 2 reused")
    assert outcome(drawn / "results") == outcome(reference / "results")


@pytest.fixture
def small_disk(desk: Path) -> Iterator[Path]:
    """A folder on a disk of its own, too small for the training images."""
    place = desk / "disk"
    place.mkdir()
    reason = mounts.lacking()
    if reason:
        pytest.skip(reason)
    with mounts.guarded(place):
        mounts.mount("-t", "tmpfs", "-o", "size=1500k", "tmpfs", place)
        yield place


def test_a_full_disk_is_told_and_nothing_is_lost(desk: Path, small_disk: Path, reference: Path) -> None:
    results = small_disk / "results"
    done = repro(desk, "run", *ONE, results=results)
    assert (done.returncode, done.stderr) == (3, "")
    full = "the disk is full; free some space and run the same command again, nothing finished is lost"
    pattern = rf"✗ data imagenet-100/train: {re.escape(str(results))}/\w\w/(\w+): {full} \(log: \S+/log\.txt\)"
    [job] = re.findall(rf"(?m)^{pattern}$", done.stdout)
    assert records(results).keys() == {"data imagenet-100/val"}
    left = {path.name for path in (results / job[:2] / job).iterdir()}
    assert left == {"lock", "log.txt", "failure.json"}  # what was cut short does not keep the disk full
    mounts.mount("-o", "remount,size=64m", small_disk)
    done = repro(desk, "run", *ONE, results=results)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[2].endswith("; 1 reused")
    assert outcome(results) == outcome(reference / "results")


def test_a_disk_that_is_full_from_the_start_is_told(desk: Path, small_disk: Path) -> None:
    with (small_disk / "filler").open("wb", buffering=0) as stream:
        while shutil.disk_usage(small_disk).free:
            stream.write(b"\0" * 4096)
    done = repro(desk, "run", *ONE, results=small_disk / "results")
    sentence = "the disk is full; free some space and run the same command again, nothing finished is lost"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"repro: {small_disk / 'results' / '.repro'}: {sentence}\n"


def test_limited_results_are_partial_and_never_stand_for_full_ones(copy: Path, on_terminal: OnTerminal) -> None:
    results = copy / "results"
    _, folder = records(results)[f"evaluate imagenet of {ROW}, seed 0"]
    (folder / "record.json").unlink()
    screen = on_terminal(command(copy, "run", *ONE, "--limit", "28"), copy)
    assert screen.end() == 0
    assert "1 job to run with 2 workers, about 0:00; 4 reused" in screen.text.splitlines()
    [limited] = [
        (record, place)
        for record, place in records(results).values()
        if record["job"]["kind"] == "evaluate" and record["job"]["spec"]["limit"] == 28
    ]
    assert limited[0]["values"]["n"] == 28
    assert limited[1] != folder
    checked = json.loads(repro(copy, "check", *ONE, "--limit", "28", "--json").stdout)
    assert checked["exit"] == 3
    assert [cell["verdict"] for cell in checked["cells"]] == ["partial"]
    assert checked["cells"][0]["seeds"] == {"0": limited[0]["values"]["top1"]}
    full = json.loads(repro(copy, "check", *ONE, "--json").stdout)
    assert [(cell["verdict"], cell["seeds"]) for cell in full["cells"]] == [("not run", {})]
    planned = json.loads(repro(copy, "plan", *ONE, "--json").stdout)
    assert [job["label"] for job in planned["jobs"] if job["action"] == "run"] == [
        f"evaluate imagenet of {ROW}, seed 0"
    ]
