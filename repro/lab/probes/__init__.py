"""Linear classifiers on frozen features; a member is a module with `Recipe` and `fit`."""
