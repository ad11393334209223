"""What people write, TOML, to frozen typed objects; every fault of every file in one pass."""
