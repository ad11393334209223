"""Data sets: each module offers a `Recipe`, the folder is the registry, and one way to the images of a recipe.

`build(recipe)` makes or reads them; `derive(recipe, images, *, context)` makes them of another set's; `find(recipe, *,
context)` lists or reads those of a large set in their owner's folder, and can be stopped. All give `Images`.
`remarks(images)`, where there is one, says what a reader of results should know of them.
"""
