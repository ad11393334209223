"""`slurm.toml`: what holds for each kind of job, and every fault in a sentence with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.errors import SpecError, UsageError
from repro.spec import load
from repro.spec.cluster import Means

WHOLE = """\
schema = 1
setup = ["module load cuda"]

[all]
minutes = 60
gpus = 1
flags = { qos = "long", exclusive = true }

[pretrain]
minutes = 600
gpus = 4
gigabytes = 64.5
flags = { qos = "short" }
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("REPRO_SLURM", raising=False)


def faults(text: str) -> list[str]:
    Path("slurm.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as raised:
        load.slurm()
    return raised.value.faults


def test_a_kind_has_what_it_says_and_the_rest_from_all() -> None:
    Path("slurm.toml").write_text(WHOLE, encoding="utf-8")
    found = load.slurm()
    assert found.means("pretrain") == Means(
        minutes=600, gpus=4, gigabytes=64.5, flags={"qos": "short", "exclusive": True}
    )
    assert found.means("probe") == Means(minutes=60, gpus=1, flags={"qos": "long", "exclusive": True})


def test_the_file_of_the_folder_comes_first_then_the_variable_then_home(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [Path("home/.config/repro/slurm.toml"), Path("named.toml"), Path("slurm.toml")]
    monkeypatch.setenv("REPRO_SLURM", "")
    for tries, place in enumerate(places, 2):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"tries = {tries}\n{WHOLE}", encoding="utf-8")
        if place.stem == "named":
            monkeypatch.setenv("REPRO_SLURM", "named.toml")
        assert load.slurm().tries == tries


def test_no_file_says_where_one_is_looked_for() -> None:
    with pytest.raises(UsageError) as raised:
        load.slurm()
    assert str(raised.value) == (
        "--executor slurm: expected slurm.toml in this folder, in $REPRO_SLURM or in ~/.config/repro, found none; "
        "docs/slurm.md has one to begin with"
    )


def test_a_variable_that_names_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_SLURM", "nowhere.toml")
    with pytest.raises(SpecError) as raised:
        load.slurm()
    assert str(raised.value) == "$REPRO_SLURM: expected a TOML file, found no file at nowhere.toml"


def test_faults_are_told_with_their_lines_in_one_pass() -> None:
    assert faults("schema = 1\n[all]\nminuts = 5\ngpus = -1\n[pretrane]\n") == [
        "slurm.toml:4: all.gpus: expected greater than or equal to 0, found -1",
        'slurm.toml:3: all: unknown key "minuts"; expected one of account, at_once, cores, flags, gigabytes, gpus, '
        'minutes, partition; did you mean "minutes"?',
        'slurm.toml:5: file: unknown key "pretrane"; expected one of all, data, evaluate, largest_array, look_seconds, '
        "notice_seconds, pretrain, probe, python, requeues, samples, schema, setup, similarity, tries, weights; did "
        'you mean "pretrain"?',
    ]


def test_a_kind_without_a_time() -> None:
    kinds = ("data", "weights", "probe", "evaluate", "similarity", "samples")
    assert faults("schema = 1\n[all]\ngpus = 0\n[pretrain]\nminutes = 5\n") == [
        f'slurm.toml: {kind}: "minutes" is missing, here and in [all]' for kind in kinds
    ]


def test_a_flag_that_is_ours_to_say() -> None:
    assert faults('schema = 1\n[all]\nminutes = 5\ngpus = 0\n[probe]\nflags = { job_name = "x", time = 5 }\n') == [
        'slurm.toml:6: probe: flags may not have "job_name"; it has a key or is ours to say',
        'slurm.toml:6: probe: flags may not have "time"; it has a key or is ours to say',
    ]


def test_names_that_are_more_than_a_word() -> None:
    text = "schema = 1\n[all]\nminutes = 5\ngpus = 0\n"
    for key in ("partition", "account"):
        for name in ("a\\nb", "$(touch x)", "`x`", "-rf", "a b", "a'b", '\\"', "#", "%a", "a\\u0000"):
            (said,) = faults(f'{text}{key} = "{name}"\n')
            assert said.startswith(f"slurm.toml:5: all.{key}: expected a name of letters, digits and .,+@/_-, found ")
    assert faults(f'{text}partition = "a b"\n')[0].endswith("found 'a b'")
    Path("slurm.toml").write_text(f'{text}partition = "gpu-a100,long_2"\naccount = "dep/vision+1"\n', encoding="utf-8")
    assert load.slurm().all.partition == "gpu-a100,long_2"


def test_flags_that_are_more_than_a_value() -> None:
    text = "schema = 1\n[all]\nminutes = 5\ngpus = 0\nflags = "
    words = "expected true, a number or text without quotes, backslashes and line ends"
    assert faults(text + '{ comment = "a\\n#SBATCH --uid=0" }\n') == [
        f"slurm.toml:5: all: flags.comment: {words}, found 'a\\n#SBATCH --uid=0'"
    ]
    assert faults(text + '{ comment = "a\'b", exclusive = false, x = "" }\n') == [
        f'slurm.toml:5: all: flags.comment: {words}, found "a\'b"',
        f"slurm.toml:5: all: flags.exclusive: {words}, found False",
        f"slurm.toml:5: all: flags.x: {words}, found ''",
    ]
    assert faults(text + '{ "a\\n#SBATCH --uid" = "0", "-rf" = 1 }\n') == [
        "slurm.toml:5: all: flags: expected a long option of sbatch without its --, found 'a\\n#SBATCH --uid'",
        "slurm.toml:5: all: flags: expected a long option of sbatch without its --, found '-rf'",
    ]
    Path("slurm.toml").write_text(
        text + '{ constraint = "[a100|v100]&ib", comment = "$(x) `y` #z" }\n', encoding="utf-8"
    )
    assert load.slurm().means("probe").flags == {"constraint": "[a100|v100]&ib", "comment": "$(x) `y` #z"}


def test_lines_that_are_more_than_a_line() -> None:
    text = "[all]\nminutes = 5\ngpus = 0\n"
    assert faults('schema = 1\npython = "a\\nb"\nsetup = ["module load cuda", "a\\u0000"]\n' + text) == [
        "slurm.toml:3: setup: expected a line of text, found 'a\\x00'",
        "slurm.toml:2: python: expected a line of text, found 'a\\nb'",
    ]


def test_a_time_in_which_nothing_would_be_done() -> None:
    words = (
        "expected more than 150 seconds, as a job may be told to stop so long before its time limit (notice_seconds "
        "and 30), found 120"
    )
    kinds = ("data", "weights", "pretrain", "probe", "evaluate", "similarity", "samples")
    assert faults("schema = 1\n[all]\nminutes = 2\ngpus = 0\n") == [f"slurm.toml:3: all.minutes: {words}"]
    assert faults("schema = 1\n[all]\nminutes = 9\ngpus = 0\n[probe]\nminutes = 2\n") == [
        f"slurm.toml:6: probe.minutes: {words}"
    ]
    Path("slurm.toml").write_text("schema = 1\nnotice_seconds = 20\n[all]\nminutes = 1\ngpus = 0\n", encoding="utf-8")
    assert {load.slurm().means(kind).minutes for kind in kinds} == {1}
