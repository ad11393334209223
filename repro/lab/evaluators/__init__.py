"""From a network's answers to the paper's numbers; a member is a module with `evaluate(answers) -> Result`."""
