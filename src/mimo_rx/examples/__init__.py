"""Programs to run and to read, over the public names alone.

Each is a module with a builder of the same name and a click command ``main``, and runs as
``python -m mimo_rx.examples.linear``.
"""
