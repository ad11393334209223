"""The script that sbatch is given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from repro.errors import UsageError
from repro.run.slurm import sbatch
from repro.run.slurm.arrays import Array
from repro.spec.cluster import Cluster
from tests.run.slurm.test_arrays import ALL, FIRST, SECOND

CLUSTER = Cluster.model_validate(
    {
        "schema": 1,
        "python": "/opt/venv/bin/python",
        "setup": ["module load cuda"],
        "all": {"minutes": 60, "gpus": 0},
        "pretrain": {
            "minutes": 600,
            "gpus": 4,
            "cores": 16,
            "gigabytes": 1.5,
            "at_once": 3,
            "partition": "long",
            "account": "vision",
            "flags": {"constraint": "a100", "exclusive": True},
        },
    }
)


def test_everything_that_a_kind_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "cwd", lambda: Path("/home/a person"))
    array = Array("pretrain", {0: (FIRST,), 1: (SECOND,), 4: (FIRST,)}, "afterany:7")
    assert sbatch.script(CLUSTER, array, Path("/shared/a folder/slurm/x")) == (
        """#!/bin/bash

# Parameters
#SBATCH --account=vision
#SBATCH --array=0-1,4%3
#SBATCH --constraint=a100
#SBATCH --cpus-per-task=16
#SBATCH --dependency=afterany:7
#SBATCH --exclusive
#SBATCH --gpus-per-node=4
#SBATCH --job-name=repro-x
#SBATCH --kill-on-invalid-dep=yes
#SBATCH --mem=1536M
#SBATCH --nodes=1
#SBATCH --open-mode=append
#SBATCH --output=log-%a.txt
#SBATCH --partition=long
#SBATCH --requeue
#SBATCH --signal=B:USR1@120
#SBATCH --time=600

# setup
cd '/home/a person' || exit
module load cuda

# command
export SUBMITIT_EXECUTOR=slurm
exec /opt/venv/bin/python -m repro.run.slurm.task '/shared/a folder/slurm/x'
"""
    )


def test_a_plan_has_words_for_the_numbers_that_the_scheduler_gives() -> None:
    texts = sbatch.preview(CLUSTER, ALL, ALL, Path("/r"))
    dependencies = [
        [line.partition("=")[2] for line in text.splitlines() if line.startswith("#SBATCH --dependency")]
        for text in texts
    ]
    assert dependencies == [
        [],
        ["afterany:ARRAY1"],
        ["afterany:ARRAY1"],
        ["aftercorr:ARRAY3,afterany:ARRAY1"],
        ["aftercorr:ARRAY4,afterany:ARRAY1"],
    ]


HOSTILE = (
    *("a b", "a'b", 'a"b', "$(touch pwned)", "`touch pwned`", "a\nb\ntouch pwned", "-rf", "#x", "é ü"),
    *(
        "a;touch pwned",
        "*",
        "~",
        "$HOME",
        "!!",
        "#SBATCH --array=0-9",
        "a\n#SBATCH --array=0-9",
        "&touch pwned&",
        "(",
        "'",
    ),
)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_folders_are_nothing_but_names_to_the_shell_and_to_sbatch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    here, results, python = (
        tmp_path / f"here {name}",
        tmp_path / f"results {name}" / name / "20260101-data-0",
        tmp_path / f"bin {name}",
    )
    for folder in (here, results):
        folder.mkdir(parents=True)
    python.write_text('#!/bin/bash\nprintf "%s\\0" "$PWD" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.chdir(here)
    cluster = CLUSTER.model_copy(update={"python": str(python), "setup": []})
    script = results / "submission.sh"
    text = sbatch.script(cluster, Array("data", {0: (FIRST,)}, ""), results)
    script.write_text(text, encoding="utf-8")
    done = subprocess.run(["bash", script.name], cwd=results, capture_output=True, text=True, check=True)
    assert done.stdout.split("\0")[:-1] == [str(here), "-m", "repro.run.slurm.task", str(results)]
    assert done.stderr == ""
    assert sorted(path.name for path in tmp_path.rglob("pwned")) == []
    directives = text[: text.index("\n# setup\n")]
    assert directives.splitlines()[3:] == [
        "#SBATCH --array=0",
        "#SBATCH --job-name=repro-20260101-data-0",
        "#SBATCH --nodes=1",
        "#SBATCH --open-mode=append",
        "#SBATCH --output=log-%a.txt",
        "#SBATCH --requeue",
        "#SBATCH --signal=B:USR1@120",
        "#SBATCH --time=60",
    ]


@pytest.mark.parametrize("sign", ["%", "\\"])
def test_a_folder_in_which_slurm_would_look_for_logs_elsewhere(sign: str) -> None:
    with pytest.raises(UsageError) as raised:
        sbatch.script(CLUSTER, Array("data", {0: (FIRST,)}, ""), Path(f"/a{sign}j/slurm/x"))
    assert str(raised.value) == (
        f'/a{sign}j/slurm/x: SLURM cannot write logs below a folder with "{sign}" in its name; name another with '
        "--results"
    )


def test_a_folder_whose_name_is_no_text() -> None:
    with pytest.raises(UsageError) as raised:
        sbatch.script(CLUSTER, Array("data", {0: (FIRST,)}, ""), Path("/a\udcff/slurm/x"))
    assert str(raised.value) == (
        "/a\udcff/slurm/x: --executor slurm: expected folders named in UTF-8, found other bytes; rename it"
    )


def test_without_submitit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit.slurm.slurm", None)
    with pytest.raises(UsageError) as raised:
        sbatch.script(CLUSTER, Array("data", {0: (FIRST,)}, ""), Path("/r"))
    assert str(raised.value) == (
        "--executor slurm needs submitit, which is not installed; pip install 'repro-ns[slurm]'"
    )
