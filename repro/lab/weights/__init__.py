"""Weight files that others made: read without running anything, recognised, and laid into a network of ours."""
