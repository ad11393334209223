"""The script that sbatch is given, made by submitit; the only module that imports it.

Of submitit we take what it knows of sbatch: how each option is called and written. It is handed a command line, so
that it pickles nothing: `python -m repro.run.slurm.task FOLDER`, where FOLDER has the jobs as JSON. Names of folders
stand, quoted, in lines of shell alone, as sbatch has rules of its own for signs in its options.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from repro.errors import UsageError
from repro.plan.jobs import Job
from repro.run.slurm import arrays
from repro.run.slurm.arrays import Array, Place
from repro.spec.cluster import Cluster


def script(cluster: Cluster, array: Array, folder: Path) -> str:
    """What submits an array; raises `UsageError` where submitit is not installed, or SLURM could not write there."""
    _check_place(folder)
    try:
        slurm = import_module("submitit.slurm.slurm")
    except ImportError as error:
        raise UsageError(
            "--executor slurm needs submitit, which is not installed; pip install 'repro-ns[slurm]'"
        ) from error

    class Script(slurm.SlurmExecutor):  # type: ignore[misc, name-defined]
        """submitit's executor for its text alone, so that one can be shown where no scheduler is."""

        @classmethod
        def affinity(cls) -> int:
            return 1

    executor = Script(folder)
    executor.update_parameters(**_parameters(cluster, array, folder))
    python = shlex.quote(cluster.python or sys.executable)
    # exec: signals reach it, not the shell
    command = f"exec {python} -m repro.run.slurm.task {shlex.quote(str(folder))}"
    return str(executor._make_submission_file_text(command, ""))


def preview(cluster: Cluster, todo: Mapping[str, Job], jobs: Mapping[str, Job], root: Path) -> list[str]:
    """The scripts of a whole plan as they would be submitted, words standing for the numbers the scheduler gives."""
    held: dict[str, Place] = {}
    texts: list[str] = []
    for wave in arrays.waves(todo):
        for array in arrays.arrays(wave, held, jobs, most=cluster.largest_array):
            texts.append(script(cluster, array, root / f"WHEN-{array.kind}-{len(texts) + 1}"))
            for number, task in array.tasks.items():
                held |= dict.fromkeys((job.id for job in task), (f"ARRAY{len(texts)}", number))
    return texts


def _check_place(folder: Path) -> None:
    """SLURM puts the folder before the name of a log and then reads % and \\ in both as signs of its own."""
    text = str(folder)
    for sign in "%\\":
        if sign in text:
            raise UsageError(
                f'{text}: SLURM cannot write logs below a folder with "{sign}" in its name; name another with --results'
            )
    for path in (folder, Path.cwd()):
        try:
            str(path).encode()
        except UnicodeEncodeError as error:
            raise UsageError(
                f"{path}: --executor slurm: expected folders named in UTF-8, found other bytes; rename it"
            ) from error


def _parameters(cluster: Cluster, array: Array, folder: Path) -> dict[str, Any]:
    """What submitit is told; `additional_parameters` win over what it would say itself."""
    means = cluster.means(array.kind)
    more: dict[str, Any] = {
        "array": ranges(array.tasks) + (f"%{means.at_once}" if means.at_once else ""),
        "signal": f"B:USR1@{cluster.notice_seconds}",
        "output": "log-%a.txt",  # in the array's folder, where sbatch is called: what that is called means nothing
        "requeue": True,  # a node that fails takes its tasks back into the queue
        **means.flags,
    }
    if array.after:
        more |= {"dependency": array.after, "kill-on-invalid-dep": "yes"}
    return {
        "job_name": f"repro-{folder.name}",
        "time": means.minutes,
        "partition": means.partition,
        "account": means.account,
        "gpus_per_node": means.gpus or None,
        "cpus_per_task": means.cores,
        "mem": f"{round(means.gigabytes * 1024)}M" if means.gigabytes else None,
        "stderr_to_stdout": True,
        "setup": [f"cd {shlex.quote(str(Path.cwd()))} || exit", *cluster.setup],
        "use_srun": False,
        "wckey": None,
        "additional_parameters": more,
    }


def ranges(numbers: Iterable[int]) -> str:
    """Numbers as sbatch has them.

    >>> ranges([0, 1, 2, 5, 8, 9])
    '0-2,5,8-9'
    """
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
