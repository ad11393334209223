"""Non-semantic negatives: images that keep what should not matter; a member is a module with `Recipe` and `make`."""

from repro.lab.negatives.patch import patch_negatives

__all__ = ["patch_negatives"]
