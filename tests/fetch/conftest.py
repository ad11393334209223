"""What the tests of downloads share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fetch.serving import Served, served


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is reached without the proxies of the machine; no variable of ours is set."""
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    for name in ("REPRO_OFFLINE", "REPRO_MIRROR", "REPRO_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[Served]:
    """A server on loopback that does as it is told."""
    with served() as running:
        yield running
