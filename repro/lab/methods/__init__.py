"""Ways to learn without labels; a member is a module with `Recipe` and `build`."""
