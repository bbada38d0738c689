"""A flattened blueprint, as an engine runs it."""
