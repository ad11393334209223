"""From networks' answers to the paper's numbers; a member offers `observe` and `conclude` (`repro.lab.evaluation`)."""
