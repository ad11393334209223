"""One results folder on two hosts at once: namespaces with a name, process numbers and a network of their own.

Both number their processes from 1, so that the same numbers are other processes there. One host dies, with all that
runs on it, while it holds a training.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

from tests.faults import several
from tests.faults.trials import Trial
from tests.faults.world import World

USUAL = 1
HOSTS = ("one", "two")
APART = ["unshare", "--uts", "--pid", "--mount-proc", "--fork", "--net"]
INSIDE = 'hostname "$0" && ip link set lo up && exec "$@"'


def skipped() -> str:
    """Why it cannot be tried here."""
    lacking = [name for name in ("unshare", "hostname", "ip") if shutil.which(name) is None]
    if lacking:
        return f"two hosts are made by {', '.join(lacking)}, not here"
    made = subprocess.run([*APART, "true"], capture_output=True, text=True)
    return f"two hosts are namespaces, which are refused here: {made.stderr.strip()}" if made.returncode else ""


def trials(world: World, *, times: int, seed: int) -> Iterator[Trial]:
    """Each time two hosts; whoever comes first to a training dies."""
    for _ in range(times):
        seen = several.tried(
            world, world.folder("hosts"), runs=2, before=lambda number: [*APART, "sh", "-c", INSIDE, HOSTS[number]]
        )
        yield Trial("a folder on two hosts, one dies", not seen, "; ".join(seen))
