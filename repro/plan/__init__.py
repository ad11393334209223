"""Table + profile to jobs: what would run, why, and what it costs."""
