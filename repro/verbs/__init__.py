"""What people type: one module a verb or a family of them, with its options; each parses, calls and prints."""
