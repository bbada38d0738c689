"""Ready-made streams: what an Rx operator cannot do within a bound.

A capital letter is a stream with buffers, which may wait; a lower-case operator runs inside the
push. They mix in one chain::

    ReadLines("access.log") | ops.map(parse) | Map(look_up, concurrency=8) | WriteJsonLines("out")
"""

from ._base import Failure
from ._map import Map

__all__ = ["Failure", "Map"]
