"""Fuzzing led by coverage, where atheris is installed: `python -m tests.fuzz.guided TARGET -runs=100000`.

TARGET is one of `READERS`; what stands behind it are libFuzzer's options. It stops at the first traceback.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import atheris

from repro.errors import ReproError

with atheris.instrument_imports(include=["repro"]):
    from repro.fetch.archive import unpack
    from repro.judge.certificate import reading
    from repro.spec import load
    from repro.store import Store

JOB = "0" * 32


def _record(path: Path) -> object:
    store = Store(path.parent)
    store.folder(JOB).mkdir(parents=True, exist_ok=True)
    store.record(JOB).write_bytes(path.read_bytes())
    return store.read(JOB)


def _archive(path: Path) -> object:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        return unpack(path, Path(folder) / "out")


READERS: dict[str, Callable[[Path], object]] = {
    "profile": lambda path: load.profile(str(path)),
    "record": _record,
    "certificate": reading.read,
    "archive": _archive,
}


def main() -> None:
    """Try what libFuzzer makes up."""
    name, *options = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input.toml"

        def one(content: bytes) -> None:
            path.write_bytes(content)
            with suppress(ReproError):
                READERS[name](path)

        atheris.Setup([sys.argv[0], *options], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
