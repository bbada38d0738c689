"""The path of an item in a run: an output, the bounded buffers that it feeds, and their inputs."""
