"""LaTeX: a table and its claims as a document takes them, and numbers for the text of a paper."""
