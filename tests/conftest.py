"""What several tests share: public test data beside the checkout, and means on which a run takes seconds."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: threads that share tiny arrays cost more than they bring
CHECKOUT = Path(__file__).resolve().parents[1]
SHARED = CHECKOUT.parent / "shared"
COUNTS = {  # images of each set of the profile `tiny`: enough for every class to be met
    "train": 640,
    "unlabelled": 640,
    "val": 140,
    "sketch": 140,
    "stylized": 140,
    "rendition": 140,
    "texture": 140,
    "corrupted": 14,
    "cue-conflict": 90,
}


LONGEST = ("tests/run/slurm/test_runs.py", "tests/faults/test_faults.py")  # minutes: begun first, or waited for


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes come first, so that the processes end together."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.nodeid.partition("::")[0], len(LONGEST)))


@pytest.fixture(autouse=True, scope="session")
def _own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Caches and weights of the tests are the tests' own, whatever the person who runs them has."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("REPRO_CACHE", "REPRO_WEIGHTS"):
            patch.setenv(variable, str(tmp_path_factory.mktemp(variable.lower())))
        yield


@pytest.fixture
def shared() -> Path:
    """Reference material that is not part of the project; a test that needs it is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the reference material beside the checkout is absent")
    return SHARED


NO_TEXTURES = "the tests' profile has no textures, so that one row of Table 1 cannot be run"


def write_tiny(folder: Path, *, epochs: int = 1, lr: float = 0.06) -> Path:
    """Write the profile `mini` cut down to a second of training an epoch or less; returns the file."""
    text = (CHECKOUT / "profiles" / "mini.toml").read_text(encoding="utf-8")
    rules = {
        r"(?m)^id +=.*$": 'id = "tiny"',
        r"(?m)^title +=.*$": 'title = "a few drawn images, for tests"',
        r'(?m)^"training.epochs" .*$': f'"training.epochs" = {{ set = {epochs}, why = "test" }}',
        r'(?m)^"training.warmup_epochs" .*$': '"training.warmup_epochs" = { set = 0.5, why = "test" }',
        r'(?m)^"optimizer=sgd.lr" .*$': f'"optimizer=sgd.lr" = {{ set = {lr!r}, why = "test" }}',
        r"widths = \[[^]]*\]": "widths = [8, 16, 32]",
        r'(?m)^"imagenet-100-texture/train" .*$': "",
        r"(?m)^\[missing\]$": f'[missing]\n"imagenet-100-texture/train" = "{NO_TEXTURES}"',
        r'split = "([a-z-]+)", count = \d+': lambda found: f'split = "{found[1]}", count = {COUNTS[found[1]]}',
    }
    for pattern, new in rules.items():
        text, changes = re.subn(pattern, new, text)
        assert changes, pattern
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.toml").write_text(text, encoding="utf-8")
    return folder / "tiny.toml"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The file of a profile on which one row is trained and judged in seconds; results belong beside it."""
    return write_tiny(tmp_path)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Type `repro WORDS` in this process: gives the exit code, what was printed and what was complained of."""
    from repro import cli
    from repro.render import terminal

    def type_(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["repro", *map(str, words)])
        terminal.console.cache_clear()  # it has the width that COLUMNS said when it was made
        capsys.readouterr()
        try:
            code = cli.main()
        except SystemExit as end:
            code = end.code
        finally:
            gc.enable()  # the command line does without, as it ends soon
            terminal.console.cache_clear()
        out, err = capsys.readouterr()
        assert isinstance(code, int)
        return code, out, err

    return type_
