"""The blueprint that a program writes: streams, steps, flows and the graph that they make."""
