"""What large grids cost before any network is trained: CPU and wall seconds and peak memory of each verb, by jobs.

A table of rows over alpha and queue with many seeds is laid out on the means of the profile `mini`. Its results are
simulated: every job has a record, written as a worker writes it but for the wait for the disk, and without the files
beside it; two rows have predictions, for `repro diff`. Then each verb runs in a process of its own.

    python benchmarks/scale.py 1000 10000 100000
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that `repro` is this checkout, installed or not

from repro.lab import evaluation  # noqa: E402
from repro.plan.expand import Options, Plan, expand  # noqa: E402
from repro.plan.jobs import Job  # noqa: E402
from repro.run.backlog import Backlog  # noqa: E402
from repro.run.slurm import scheduler  # noqa: E402
from repro.run.slurm.executor import Slurm  # noqa: E402
from repro.spec import load  # noqa: E402
from repro.spec.cluster import Cluster  # noqa: E402
from repro.store import Record, Store  # noqa: E402

SIZES = (1_000, 10_000, 100_000)
EACH = 7  # jobs of a row with one seed: a pretraining, a probe, an evaluation in each of five columns
ALPHAS = 10  # of each queue
PAIRED = ("k1024-a0", "k1024-a1")  # the rows that have predictions
KINDS = ("brightness", "contrast", "defocus_blur", "fog", "frost", "gaussian_noise", "snow")
RUNNING = 1000  # tasks that run at the same time on the cluster that is played
STATES = ("PENDING", "RUNNING")
SAMPLE = 200  # records written with the wait for the disk, for the price of one
ENVIRONMENT = {
    "card": None,
    "command": "python -m repro.run.worker --loaders 0 --processes 1 --results results",
    "commit": hashlib.sha1(b"a commit").hexdigest(),
    "cores": 2,
    "dirty": False,
    "loaders": 0,
    "packages": {"numpy": "2.4.6", "pillow": "13.0.0", "safetensors": "0.8.0", "scipy": "1.17.1", "torch": "2.15.0"},
    "processes": 1,
    "processor": "simulated",
    "python": "3.11.7",
    "system": "Linux 6.18.44 x86_64",
}


@dataclass(frozen=True)
class Spent:
    """What one process took."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int
    printed: int  # bytes on standard output


def lay_out(folder: Path, jobs: int) -> None:
    """Write the table `grid` and the profile `grid`: as many rows as seeds, about so many jobs in all."""
    rows = round((jobs / EACH) ** 0.5)
    table = (ROOT / "tables" / "table1.toml").read_text(encoding="utf-8").partition("[[rows]]")[0]
    table = table.replace('"table1"', '"grid"', 1).replace('"Table 1"', '"Grid"', 1)
    names = [(f"k{1024 * (1 + i // ALPHAS)}-a{i % ALPHAS}", 1024 * (1 + i // ALPHAS), i % ALPHAS) for i in range(rows)]
    why = 'choice = "a grid"'
    for name, queue, alpha in names:
        table += (
            f'[[rows]]\nid = "{name}"\nlabel = "k = {queue}, α = {alpha}"\nruns = 3\n'
            f'[rows.reported]\nimagenet = "{70 + alpha}.00 ± 0.50"\n'
            f"[rows.recipe.method]\nqueue = {{ value = {queue}, {why} }}\n"
            f"[rows.recipe.negatives]\nalpha = {{ value = {float(alpha)}, {why} }}\n\n"
        )
    ids = ", ".join(f'"{name}"' for name, _, _ in names)
    table += (
        '[[claims]]\nid = "G1"\nsection = "grid"\nquote = "(implied) a grid"\nstatement = "Accuracy falls along the '
        'grid."\nof_paper = false\nnote = "Looks at every row."\n'
        f'test = {{ kind = "monotone", rows = [{ids}], columns = ["imagenet"], trend = "falling" }}\n'
    )
    profile = (ROOT / "profiles" / "mini.toml").read_text(encoding="utf-8")
    profile = re.sub(r"(?m)^id +=.*$", 'id = "grid"', profile)
    profile = re.sub(r"(?m)^seeds +=.*$", f"seeds = {list(range(rows))}", profile)
    for kind, text in (("tables", table), ("profiles", profile)):
        (folder / kind).mkdir()
        (folder / kind / "grid.toml").write_text(text, encoding="utf-8")


def simulate(folder: Path) -> tuple[int, float, float]:
    """Write a record of every job of the grid; how many, and the seconds of one without and with the disk's wait."""
    plan, store = planned(folder), Store(folder / "results")
    store.prepare()
    chance, jobs = random.Random(0), list(plan.jobs.values())
    begun = time.perf_counter()
    with mock.patch("os.fsync"):  # a crash of the machine may cost these; nothing else differs
        for job in jobs:
            store.write(record(job, chance))
    quick = (time.perf_counter() - begun) / len(jobs)
    begun = time.perf_counter()
    for job in jobs[:SAMPLE]:
        store.write(record(job, chance))
    return len(jobs), quick, (time.perf_counter() - begun) / SAMPLE


def planned(folder: Path) -> Plan:
    """The plan of the grid, as a command line in its folder makes it."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        specs, profile = load.specs(), load.profile("grid")
    finally:
        os.chdir(before)
    return expand(specs.tables, specs.table("grid"), profile, Options(seeds=profile.seeds))


def record(job: Job, chance: random.Random) -> Record:
    """What a worker might have left of a job."""
    files: dict[str, dict[str, Any]] = {}
    if job.kind in ("pretrain", "probe"):
        name, size = ("encoder.safetensors", 902_040) if job.kind == "pretrain" else ("probe.safetensors", 5_872)
        files = {name: {"sha256": f"{chance.getrandbits(256):064x}", "bytes": size}}
    wall = chance.uniform(0.5, 40.0)
    when = f"2026-11-{1 + chance.randrange(28):02}T{chance.randrange(24):02}:00:00+00:00"
    return Record(job.id, job.content, job.label, dict(_values(job, chance)), files, when, wall, wall, ENVIRONMENT)


def _values(job: Job, chance: random.Random) -> Iterator[tuple[str, Any]]:
    top1 = chance.gauss(60.0, 2.0)
    match job.kind:
        case "data":
            yield from {"digest": f"{chance.getrandbits(256):064x}", "images": job.images}.items()
        case "pretrain":
            yield from {"loss": chance.gauss(5.0, 0.1), "steps": 930}.items()
        case "probe":
            yield "train_top1", top1
        case _ if job.spec["evaluator"] == "corruption":
            yield "errors", {kind: [chance.uniform(20, 90) for _ in range(5)] for kind in KINDS}
            yield "mean_accuracy", top1
        case _:
            yield from {"images": 1400, "n": 1400, "top1": top1, "top1_unmasked": top1, "top5": 90.0}.items()


def predict(folder: Path) -> None:
    """Give the evaluations of two rows predictions, which `repro diff` reads; one file for each row and column."""
    plan, store = planned(folder), Store(folder / "results")
    draw, classes = np.random.default_rng(0), tuple(f"class {i}" for i in range(14))
    for (row, column), seeds in plan.cells.items():
        if row not in PAIRED:
            continue
        first, *rest = (store.folder(job) for job in seeds.values())
        names = tuple(f"{kind}/{severity}" for kind in KINDS for severity in range(1, 6))
        many = 1400 if column != "imagenet-c" else 280 * len(names)
        labels = np.tile(np.arange(280) % 14, many // 280).astype(np.int16)
        found = np.where(draw.random(many) < 0.6, labels, draw.integers(0, 14, many)).astype(np.int16)
        columns = {"labels": labels, "predictions": found}
        if column == "imagenet-c":
            columns["condition"] = (np.arange(many) // 280).astype(np.int16)
        about = evaluation.About(classes, classes, names if column == "imagenet-c" else ())
        evaluation.write(first, columns, about)
        for other in rest:
            os.link(first / evaluation.FILE, other / evaluation.FILE)


def hand_out(folder: Path) -> tuple[float, float]:
    """CPU milliseconds of the first look at all jobs that wait, and of handing out each of them, all done at once."""
    jobs = planned(folder).jobs
    begun = time.process_time()
    waiting, at_work = Backlog(jobs), list[Job]()
    first = 0.0
    while waiting:
        names = [job.id for job in at_work]
        waiting.look(names, gone=lambda job: False, is_later=lambda name: False, is_alone=lambda name: False)
        first = first or time.process_time() - begun
        at_work = waiting.ready.take(at_work=[], workers=1)
        for job in at_work:
            del waiting[job.id]
    return first * 1e3, (time.process_time() - begun - first) * 1e3 / len(jobs)


def verbs(folder: Path) -> Mapping[str, list[str]]:
    """What is measured, as it is typed in the grid's folder."""
    here = ["--profile", "grid"]
    rows = [f"results:{row}" for row in PAIRED]
    return {
        "plan, nothing done": ["plan", "grid", *here, "--results", "absent"],
        "plan, all done": ["plan", "grid", *here],
        "list": ["list", *here],
        "run, all done": ["run", "grid", *here],
        "check": ["check", "grid", *here, "--fail-on", "nothing"],
        "export --format json": ["export", "grid", *here, "--format", "json"],
        "diff of two rows": ["diff", *rows],
        "report": ["report", "grid", *here, "-o", str(folder / "report.html")],
    }


def spend(words: list[str], folder: Path, **variables: str) -> Spent:
    """Run a verb in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **variables}
    with (folder / "out.txt").open("wb") as out:
        begun = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "repro", *words], cwd=folder, stdout=out, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"repro {' '.join(words)}: exit {process.returncode}")
    return Spent(used.ru_utime + used.ru_stime, wall, used.ru_maxrss * 1024, (folder / "out.txt").stat().st_size)


def submitted(folder: Path) -> None:
    """Send the whole grid to a scheduler that takes everything, look at it, and come back to it; print what it took.

    Run in a process of its own. Nothing has a record; a thousand tasks run and the others wait.
    """
    plan, store, entries = planned(folder), Store(folder / "cluster"), {}
    store.prepare()
    means = {"threads": 1, "loaders": 0, "processes": 1}
    cluster = Cluster.model_validate({"schema": 1, "all": {"minutes": 60, "gpus": 1}})
    (folder / "slurm.toml").write_text("schema = 1\n[all]\nminutes = 60\ngpus = 1\n", encoding="utf-8")

    def submit(script: Path) -> str:
        number = str(len({array for array, _ in entries}) + 1)
        lines = (script.parent / "tasks.jsonl").read_text(encoding="utf-8").splitlines()
        for task in (int(line.rpartition(":")[2].rstrip("}")) for line in lines):
            place = (number, task)
            entries[place] = scheduler.Entry(place, len(entries) < RUNNING, "Dependency", f"repro-{script.parent.name}")
        return number

    def told(name: str, work: Callable[[], object]) -> None:
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        print(f"{name:34} {time.process_time() - cpu:8.2f} {time.perf_counter() - wall:8.2f}", flush=True)

    with mock.patch.object(scheduler, "submit", submit), mock.patch.object(scheduler, "queue", return_value=entries):
        first = Slurm(store, cluster=cluster, means=means, observer=Nobody())
        first.jobs, first.open = dict(plan.jobs), dict(plan.jobs)
        told("submit all", lambda: first._submit(set()))
        first._look()
        told("one look at the queue", first._look)
        second = Slurm(store, cluster=cluster, means=means, observer=Nobody())
        second.ask_to_stop()
        told("come back to it", lambda: second.run(plan.jobs, plan.jobs))
    lines = (f"{e.place[0]}|{e.place[1]}|{STATES[e.is_running]}|{e.reason}|{e.name}" for e in entries.values())
    (folder / "queue.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "squeue").write_text(f"#!/bin/sh\ncat {folder}/queue.txt\n", encoding="utf-8")
    (folder / "squeue").chmod(0o755)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{len({array for array, _ in entries})} arrays, {len(entries)} tasks; peak {peak / 1e3:.0f} MB with the plan"
    )


class Nobody:
    """An observer that is told everything and does nothing."""

    def started(self, job: Job) -> None: ...
    def moved(self, job: Job, done: int, total: int, unit: str) -> None: ...
    def ended(self, job: Job, how: str, detail: str) -> None: ...
    def tick(self) -> None: ...


def on_a_cluster(folder: Path) -> None:
    """What the grid costs on a cluster: submitting it, watching it, and its status before and after it is done."""
    print(f"{'on a cluster':34} {'CPU s':>8} {'wall s':>8}", flush=True)
    subprocess.run([sys.executable, __file__, "--submit", str(folder)], check=True)
    path = {"PATH": f"{folder}:{os.environ['PATH']}"}
    took = {"status, nothing done": spend(["status", "--results", "cluster"], folder, **path)}
    shutil.move(folder / "cluster" / "slurm", folder / "results" / "slurm")
    (folder / "queue.txt").write_text("", encoding="utf-8")
    took["status, all done"] = spend(["status"], folder, **path)
    for name, spent in took.items():
        print(f"{name:34} {spent.cpu_seconds:8.2f} {spent.wall_seconds:8.2f}   peak {spent.peak_bytes / 1e6:.0f} MB")


def fullest(folder: Path) -> tuple[int, str]:
    """The most entries of any folder below, and its name."""
    return max((len(folders) + len(files), os.path.relpath(at, folder)) for at, folders, files in os.walk(folder))


def main() -> None:
    for jobs in map(int, sys.argv[1:] or map(str, SIZES)):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            lay_out(folder, jobs)
            with ProcessPoolExecutor(1) as apart:  # what this process holds would count as a verb's memory
                made, quick, waited = apart.submit(simulate, folder).result()
                apart.submit(predict, folder).result()
                first, each = apart.submit(hand_out, folder).result()
            print(f"{made} jobs; a record written in {quick * 1e3:.2f} ms, with the disk's wait {waited * 1e3:.2f} ms")
            print(f"{'':22} {'CPU s':>8} {'wall s':>8} {'peak MB':>8} {'printed kB':>10}")
            for name, words in verbs(folder).items():
                took = spend(words, folder)
                numbers = f"{took.cpu_seconds:8.2f} {took.wall_seconds:8.2f} {took.peak_bytes / 1e6:8.0f}"
                print(f"{name:22} {numbers} {took.printed / 1e3:10.0f}", flush=True)
            on_a_cluster(folder)
            print(f"handing out: {first:.0f} ms for a first look at all, {each:.4f} ms each")
            most, where = fullest(folder / "results")
            print(f"the fullest folder has {most} entries: {where}\n", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--submit"]:
        submitted(Path(sys.argv[2]))
    else:
        main()
