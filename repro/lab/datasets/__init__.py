"""Data sets: each module offers a `Recipe` and `build(recipe) -> Images`; the folder is the registry."""
