"""What several tests share: the folder of public test data beside the checkout, and a clean place to type commands."""

from __future__ import annotations

from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
SHARED = CHECKOUT.parent / "shared"


@pytest.fixture
def shared() -> Path:
    """Reference material that is not part of the project; a test that needs it is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the reference material beside the checkout is absent")
    return SHARED
