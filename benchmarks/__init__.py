"""The cost of mimo_rx, compared with the alternatives: ``python -m benchmarks --help``.

Each file in `cases/` has related cases. Each file in `ways/` is one way to do the jobs: the
hand-written queues, plain generators, each peer, and `mimo_rx` itself. `measure.py` explains the
method.
"""
