"""What a run takes into its own processes: `sitecustomize`, which Python imports by itself where it is on the path."""
