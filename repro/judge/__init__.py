"""The only place that judges: numbers of the paper and of our runs to verdicts, with the reason for each."""
