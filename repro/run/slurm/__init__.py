"""The executor for SLURM: arrays of jobs with dependencies; only records in the shared folder are believed."""
