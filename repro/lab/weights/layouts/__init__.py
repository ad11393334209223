"""The ways of naming a network's tensors, one module each: `find(state) -> Found | None`."""
