"""What networks and methods are made of: heads, batch normalisation, a slow copy, a queue, a memory bank."""
