"""Everything that computes with images and networks; the only part of the project that imports torch."""
