"""The executors and the worker: how jobs get done; no science."""
