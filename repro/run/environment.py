"""Where and with what a result was computed, as its record keeps it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

PACKAGES = ("repro-ns", "torch", "torchvision", "numpy", "scipy", "pillow", "safetensors")


@cache
def describe() -> dict[str, Any]:
    """Versions, machine, commit and whether the checkout differs from it; the same within one process."""
    commit, dirty = _commit()
    return {
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "commit": commit,
        "dirty": dirty,
        "command": " ".join(["python", "-m", "repro.run.worker", *sys.argv[1:]]),
    }


@cache
def card() -> str:
    """The name of the graphics card that torch computes on."""
    return str(import_module("torch").cuda.get_device_name())


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def _commit() -> tuple[str | None, bool | None]:
    """The commit of the checkout that this code runs from; None where it is not a checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None, None
    try:
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=10, check=True
        )
        changes = subprocess.run(
            ["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None, None
    return head.stdout.strip(), bool(changes.stdout.strip())
