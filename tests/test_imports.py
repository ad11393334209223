"""Imports follow the arrows of the design and never turn back."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "repro"
FLOOR = {  # a room may look at rooms on lower floors, and at its own
    "errors": 0, "files": 0, "metrics": 0, "reference": 0, "leftovers": 0,
    "spec": 1, "store": 1, "records": 0,
    "plan": 2,
    "lab": 2,
    "fetch": 2,
    "holdings": 2,
    "run": 3,
    "judge": 4,
    "render": 5,
    "completion": 2, "options": 2, "cli": 6, "cli_data": 6, "cli_plan": 6,
    "cli_judge": 6, "pytest_plugin": 7, "cli_cache": 6, "cli_textures": 6, "cli_checkpoints": 6,
    "cli_run": 6, "cli_figure": 6, "cli_slurm": 6, "cli_certify": 6,
    "cli_report": 6,
    "__main__": 7, "__init__": 0,
}  # fmt: skip
LAB_MAY_SEE = {"errors", "files", "metrics", "reference", "lab"}


def _modules() -> dict[str, Path]:
    names = {}
    for path in PACKAGE.rglob("*.py"):
        parts = ("repro", *path.relative_to(PACKAGE).with_suffix("").parts)
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


MODULES = _modules()


def _imports(path: Path) -> set[str]:
    """Modules of ours and others that a file imports when it runs; those for type checkers alone are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for part in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {
                inner if (inner := f"{node.module}.{alias.name}") in MODULES else node.module for alias in node.names
            }
    return found


GRAPH = {name: _imports(path) for name, path in MODULES.items()}


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_no_module_looks_up(module: str) -> None:
    ours = {other for other in GRAPH[module] if other in MODULES}
    assert all(FLOOR[_room(other)] <= FLOOR[_room(module)] for other in ours), ours
    if _room(module) == "lab":
        assert {_room(other) for other in ours} <= LAB_MAY_SEE
    elif _room(module) != "run":
        allowed = {"lab"} if _room(module).startswith("cli") else set()
        assert {_room(other) for other in ours} & {"lab"} <= allowed


def test_there_is_no_cycle() -> None:
    graph = {
        module: {other for other in found if other in MODULES and other != module} for module, found in GRAPH.items()
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


def test_torch_is_imported_in_the_lab_alone() -> None:
    users = {
        module
        for module, found in GRAPH.items()
        if any(name.split(".")[0] in {"torch", "torchvision", "safetensors"} for name in found)
    }
    assert {_room(module) for module in users} == {"lab"}


@pytest.mark.parametrize("verb", [["list"], ["show", "table1"], ["show", "table1", "--json"]])
def test_a_verb_that_looks_up_numbers_loads_nothing_heavy(verb: list[str]) -> None:
    script = (
        "import sys\nfrom repro.cli import main\n"
        f"sys.argv = ['repro', *{verb!r}]\nmain()\n"
        "heavy = {'torch', 'pandas', 'scipy', 'numpy', 'matplotlib'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
