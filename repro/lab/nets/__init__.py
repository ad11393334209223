"""Encoders with a projection head; a member is a module with `Recipe` and `build`."""
