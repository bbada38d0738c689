"""What a program says: streams, steps, flows and the graph that they make."""
