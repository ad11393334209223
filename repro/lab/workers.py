"""What a process of a pool does before its first task; no torch."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def prepare() -> None:
    """In a worker process: let the parent handle Ctrl-C, and end when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
