"""One pretraining in several processes of this machine, one a graphics card, started by torchrun.

The worker that holds the job starts them, tells what the first says, stops them and writes the record; they leave files
in the job's folder alone. Each looks after the worker and torchrun: where one is gone, they stop, as nobody holds the
job then, or as one that waits for another would wait for ever.

`python -m repro.run.ranks ORDER` is one of them; the environment is torchrun's.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

from repro.errors import JobFailed, ReproError
from repro.files import canonical, write_whole
from repro.lab.jobs import Context, Outcome, Stopped
from repro.lab.recipes import member
from repro.run import descendants, reasons

ORDER = "ranks.json"  # in the job's folder: what is to be done
HALT = "ranks.stop"  # beside it, from when they are to stop
TRIES = 2  # of processes that died, or met a fault that is not the job's; they go on from the last checkpoint
_LOOK = 0.2  # seconds between two looks at whether to stop
_PATIENCE = 60.0  # seconds they have for the step in hand and a checkpoint, before they are killed


class Died(Exception):
    """Processes that ended without a result, and why, as far as anybody knows."""


def fitting(spec: Mapping[str, Any], *, most: int) -> int:
    """The largest number of processes, at most `most`, that a step's batch and its groups can be shared out among.

    >>> fitting({"recipe": {"training": {"batch": 128}, "method": {"shuffle_groups": 8}}}, most=6)
    4
    """
    recipe = spec["recipe"]
    batch, groups = recipe["training"]["batch"], recipe["method"].get("shuffle_groups", 1)
    return max(n for n in range(1, most + 1) if batch % n == 0 and (groups == 1 or groups % n == 0))


def run(
    content: Mapping[str, Any], *, inputs: Mapping[str, Path], folder: Path, context: Context, size: int
) -> Outcome:
    """Do a job in `size` processes; as the job's own `run` otherwise.

    Raises `JobFailed` with what the first process that failed said, `Stopped` where they were asked to stop. Processes
    that die are started once more: torchrun is told not to, as it would begin in the middle of a step.
    """
    order = {
        "job": dict(content),
        "inputs": {role: str(path) for role, path in inputs.items()},
        "folder": str(folder),
        "device": context.device,
        "loaders": context.loaders,
        "worker": [os.getpid(), _born(os.getpid())],
    }
    for tries in range(1, TRIES + 1):
        try:
            return _launched(order, folder, context, size=size, threads=content["threads"])
        except Died as death:
            if context.stopping():
                raise Stopped(f"{death}; they had been asked to stop") from death
            if tries == TRIES:
                raise JobFailed(f"{death} ({TRIES} times; the worker's log has what they printed)") from death
            context.note(f"{death}; they are started once more")
    raise AssertionError("the last try returns or raises")


def _launched(order: Mapping[str, Any], folder: Path, context: Context, *, size: int, threads: int) -> Outcome:
    (folder / HALT).unlink(missing_ok=True)
    write_whole(folder / ORDER, canonical(order))
    launch = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(size), "--max-restarts", "0"]
    command = [sys.executable, "-m", *launch, "-m", "repro.run.ranks", str(folder / ORDER)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as launcher:
        try:
            return _followed(launcher, folder, context)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(launcher.pid, signal.SIGKILL)
            for path in (folder / ORDER, folder / HALT, *folder.glob(".*.part")):  # of one that died as it wrote
                path.unlink(missing_ok=True)


def _followed(launcher: subprocess.Popen[str], folder: Path, context: Context) -> Outcome:
    """Tell what the processes say until they end; ask them to stop where the worker is asked to."""
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(launcher, folder, context, ended), daemon=True)
    watch.start()
    last: dict[str, Any] = {}
    assert launcher.stdout is not None
    for line in launcher.stdout:
        with suppress(ValueError):
            event = json.loads(line)
            match event["event"]:
                case "progress":
                    context.progress(event["done"], event["total"], event["unit"])
                case "note":
                    context.note(event["text"])
                case _ if last.get("event") != "failed" or event.get("is_the_jobs", False):
                    last = event
    ended.set()
    code = launcher.wait()
    match last.get("event"):
        case "done":
            return Outcome(last["values"], last["files"])
        case "stopped" if context.stopping():
            raise Stopped(last["reason"])
        case "stopped":
            raise Died("torchrun was gone, and its processes stopped")
        case "failed" if last["is_the_jobs"]:
            raise JobFailed(last["reason"])
        case "failed":
            raise Died(last["reason"])
    raise Died(f"its processes ended with exit code {code} and said nothing")


def _watch(launcher: subprocess.Popen[str], folder: Path, context: Context, ended: threading.Event) -> None:
    while not ended.wait(_LOOK):
        if context.stopping():
            write_whole(folder / HALT, "stop\n")
            if not ended.wait(_PATIENCE):
                with suppress(ProcessLookupError):
                    os.killpg(launcher.pid, signal.SIGKILL)
            return


def main(arguments: list[str]) -> int:
    """Be one of the processes; only the first tells how it goes, whoever fails tells why."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes to the log, never between the events
    order = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    content, folder, first = order["job"], Path(order["folder"]), os.environ["RANK"] == "0"
    context = Context(
        device=order["device"],
        loaders=order["loaders"],
        progress=_progress(events) if first else _nothing,
        note=(lambda text: _tell(events, "note", text=text)) if first else _nothing,
        stopping=_stopping(folder / HALT, *order["worker"], launcher=os.getppid()),
    )
    descendants.end_alone(_PATIENCE)  # it may wait for a process that never comes
    for number in (signal.SIGTERM, signal.SIGINT):  # a launcher that is stopped stops them; they end by HALT
        signal.signal(number, signal.SIG_IGN)
    import_module("repro.lab.threads").limit(content["threads"])
    inputs = {role: Path(path) for role, path in order["inputs"].items()}
    try:
        outcome = member("jobs", content["kind"]).run(
            content["spec"], seed=content["seed"], inputs=inputs, folder=folder, context=context
        )
    except Stopped as reason:
        if first:
            _tell(events, "stopped", reason=str(reason))
        return 0
    except Exception as fault:
        why = reasons.sentence(fault, folder)
        if why is None:
            traceback.print_exc()
        # of a fault that is not the job's, one process did not find, or lost, another
        is_the_jobs = isinstance(fault, ReproError) and not isinstance(fault.__cause__, RuntimeError)
        told = why or f"{type(fault).__name__}: {fault}"
        _tell(events, "failed", reason=told, is_the_jobs=is_the_jobs)
        return 1
    if first:
        _tell(events, "done", values=outcome.values, files=outcome.files)
    return 0


def _tell(events: TextIO, event: str, **facts: Any) -> None:
    with suppress(OSError, ValueError):
        events.write(json.dumps({"event": event, **facts}) + "\n")
        events.flush()


def _progress(events: TextIO) -> Callable[[int, int, str], None]:
    told = 0.0

    def progress(done: int, total: int, unit: str) -> None:
        nonlocal told
        if time.monotonic() - told > _LOOK or done == total:
            told = time.monotonic()
            _tell(events, "progress", done=done, total=total, unit=unit)

    return progress


def _nothing(*_: object) -> None:
    return None


def _stopping(halt: Path, worker: int, born: str, *, launcher: int) -> Callable[[], bool]:
    """Whether the worker wants them to stop, or it or torchrun is gone; looked at a few times a second at most."""
    looked, found = 0.0, False

    def stopping() -> bool:
        nonlocal looked, found
        if not found and time.monotonic() - looked > _LOOK:
            looked, found = time.monotonic(), halt.exists() or _born(worker) != born or os.getppid() != launcher
        return found

    return stopping


def _born(process: int) -> str:
    """When a process began, so that another one of the same number is told from it; empty where it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
