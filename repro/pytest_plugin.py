"""`pytest tables figures`: each cell and each claim is a test, judged on what is stored; nothing is run for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from repro.judge.cases import Case

OPTIONS = {
    "profile": ("mini", "means on which the results were made"),
    "results": ("results", "folder of results"),
    "rows": ("", "only these rows, by id, with commas between"),
    "columns": ("", "only these columns, by id, with commas between"),
    "seeds": ("", "training seeds with commas between; the profile's where left out"),
    "source": ("train", "train, or download for the networks that others published"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Those options of `repro check` that say which results are meant."""
    group = parser.getgroup("repro", "cells and claims of the paper as tests")
    for name, (default, words) in OPTIONS.items():
        group.addoption(f"--repro-{name}", default=default, help=f"{words} (default: {default or 'all'})")
    group.addoption("--repro-data", action="append", default=[], metavar="[NAME=]DIR", help="a folder of images")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> TableFile | None:
    """Tables and figures that `repro list` knows, and no other TOML file of those names."""
    if file_path.suffix != ".toml" or file_path.parent.name not in ("tables", "figures"):
        return None
    from repro.spec import home

    known = home.files(file_path.parent.name).get(file_path.stem)
    if known is None or known.resolve() != file_path.resolve():
        return None
    table: TableFile = TableFile.from_parent(parent, path=file_path)
    return table


class TableFile(pytest.File):
    """A table or a figure."""

    def collect(self) -> Iterator[CaseItem]:
        """Its cells, then its claims."""
        from repro.errors import ReproError
        from repro.judge.board import assemble
        from repro.judge.cases import cases
        from repro.verbs.planning import Typed, planned

        asked = {name: str(self.config.getoption(f"--repro-{name}")) for name in OPTIONS}
        rest: dict[str, Any] = dict.fromkeys(("limit", "device", "weights", "classifier", "named"))
        typed = Typed(
            profile=asked["profile"],
            results=Path(asked["results"]),
            rows=asked["rows"],
            columns=asked["columns"],
            seeds=asked["seeds"],
            source=asked["source"],
            data=self.config.getoption("--repro-data"),
            **rest,
        )
        try:
            specs, plan, store = planned(self.path.stem, typed)
            found = list(cases(assemble(specs.tables, plan, store)))
        except ReproError as error:
            raise self.CollectError(f"repro: {error}") from None
        for case in found:
            yield CaseItem.from_parent(self, name=case.name, case=case)


class Refuted(Exception):
    """A cell that differs or could not be had, or a claim that our numbers speak against."""


class CaseItem(pytest.Item):
    """A cell or a claim."""

    def __init__(self, *, case: Case, **given: Any) -> None:
        super().__init__(**given)
        self.case = case

    def runtest(self) -> None:
        """Failed with the whole comparison, skipped with the reason."""
        if self.case.state == "skipped":
            pytest.skip(self.case.message)
        if self.case.state in ("failed", "error"):
            raise Refuted(self.case.message)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The comparison alone, without the lines of code that found it."""
        return str(excinfo.value) if excinfo.errisinstance(Refuted) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the cell is written, and its name."""
        return self.path, None, f"{self.case.group} {self.name}"
