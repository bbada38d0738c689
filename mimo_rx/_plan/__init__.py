"""A blueprint laid flat, as an engine runs it."""
