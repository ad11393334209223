"""A real SLURM of one node on loopback, in a folder of its own: own munge key, own ports, fake graphics cards.

Nothing of the machine's own configuration is read or changed; the daemons are ended by their pid files, and by a guard
(`tests/run/slurm/guard.py`) where the tests are killed before they come to that. Nothing is mounted.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.conftest import CHECKOUT

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
CARDS = 2
PATIENCE = 60.0  # seconds for a daemon, or for one call of a client
NODE = "here"  # the node's name; its address is loopback


def missing() -> str:
    """Why there can be no cluster here, or ""."""
    lacking = [name for name in PROGRAMS if _program(name) is None]
    if lacking:
        return f"needs Debian's slurm-wlm and munge; {', '.join(lacking)} not found"
    return "" if os.geteuid() == 0 else "needs to be root, for the fake graphics cards are made by mknod"


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin:/sbin")


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Cluster:
    """One node with a few cores and fake cards, and the environment in which clients speak to it."""

    def __init__(self, folder: Path, *, cores: int = 4) -> None:
        self.folder, self.cores = folder, cores
        self.ports = free_ports(2)
        self.environment = {
            **os.environ,
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": os.environ.get("PATH", "") + os.pathsep + "/usr/sbin:/sbin",
        }

    def start(self) -> None:
        """Start the three daemons and wait until the node takes jobs."""
        for name in ("munge", "state", "spool"):
            (self.folder / name).mkdir(mode=0o755, parents=True)
        key = self.folder / "munge" / "key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        for card in range(CARDS):  # plain files would leave CUDA_VISIBLE_DEVICES unset
            os.mknod(self.folder / f"card{card}", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        (self.folder / "slurm.conf").write_text(self._configuration(), encoding="utf-8")
        (self.folder / "gres.conf").write_text(
            f"NodeName={NODE} Name=gpu File={self.folder}/card[0-{CARDS - 1}]\n", encoding="utf-8"
        )
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n", encoding="utf-8")
        munge = self.folder / "munge"
        places = {
            name: f"--{name}={munge}/{name.removesuffix('-file')}" for name in ("pid-file", "log-file", "seed-file")
        }
        self.guard = subprocess.Popen(
            [sys.executable, "-m", "tests.run.slurm.guard"],
            cwd=CHECKOUT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.munged = ("munged", "--force", f"--key-file={key}", f"--socket={munge}/socket", *places.values())
        self.daemon(*self.munged)
        self.daemon("slurmctld", "-c")
        self.daemon("slurmd", "-N", NODE)
        self.until(lambda: "idle" in self.call("sinfo", "-h", "-o", "%T"))

    def daemon(self, program: str, *words: str) -> None:
        """Have the guard start a daemon, which goes into the background by itself."""
        found = _program(program)
        assert found is not None, program
        assert self.guard.stdin is not None
        assert self.guard.stdout is not None
        self.guard.stdin.write(json.dumps([found, *words]) + "\n")
        self.guard.stdin.flush()
        answer = self.guard.stdout.readline()
        assert answer, f"{program}: the guard is gone"
        code, said = json.loads(answer)
        assert code == 0, f"{program} {' '.join(words)}: {said}"

    def _configuration(self) -> str:
        f, socket_ = self.folder, self.folder / "munge" / "socket"
        lines = {
            "ClusterName": "test",
            "SlurmctldHost": f"{socket.gethostname()}(127.0.0.1)",
            "SlurmUser": "root",
            "SlurmdUser": "root",
            "SlurmctldPort": self.ports[0],
            "SlurmdPort": self.ports[1],
            "AuthType": "auth/munge",
            "CredType": "cred/munge",
            "AuthInfo": f"socket={socket_},cred_expire=6",  # a requeued job waits for the end of its credential
            "StateSaveLocation": f / "state",
            "SlurmdSpoolDir": f / "spool",
            "SlurmctldPidFile": f / "slurmctld.pid",
            "SlurmdPidFile": f / "slurmd.pid",
            "SlurmctldLogFile": f / "slurmctld.log",
            "SlurmdLogFile": f / "slurmd.log",
            "ProctrackType": "proctrack/linuxproc",
            "TaskPlugin": "task/none",
            "JobAcctGatherType": "jobacct_gather/none",
            "AccountingStorageType": "accounting_storage/none",
            "MpiDefault": "none",
            "SwitchType": "switch/none",
            "SchedulerType": "sched/backfill",
            "SchedulerParameters": "sched_interval=2,bf_interval=2,batch_sched_delay=0",
            "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_Core",
            "GresTypes": "gpu",
            "ReturnToService": 2,
            "MinJobAge": 30,
            "KillWait": 20,
            "MailProg": "/bin/true",
            "SlurmdParameters": "config_overrides",  # as many cores as the test wants, whatever the machine has
        }
        node = (
            f"NodeName={NODE} NodeAddr=127.0.0.1 NodeHostname={socket.gethostname()} CPUs={self.cores} RealMemory=1000"
        )
        text = "".join(f"{name}={value}\n" for name, value in lines.items())
        return f"{text}{node} Gres=gpu:{CARDS} State=UNKNOWN\nPartitionName=all Nodes={NODE} Default=YES State=UP\n"

    def call(self, program: str, *words: str) -> str:
        """Run a client; its output. Every call has a time limit."""
        found = _program(program)
        assert found is not None, program
        done = subprocess.run(
            [found, *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{program} {' '.join(words)}: {done.stderr}"
        return done.stdout

    def until(self, happened: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
        """Wait for something."""
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.1)

    def logs(self) -> str:
        """The end of what the daemons wrote."""
        files = [path for path in self.folder.glob("*.log") if path.is_file()]
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-3000:]}" for path in files)

    def stop(self) -> None:
        """End what runs in it, then the daemons by their pid files; the guard sees to what is left."""
        if not hasattr(self, "guard"):
            return
        try:
            with suppress(AssertionError, subprocess.TimeoutExpired):
                self.call("scancel", "--user=root")
                self.until(lambda: not self.call("squeue", "-h").strip(), seconds=30.0)
            for name in ("slurmd.pid", "slurmctld.pid", "munge/pid"):
                self.end(name)
        finally:
            self.guard.communicate(timeout=PATIENCE)

    def end(self, name: str) -> None:
        """End one daemon by its pid file, and wait for it."""
        with suppress(FileNotFoundError, ValueError, ProcessLookupError):
            process = int((self.folder / name).read_text())
            os.kill(process, signal.SIGTERM)
            deadline = time.monotonic() + PATIENCE
            while not _is_gone(process) and time.monotonic() < deadline:
                time.sleep(0.05)


def _is_gone(process: int) -> bool:
    """Whether a process has ended, be it that the guard took no note of it yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True
