"""The executor of one machine: which job is next, and what happens when one fails, dies or is another run's."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.errors import StoreError
from repro.plan.jobs import Job, Kind
from repro.plan.sets import resolved
from repro.run import descendants, local
from repro.run.backlog import Backlog
from repro.run.local import Local, Summary
from repro.spec import load
from repro.store import Record, Store

IMAGES = {**resolved(load.profile("mini"), "imagenet-100/val", {}), "count": 3}


class Told:
    """An observer that remembers what it is told, and acts on it where a test says so."""

    def __init__(self, act: Callable[[str, Job, str], None] = lambda *_: None) -> None:
        self.events: list[tuple[str, str, str]] = []
        self.act = act
        self.progress: list[tuple[str, int, int, str]] = []
        self.ticks = 0

    def started(self, job: Job) -> None:
        self._note("started", job, "")

    def moved(self, job: Job, done: int, total: int, unit: str) -> None:
        self.progress.append((job.label, done, total, unit))

    def ended(self, job: Job, how: str, detail: str) -> None:
        self._note(how, job, "" if how == "done" else detail)

    def tick(self) -> None:
        self.ticks += 1

    def _note(self, how: str, job: Job, detail: str) -> None:
        self.events.append((how, job.label, detail))
        self.act(how, job, detail)

    def order(self, how: str) -> list[str]:
        return [label for found, label, _ in self.events if found == how]


def job(label: str, *inputs: Job, kind: Kind = "data", spec: dict[str, Any] | None = None) -> Job:
    """A piece of work of a few images; the label is in its spec, so that two labels are two jobs."""
    roles = {f"input{number}": other.id for number, other in enumerate(inputs)}
    return Job(kind, spec or {**IMAGES, "seed": sum(label.encode())}, None, roles, label, 1, "cpu", label)


def run(
    root: Path, jobs: list[Job], told: Told, *, workers: int = 2, known: list[Job] | None = None, silence: float = 0.0
) -> Summary:
    store = Store(root)
    store.prepare()
    executor = Local(store, workers=workers, threads=1, observer=told, silence=silence)
    told.executor = executor  # type: ignore[attr-defined]
    return executor.run({part.id: part for part in jobs}, {part.id: part for part in known or jobs})


# ------------------------------------------------------------------------------------------------ with real workers


def test_inputs_come_first_and_what_rests_on_a_failure_is_not_tried(tmp_path: Path) -> None:
    first = job("first")
    second = job("second", first)
    bad = job("bad", spec={"name": "shapes", "count": 3})
    worse = job("worse", spec={"name": "nothing"})
    after, last = job("after", bad, first), job("last", second, job("after", bad, first))
    told = Told()
    found = run(tmp_path, [last, after, second, bad, worse, first], told)
    assert sorted(found.computed) == sorted([first.id, second.id])
    missing = sorted(set(IMAGES) - {"name", "count", "split"} | {"split"})
    sentence = f"repro.lab.datasets.shapes.Recipe: missing {missing}, not known nothing"
    unknown = "ModuleNotFoundError: No module named 'repro.lab.datasets.nothing'"
    assert found.failed == {bad.id: sentence, worse.id: unknown}
    assert found.lost == [after.id, last.id]
    assert told.order("started").index("first") < told.order("started").index("second")
    assert ("failed", "after", "not tried, as its input failed: bad") in told.events
    assert ("failed", "last", "not tried, as its input failed: after") in told.events
    assert ("first", 3, 3, "images") in told.progress
    store = Store(tmp_path)
    assert store.read(first.id) is not None
    assert store.read(second.id) is not None
    failure = store.failure(bad.id)
    assert failure is not None
    assert failure.reason == sentence
    assert sentence in store.log(bad.id).read_text()
    assert "Traceback (most recent call last)" in store.log(worse.id).read_text()  # a bug keeps its traceback
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("worker-")]  # they had nothing to say
    again = run(tmp_path, [first, second], Told())
    assert sorted(again.reused) == sorted([first.id, second.id])


def test_a_job_that_another_run_is_at_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "AGAIN", 0.2)
    mine, theirs, freed = job("mine"), job("theirs"), job("freed")
    store = Store(tmp_path)
    store.prepare()
    with ExitStack() as held, ExitStack() as dropped:
        assert held.enter_context(store.claim(theirs.id))
        assert dropped.enter_context(store.claim(freed.id))

        def act(how: str, which: Job, detail: str) -> None:
            if how != "note":
                return
            if which is theirs:  # the other run comes to its end
                store.write(Record(which.id, which.content, "", {}, {}, "2026-01-01T00:00:00+00:00", 1.0, 1.0, {}))
                held.close()
            else:  # the other run is killed
                dropped.close()

        told = Told(act)
        found = run(tmp_path, [theirs, freed, mine], told, workers=1)
    waiting = "another run is at it; its result is waited for"
    assert [event for event in told.events if event[0] == "note"] == [
        ("note", "theirs", waiting),
        ("note", "freed", waiting),
    ]
    assert found.reused == [theirs.id]
    assert sorted(found.computed) == sorted([freed.id, mine.id])
    assert told.order("started") == ["mine", "freed"]
    assert not found.failed


# --------------------------------------------------------------------------------------------- with scripted workers

WORKER = """#!{python}
import hashlib, json, os, signal, sys, time
from pathlib import Path
root = Path(sys.argv[-1].removeprefix("--results="))
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
def tell(event, **facts):
    sys.stdout.write(json.dumps({{"event": event, "id": name, **facts}}) + "\\n")
    sys.stdout.flush()
with open(root / "pids", "a") as pids:
    pids.write(f"{{os.getpid()}}\\n")
def asked():
    for line in sys.stdin:
        batch = json.loads(line)["jobs"]
        with open(root / "batches", "a") as batches:
            batches.write(" ".join(one["label"] for one in batch) + "\\n")
        yield from batch
for one in asked():
    content, label = one["job"], one["label"]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    name = hashlib.sha256(text.encode()).hexdigest()[:32]
    tries = root / name
    count = len(tries.read_text()) + 1 if tries.exists() else 1
    tries.write_text("x" * count)
    tell("start")
{script}
    tell("done", seconds=0.0)
"""


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a script in the place of the worker: it knows `label`, `count` (the how-manieth try this is) and `tell`."""

    def write(script: str = "") -> Path:
        path = tmp_path / "worker"
        lines = "\n".join(f"    {line}" for line in script.splitlines())
        path.write_text(WORKER.format(python=sys.executable, script=lines), encoding="utf-8")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))
        return tmp_path / "results"

    return write


def _alive(root: Path) -> list[int]:
    return [pid for pid in map(int, (root / "pids").read_text().split()) if Path(f"/proc/{pid}").exists()]


def test_what_is_begun_is_finished_before_more_is_begun(scripted: Any) -> None:
    root = scripted()
    data = job("data")
    one, two = job("pretrain one", data, kind="pretrain"), job("pretrain two", data, kind="pretrain")
    probes = [job(f"probe {name}", data, trained, kind="probe") for name, trained in (("one", one), ("two", two))]
    ends = [job(f"evaluate {probe.label}", data, probe, kind="evaluate") for probe in probes]
    more = job("more data")
    told = Told()
    found = run(root, [*ends, *probes, two, one, more, data], told, workers=1)
    assert len(found.computed) == 8
    assert told.order("started") == [
        "more data",
        "data",
        "pretrain two",
        "probe two",
        "evaluate probe two",
        "pretrain one",
        "probe one",
        "evaluate probe one",
    ]
    assert len((root / "pids").read_text().split()) == 1


def test_there_are_no_more_workers_than_asked_for(scripted: Any) -> None:
    root = scripted("time.sleep(0.05)")
    found = run(root, [job(f"job {number}") for number in range(9)], Told(), workers=3)
    assert len(found.computed) == 9
    assert len(set((root / "pids").read_text().split())) <= 3
    assert not _alive(root)


def test_a_job_whose_worker_dies_is_tried_once_more(scripted: Any) -> None:
    root = scripted("if label == 'frail' and count == 1: os.kill(os.getpid(), signal.SIGKILL)")
    told = Told()
    frail, other = job("frail"), job("other")
    found = run(root, [frail, other], told, workers=1)
    assert ("note", "frail", "its worker was killed by SIGKILL; it is tried once more") in told.events
    assert sorted(found.computed) == sorted([frail.id, other.id])
    assert not found.failed


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL 2 times (out of memory? try --workers 1)"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "was killed by SIGSEGV 2 times"),
        ("sys.exit(7)", "ended with exit code 7 2 times"),
        ('sys.stdout.write(\'{"event": "do\'); sys.exit(0)', "ended with exit code 0 2 times"),
    ],
)
def test_a_job_whose_worker_dies_twice_has_failed(script: str, sentence: str, scripted: Any) -> None:
    root = scripted(f"import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\nif label == 'frail': {script}")
    frail = job("frail")
    rests, other = job("rests", frail), job("other")
    found = run(root, [frail, rests, other], Told(), workers=1)
    assert found.failed == {frail.id: f"its worker {sentence}"}
    assert (found.lost, found.computed) == ([rests.id], [other.id])
    failure = Store(root).failure(frail.id)
    assert failure is not None
    assert failure.reason == f"its worker {sentence}"
    assert not [path for path in root.iterdir() if path.name.startswith("worker-")]


def test_what_a_dying_worker_printed_is_named(scripted: Any) -> None:
    root = scripted("sys.exit('no such library')")
    frail = job("frail")
    found = run(root, [frail], Told(), workers=1)
    log = root / f"worker-{os.uname().nodename}-{os.getpid()}-2.log"
    assert found.failed == {frail.id: f"its worker ended with exit code 1 2 times; what it printed is in {log}"}
    assert log.read_text() == "no such library\n"


def test_a_disk_that_turns_read_only_costs_no_more_than_the_log_of_a_worker(
    scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = scripted()

    def refused(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    first = job("first")
    monkeypatch.setattr(Path, "unlink", refused)
    assert run(root, [first], Told(), workers=1).computed == [first.id]


def test_a_worker_that_dies_idle_is_replaced(scripted: Any) -> None:
    root = scripted()

    def act(how: str, which: Job, _: str) -> None:
        if how == "done" and which.label == "first":
            os.kill(int((root / "pids").read_text()), signal.SIGKILL)
            time.sleep(0.1)

    first = job("first")
    found = run(root, [first, job("second", first), job("third", first)], Told(act), workers=1)
    assert len(found.computed) == 3
    assert not found.failed


def test_a_damaged_input_is_computed_again_and_then_what_found_it_out(scripted: Any) -> None:
    data = job("data")
    users = [job(f"user {number}", data, kind="evaluate") for number in range(4)]
    root = scripted(
        "if label.startswith('user') and count == 1:\n"
        "    time.sleep(0.1)\n"
        f"    tell('damaged', input={data.id!r}, reason='images.npy: is missing')\n"
        "    continue"
    )
    told = Told()
    found = run(root, users, told, workers=4, known=[data, *users])
    assert not found.failed
    assert found.computed.count(data.id) == 1
    assert sorted(set(found.computed)) == sorted([data.id, *(user.id for user in users)])
    notes = [event[2] for event in told.events if event[0] == "note"]
    assert notes == ["images.npy: is missing; it is computed again"]  # told by the first of four


def test_an_input_that_is_damaged_each_time_is_given_up(scripted: Any) -> None:
    data = job("data")
    user = job("user", data, kind="evaluate")
    root = scripted(
        f"if label == 'user': tell('damaged', input={data.id!r}, reason='images.npy: is missing'); continue"
    )
    found = run(root, [user], Told(), known=[data, user])
    assert found.failed == {user.id: "images.npy: is missing"}
    assert found.computed == [data.id, data.id]


def test_a_run_that_is_asked_to_stop_leaves_its_work_in_order(scripted: Any) -> None:
    root = scripted("if label == 'long':\n    while not stop: time.sleep(0.01)\n    tell('stopped'); break")
    long, after = job("long"), job("after", job("long"))
    told = Told(lambda how, which, _: how == "started" and told.executor.ask_to_stop())  # type: ignore[attr-defined]
    begun = time.monotonic()
    found = run(root, [long, after], told, workers=2)
    assert time.monotonic() - begun < 5
    assert found.stopped
    assert (found.computed, found.failed, found.lost) == ([], {}, [])
    assert told.events == [("started", "long", ""), ("stopped", "long", "")]
    assert not _alive(root)


def test_a_job_that_ends_while_the_run_stops_is_counted(scripted: Any) -> None:
    root = scripted("while not stop: time.sleep(0.01)")
    told = Told(lambda how, which, _: how == "started" and told.executor.ask_to_stop())  # type: ignore[attr-defined]
    short = job("short")
    found = run(root, [short], told)
    assert found.stopped
    assert found.computed == [short.id]


def test_a_worker_that_does_not_stop_is_killed(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PATIENCE", 0.3)
    root = scripted("while True: time.sleep(0.01)")
    told = Told(lambda how, which, _: how == "started" and told.executor.ask_to_stop())  # type: ignore[attr-defined]
    found = run(root, [job("deaf")], told)
    assert found.stopped
    assert not _alive(root)


# ------------------------------------------------------------------------------------------------ workers that hang

HANGS = {
    "asleep": "time.sleep(1000)",
    "stopped": "os.kill(os.getpid(), signal.SIGSTOP)",
    "deaf": "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()); time.sleep(1000)",
    "waiting": "import threading\n"
    "    threading.Thread(target=time.sleep, args=(1000,)).start(); threading.Lock().acquire(timeout=1000); input()",
}


@pytest.mark.parametrize("how", HANGS)
def test_a_worker_that_hangs_is_killed_and_its_job_tried_once_more(how: str, scripted: Any) -> None:
    root = scripted(f"if label == 'hangs' and count == 1:\n    {HANGS[how]}")
    told, hangs, other = Told(), job("hangs"), job("other")
    found = run(root, [hangs, other], told, workers=1, silence=2.0)
    assert (sorted(found.computed), found.failed) == (sorted([hangs.id, other.id]), {})
    notes = [event for event in told.events if event[0] == "note"]
    assert notes == [("note", "hangs", "its worker said nothing for 2 seconds; it is tried once more")]
    assert not _alive(root)


def test_a_job_over_which_two_workers_hang_has_failed(scripted: Any) -> None:
    root = scripted("if label == 'hangs': print('here', file=sys.stderr, flush=True); time.sleep(1000)")
    hangs, other = job("hangs"), job("other")
    rests = job("rests", hangs)
    found = run(root, [hangs, rests, other], Told(), workers=1, silence=2.0)
    reason = (
        "its worker said nothing for 2 seconds, 2 times (does it need longer? --silence says how many minutes); "
        f"what it printed is in {root}/worker-{os.uname().nodename}-{os.getpid()}-2.log"
    )
    assert (found.failed, found.lost, found.computed) == ({hangs.id: reason}, [rests.id], [other.id])
    failure = Store(root).failure(hangs.id)
    assert failure is not None
    assert failure.reason == reason
    assert not _alive(root)


def test_whatever_a_worker_that_hangs_has_started_ends_with_it(scripted: Any) -> None:
    child = (
        "import os, subprocess, sys, time; subprocess.Popen(['sleep', '999'], start_new_session=True); time.sleep(999)"
    )
    root = scripted(
        "if count == 1:\n"
        "    import subprocess\n"
        f"    child = subprocess.Popen([{sys.executable!r}, '-c', {child!r}], start_new_session=True)\n"
        "    while not (found := Path(f'/proc/{child.pid}/task/{child.pid}/children').read_text()): time.sleep(0.01)\n"
        "    with open(root / 'pids', 'a') as pids: pids.write(f'{child.pid}\\n{found}\\n')\n"
        "    time.sleep(1000)"
    )
    hangs = job("hangs")
    assert run(root, [hangs], Told(), workers=1, silence=2.0).computed == [hangs.id]
    assert len((root / "pids").read_text().split()) == 4
    deadline = time.monotonic() + 5
    while _alive(root) and time.monotonic() < deadline:  # whoever adopted them asks about their end
        time.sleep(0.01)
    assert not _alive(root)


@pytest.mark.parametrize("session", ["os.setsid()", "pass"])
def test_the_end_of_a_worker_is_seen_though_a_process_of_its_own_lives_on(
    session: str, scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "LINGER", 0.5)
    root = scripted(
        f"if count == 1:\n    if os.fork() == 0:\n        {session}\n        time.sleep(8)\n    os._exit(3)"
    )
    told, frail = Told(), job("frail")
    begun = time.monotonic()
    found = run(root, [frail], told, workers=1)
    assert time.monotonic() - begun < 6
    assert found.computed == [frail.id]
    assert ("note", "frail", "its worker ended with exit code 3; it is tried once more") in told.events


def test_work_that_tells_something_may_take_as_long_as_it_takes(scripted: Any) -> None:
    root = scripted("for _ in range(15): time.sleep(0.2); tell('beat')")
    long = job("long")
    told = Told()
    assert run(root, [long], told, silence=1.0).computed == [long.id]
    assert [event[0] for event in told.events] == ["started", "done"]


def test_a_worker_that_has_nothing_to_do_may_be_silent(scripted: Any) -> None:
    root = scripted("time.sleep(2 if label == 'long' else 0)\nfor _ in range(9): time.sleep(0.2); tell('beat')")
    first, long = job("first"), job("long")
    assert len(run(root, [first, long], Told(), workers=2, silence=2.5).computed) == 2
    assert len((root / "pids").read_text().split()) == 2


def test_of_a_pause_of_our_own_no_worker_is_to_blame(scripted: Any) -> None:
    """As after Ctrl-Z and fg: the workers are in sessions of their own and were at work."""
    root = scripted("time.sleep(1.0)")
    told, first = Told(), job("first")
    executor = Local(Store(root), workers=1, threads=1, observer=told, silence=4.0)
    executor.store.prepare()
    executor.looked = time.monotonic() - 1000
    found = executor.run({first.id: first}, {first.id: first})
    assert (found.computed, [event[0] for event in told.events]) == ([first.id], ["started", "done"])


def test_a_worker_that_cannot_be_killed_is_left_behind(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    root = scripted("if label == 'hangs': time.sleep(1000)")
    monkeypatch.setattr(descendants, "end", lambda leader: None)
    for name in ("PATIENCE", "LINGER"):
        monkeypatch.setattr(local, name, 0.3)
    told, hangs, other = Told(), job("hangs"), job("other")
    found = run(root, [hangs, other], told, workers=1, silence=0.5)
    reason = (
        "its worker said nothing for 0.5 seconds and cannot be killed, as it waits for the system (a disk, a folder of "
        "a network?)"
    )
    assert (found.failed, found.computed) == ({hangs.id: reason}, [other.id])
    for process in _alive(root):
        os.kill(process, signal.SIGKILL)


def test_a_worker_stopped_by_someone_else_gives_its_job_to_another(scripted: Any) -> None:
    root = scripted(
        "if label == 'first' and count == 1:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    tell('stopped'); time.sleep(0.1); break"
    )
    first, second = job("first"), job("second")
    told = Told()
    found = run(root, [first, second], told, workers=1)
    assert sorted(found.computed) == sorted([first.id, second.id])
    assert not found.stopped
    assert not [event for event in told.events if event[0] in ("note", "failed")]
    assert len(set((root / "pids").read_text().split())) == 2


def evaluation(label: str, *, of: str = "data", images: int = 10, limit: int | None = None) -> Job:
    """An evaluation on a set of images; its network is in its code, so that two labels are two jobs."""
    spec = {"evaluator": "accuracy", "limit": limit}
    return Job("evaluate", spec, None, {"data": job(of).id}, label, 1, "cpu", label, images)


def batches(root: Path) -> list[str]:
    return (root / "batches").read_text().splitlines()


def test_evaluations_of_one_set_go_to_a_worker_together(scripted: Any) -> None:
    root = scripted()
    first, other = [evaluation(name) for name in "abc"], evaluation("other", of="other data")
    limited = evaluation("limited", limit=5)
    told = Told()
    found = run(root, [first[0], other, first[1], limited, first[2]], told, workers=1)
    assert batches(root) == ["a b c", "other", "limited"]
    assert len(found.computed) == 5
    assert told.order("started") == told.order("done") == ["a", "b", "c", "other", "limited"]


def test_several_workers_share_what_would_keep_one_busy(scripted: Any) -> None:
    root = scripted("time.sleep(0.3)")
    found = run(root, [evaluation(name) for name in "abcdef"], Told(), workers=2)
    assert sorted(batches(root)) == ["a b c", "d e f"]
    assert len(found.computed) == 6


def test_networks_wait_for_one_another_before_they_are_evaluated(scripted: Any) -> None:
    root = scripted()
    probes = [job(f"probe{number}", kind="probe") for number in range(3)]
    ends = [
        replace(evaluation(f"evaluate{number}"), inputs={"data": job("data").id, "probe": probe.id})
        for number, probe in enumerate(probes)
    ]
    run(root, [probes[0], ends[0], probes[1], ends[1], probes[2], ends[2]], Told(), workers=1)
    assert batches(root) == ["probe0", "probe1", "probe2", "evaluate0 evaluate1 evaluate2"]


def test_what_a_worker_died_of_is_found_by_trying_each_alone(scripted: Any) -> None:
    root = scripted("if label == 'b': os.kill(os.getpid(), signal.SIGKILL)")
    told, tasks = Told(), [evaluation(name) for name in "abcd"]
    found = run(root, tasks, told, workers=1)
    assert batches(root) == ["a b c d", "b", "c", "d"]
    reason = "its worker was killed by SIGKILL 2 times (out of memory? try --workers 1)"
    assert found.failed == {tasks[1].id: reason}
    assert sorted(found.computed) == sorted(task.id for task in tasks if task.label != "b")
    again = "its worker was killed by SIGKILL; it is tried once more"
    assert [event for event in told.events if event[0] == "note"] == [("note", name, again) for name in "bcd"]


def test_of_evaluations_that_stop_together_those_that_ended_are_kept(scripted: Any) -> None:
    root = scripted("if label == 'b':\n    while not stop: time.sleep(0.01)\nif stop: tell('stopped'); continue")
    told = Told(lambda how, which, _: which.label == "b" and how == "started" and told.executor.ask_to_stop())  # type: ignore[attr-defined]
    tasks = [evaluation(name) for name in "abc"]
    found = run(root, tasks, told, workers=1)
    assert (found.stopped, found.computed, found.failed) == (True, [tasks[0].id], {})
    assert told.order("stopped") == ["b", "c"]


def test_a_damaged_input_of_one_evaluation_is_no_concern_of_the_others(scripted: Any) -> None:
    probe = job("probe", kind="probe")
    tasks = [evaluation("a"), replace(evaluation("b"), inputs={"data": job("data").id, "probe": probe.id})]
    root = scripted(
        "if label == 'b' and count == 1:\n"
        f"    tell('damaged', input={probe.id!r}, reason='probe.safetensors: is missing')\n"
        "    continue"
    )
    found = run(root, tasks, Told(), workers=1, known=[probe, *tasks])
    assert batches(root) == ["a b", "probe", "b"]
    assert found.computed == [tasks[0].id, probe.id, tasks[1].id]


def test_workers_are_told_what_processes_they_may_start(scripted: Any) -> None:
    root = scripted("(root / 'arguments').write_text(' '.join(sys.argv[1:]))")
    store = Store(root)
    store.prepare()
    task = job("first")
    Local(store, workers=1, threads=1, loaders=3, processes=2, silence=60.0, observer=Told()).run(
        {task.id: task}, {task.id: task}
    )
    assert (
        root / "arguments"
    ).read_text() == f"-m repro.run.worker --loaders 3 --processes 2 --silence 60.0 --results={root}"


def test_workers_that_cannot_be_started_are_one_sentence(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    root = scripted()
    monkeypatch.setattr(sys, "executable", str(root / "nothing"))
    with pytest.raises(StoreError) as caught:
        run(root, [job("first")], Told())
    log = root / f"worker-{os.uname().nodename}-{os.getpid()}-1.log"
    assert str(caught.value) == f"{log}: No such file or directory"


def test_the_label_is_no_part_of_a_job() -> None:
    first = job("first")
    assert replace(first, label="second").id == first.id
    assert job("second").id != first.id


def test_work_is_not_looked_for_while_every_worker_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Busy:
        jobs, leaving = {"x": job("x")}, False

    executor = Local(Store(tmp_path), workers=2, threads=1, observer=Told())
    looks: list[int] = []
    monkeypatch.setattr(Local, "_ready", lambda self: looks.append(len(self.hands)) or [])
    for number in range(3):
        executor._hand_out()
        executor.hands[number] = Busy()  # type: ignore[assignment]
    assert looks == [0, 1]


def test_all_that_rests_on_a_failure_is_told_once_however_many(tmp_path: Path) -> None:
    told, first = Told(), job("first")
    rest = [job("next 0", first)]
    rest += [job(f"next {number}", rest[0], spec={"number": number}) for number in range(1, 3000)]
    executor = Local(Store(tmp_path), workers=1, threads=1, observer=told)
    executor.jobs = {one.id: one for one in (first, *rest)}
    executor.waiting = Backlog({one.id: one for one in rest})
    executor.summary.failed[first.id] = "no luck"
    assert len(executor._ready()) == 0
    assert executor.summary.lost == [one.id for one in rest]
    assert told.events[:2] == [
        ("failed", "next 0", "not tried, as its input failed: first"),
        ("failed", "next 1", "not tried, as its input failed: next 0"),
    ]
    assert (len(told.events), executor.waiting) == (3000, {})
