"""Image files of others: read, looked over, kept decoded in a cache."""
