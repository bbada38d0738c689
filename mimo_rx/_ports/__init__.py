"""What an item passes: the bounded buffers, and the two ends of a port."""
