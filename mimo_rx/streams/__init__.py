"""Ready-made streams, for what an Rx operator cannot do in bounded memory.

A name with a capital letter is a stream: a step with buffers, which may wait. A lower-case name is
an operator, which runs inside the push. Both mix in one chain::

    ReadLines("access.log") | ops.map(parse) | Map(look_up, concurrency=8) | WriteJsonLines("out")
"""

from ._ends import ForEach, ToList
from ._files.read import ReadCsv, ReadJsonLines, ReadLines
from ._files.write import WriteCsv, WriteJsonLines, WriteLines
from ._flat_map import FlatMap
from ._joins import HashJoin, JoinSorted
from ._lists import Batch, FromLists, ToLists
from ._map import Map
from ._ready_made import Failure
from ._route import Balance, Route
from ._rows import Pair
from ._sorted import MergeSorted
from ._time import Delay, Throttle, Window
from ._zip import Concat, Unzip, Zip, ZipLongest

__all__ = [
    "Balance",
    "Batch",
    "Concat",
    "Delay",
    "Failure",
    "FlatMap",
    "ForEach",
    "FromLists",
    "HashJoin",
    "JoinSorted",
    "Map",
    "MergeSorted",
    "Pair",
    "ReadCsv",
    "ReadJsonLines",
    "ReadLines",
    "Route",
    "Throttle",
    "ToList",
    "ToLists",
    "Unzip",
    "Window",
    "WriteCsv",
    "WriteJsonLines",
    "WriteLines",
    "Zip",
    "ZipLongest",
]
