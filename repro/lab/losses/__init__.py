"""Losses, one family a module: arithmetic on embeddings of unit length, no network and no state."""
