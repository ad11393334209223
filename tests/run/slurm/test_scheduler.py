"""SLURM's programs, played by scripts: what is read from them, and what is said where they fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from repro.run.slurm import scheduler
from repro.run.slurm.scheduler import Entry, SchedulerError

Program = Callable[[str, str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Put a shell script where a program of SLURM's is looked for."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def write(name: str, text: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)

    return write


def test_the_queue_has_our_tasks_alone(program: Program) -> None:
    program(
        "squeue",
        "echo '12|3|RUNNING|None|repro-one'; echo '12|4|PENDING|Dependency|repro-one'; echo '13|N/A|RUNNING|None|x'",
    )
    assert scheduler.queue() == {
        ("12", 3): Entry(("12", 3), True, "None", "repro-one"),
        ("12", 4): Entry(("12", 4), False, "Dependency", "repro-one"),
    }


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "-a b" / "submission.sh"
    path.parent.mkdir()
    path.write_text(
        "#!/bin/bash\n#SBATCH --array=0-3\n#SBATCH --time=60\n#SBATCH --open-mode=append\n", encoding="utf-8"
    )
    return path


def test_what_squeue_calls_over_is_not_in_the_queue(program: Program) -> None:
    states = ["PENDING", "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "COMPLETING"]
    program("squeue", "; ".join(f"echo '12|{number}|{state}|None|repro-one'" for number, state in enumerate(states)))
    assert [number for _, number in scheduler.queue()] == [0, 7]


def test_a_persons_own_view_of_the_queue_is_not_ours(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQUEUE_STATES", "RUNNING")
    program("squeue", 'echo "12|3|RUNNING|None|repro-$SQUEUE_STATES"')
    assert [entry.name for entry in scheduler.queue().values()] == ["repro-"]


def test_jobs_of_other_names_whatever_they_are_do_no_harm(program: Program) -> None:
    program("squeue", "printf '13|N/A|RUNNING|None|a\\nrepro-b|c\\n\\n\\377\\n12|3|RUNNING|None|repro-one|x\\n'")
    assert [entry.name for entry in scheduler.queue().values()] == ["repro-one|x"]


def test_a_submission_gives_its_number(program: Program, script: Path) -> None:
    program("sbatch", 'echo "Submitted batch job 77 on cluster $1 of $PWD"')
    assert scheduler.submit(script) == "77"


def test_variables_of_a_persons_own_do_not_overrule_the_script(
    program: Program, script: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("ARRAY_INX", "TIMELIMIT", "OPEN_MODE", "WAIT", "NO_REQUEUE", "PARTITION", "CLUSTERS"):
        monkeypatch.setenv(f"SBATCH_{name}", "x")
    program("sbatch", f'env | grep -o "^SBATCH_[A-Z_]*" | sort > {tmp_path}/seen; echo "Submitted batch job 77"')
    scheduler.submit(script)
    assert (tmp_path / "seen").read_text().split() == ["SBATCH_CLUSTERS", "SBATCH_PARTITION"]


def test_a_submission_without_a_number(program: Program, script: Path) -> None:
    program("sbatch", "echo fine")
    with pytest.raises(SchedulerError) as raised:
        scheduler.submit(script)
    assert str(raised.value) == 'sbatch: expected "Submitted batch job N", found "fine"'


def test_a_refusal_is_told_in_the_schedulers_words(program: Program) -> None:
    program("scancel", "echo 'Invalid job id specified' >&2; exit 1")
    with pytest.raises(SchedulerError) as raised:
        scheduler.cancel(["1"])
    assert str(raised.value) == "scancel: Invalid job id specified"


def test_no_scheduler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SchedulerError) as raised:
        scheduler.queue()
    assert str(raised.value) == "squeue: not found; --executor slurm is typed where SLURM's programs are"


def test_no_answer(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    program("scontrol", "exec sleep 30")
    monkeypatch.setattr(scheduler, "PATIENCE", 0.3)
    with pytest.raises(SchedulerError) as raised:
        scheduler.requeue(("1", 2))
    assert str(raised.value) == "scontrol: no answer in 0 seconds; try again later"


def test_whether_a_task_is_meant_to_run_on(program: Program) -> None:
    program("squeue", 'case "$*" in *5_1*) echo RUNNING;; *) echo COMPLETING;; esac')
    assert scheduler.is_running(("5", 1))
    assert not scheduler.is_running(("5", 2))
