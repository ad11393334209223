"""repro puts a NeurIPS 2021 paper to the test: its numbers as data, its methods as code, a verdict for each cell."""
