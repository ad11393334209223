"""A certificate: what was measured, from which files, how it was judged; and whether all of that still holds."""
