"""Operators for any program of RxPY, whether it has workflows or not.

Within a workflow, use those of ``reactivex.operators``: a workflow holds its sources back by
itself.
"""

from ._backpressure import on_backpressure

__all__ = ["on_backpressure"]
