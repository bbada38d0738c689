"""What mimo_rx costs, beside what else one would write: ``python -m benchmarks --help``.

One case a file in `cases/`, one way to do the jobs a file in `ways/`: the hand-written queues, the
plain generators, each peer, and `mimo_rx` itself. How it is measured: see `measure.py`.
"""
