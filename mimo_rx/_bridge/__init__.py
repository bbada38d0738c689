"""The operators of one run."""
