"""TeX for tests that compile: which engines and packages are here, and what a document's log says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

PACKAGES = ("booktabs.sty", "siunitx.sty", "amssymb.sty", "pdftexcmds.sty")
ARTICLE = "\\documentclass{article}\n%s\n\\begin{document}\n%s\n\\end{document}\n"
_COMPLAINT = re.compile(r"^(?:!|.*(?:Warning|Overfull|Underfull|Missing character)).*$", re.MULTILINE)
_RERUN = "LaTeX Warning: Label(s) may have changed. Rerun to get cross-references right."


@cache
def missing(engine: str) -> str:
    """Why a document cannot be compiled here; empty where it can."""
    if shutil.which(engine) is None:
        return f"{engine} is not installed"
    for package in PACKAGES:
        if subprocess.run(["kpsewhich", package], capture_output=True, check=False).returncode:
            return f"LaTeX's package {package} is not installed"
    return ""


def needed(engine: str = "pdflatex") -> None:
    """Skip the test, with the reason, where a document cannot be compiled."""
    if missing(engine):
        pytest.skip(missing(engine))


def compiled(text: str, folder: Path, *, engine: str = "pdflatex") -> tuple[int, list[str]]:
    """The exit code of a document, and every error and warning of its log; its lines are not broken."""
    needed(engine)
    (folder / "paper.tex").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [engine, "-interaction=nonstopmode", "paper.tex"],
        cwd=folder,
        env={**os.environ, "max_print_line": "10000", "openout_any": "p"},
        capture_output=True,
        timeout=300,
        check=False,
    )
    log = (folder / "paper.log").read_text(encoding="utf-8", errors="replace")
    return done.returncode, [line for line in _COMPLAINT.findall(log) if line != _RERUN and "infwarerr" not in line]
