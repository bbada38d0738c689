"""One table of all operators of RxPY.

It has a row for every name in ``reactivex.operators``. A row says whether the operator may be on an
edge (R2), and when it delivers the items that an item causes (D4). It also says what the operator
holds outside the bound of the buffers (R5). Each row was read off the operator's source, and is
tested by running the operator. If RxPY adds or drops an operator, a test fails.

Rules: R2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

__all__ = ["CATALOGUE", "Delivers", "Entry", "entry_of"]

Delivers: TypeAlias = Literal["at once", "later", "by itself"]


@dataclass(frozen=True, slots=True)
class Entry:
    """The properties of one operator."""

    name: str
    """Its name in ``reactivex.operators``."""
    delivers: Delivers
    """When the operator delivers what an item causes.

    ``"at once"``: within the push of that item, or never. ``"later"``: also within the push of a
    later item, or at the end of its source. ``"by itself"``: also at its subscription, by a timer,
    on another thread, or when another Observable delivers. Completing on its own counts too; so
    does subscribing late."""
    one_to_one: bool = False
    """Whether exactly one item comes out for each that goes in, at once."""
    holds: str = ""
    """The items that it holds outside the bound, in words. It is empty if the operator never holds
    more than one item of each source, such as the last one."""
    instead: str = ""
    """A way to do the same within the bound, or to bound what is held."""
    holds_if: Callable[..., bool] | None = None
    """Tells from the operator's arguments whether it holds anything; None if it always does."""
    stands: bool = True
    """Whether it may be on an edge."""
    remark: str = ""
    """Why it may not and what to use instead, or what it needs next to it."""
    resubscribes: bool = False
    """Whether it subscribes to its source again."""
    closure: str = ""
    """The name that its closure carries, if that is not its own name."""

    @property
    def immediate(self) -> bool:
        """Whether it holds no item back and releases none by itself."""
        return self.delivers == "at once"

    @property
    def stays(self) -> bool:
        """Whether it delivers only inside calls from its source, and so on the same thread."""
        return self.delivers != "by itself"


def _limited(*sources: Any, max_concurrent: int | None = None) -> bool:
    return max_concurrent is not None


def _from_the_end(start: int | None = None, stop: int | None = None, step: int = 1) -> bool:
    return (start or 0) < 0 or (stop or 0) < 0


_ALL = (
    "it subscribes to every inner Observable at once; its function must bound how many are active "
    "at a time"
)
_AGAIN = (
    "it subscribes to its source again, and an edge allows one subscription only; use it on a cold "
    "flow, `flow.pipe(...)`, which runs the workflow each time"
)
_SEVERAL = "it returns two Observables; use `flow.pipe(...)`, which returns them"
_CONNECT = (
    "without a mapper it needs `ops.ref_count()` after it; the readers of a flow share it without "
    "either"
)

_COLLECT = "a stream of your own that collects from its input and pushes each list"
_COUNTED = "a smaller `count`, which bounds what it holds"
_BATCH = "the stream `Batch(count)`"
_BATCH_IN_TIME = "the stream `Batch(count, timeout)`"
_WINDOW = "the stream `Window(seconds)`, or `Batch(count, timeout)`"
_ENDING = (
    "`ops.group_by_until`, whose groups end, or, if all keys are known, a stream with an output "
    "for each"
)
_FEW = "durations that end groups before there are too many"
_FOLD = "`ops.reduce`, or a stream of your own, that keeps only what the result needs"
_JOIN = "a stream with an input for each side that drops items when they are too old"
_KEYS = (
    "a stream of your own that forgets old keys, or `ops.distinct_until_changed` if equal items "
    "follow each other"
)
_QUEUE = (
    "the stream `FlatMap`, which finishes one item before it takes the next, or "
    "`Map(fn, concurrency)`"
)
_SLEEP = "the stream `Delay(seconds)`"
_OWN_DELAY = "a stream of your own that waits before it pushes"
_THREAD = 'the stream `Map(fn, executor="threads")`'
_UNSHARED = "no operator: the readers of a flow share it anyway"
_ZIP = "the stream `Zip`, or one with an input for each side and `azip(*ins)`"

_EQUALS = "every item that is equal to the extreme one so far"
_INNER = "the inner Observables that wait for their turn"
_OPEN = "the items of every open buffer"
_WAITING = "every item that is not yet due"

# Windows and groups are Subjects: they hold no items, but `group_by` keeps each group by its key.
# A subscriber must subscribe within the push that delivers the window or group, or it misses the
# first items. The first window is delivered at the subscription.
_ROWS = (
    Entry("all", "later"),
    Entry("amb", "by itself"),
    Entry("as_observable", "at once", one_to_one=True),
    Entry("average", "later"),
    Entry("buffer", "by itself", holds=_OPEN, instead=_COLLECT),
    Entry("buffer_toggle", "by itself", holds=_OPEN, instead=_COLLECT),
    Entry("buffer_when", "by itself", holds=_OPEN, instead=_COLLECT),
    Entry("buffer_with_count", "later", holds="up to `count` items", instead=_BATCH),
    Entry("buffer_with_time", "by itself", holds=_OPEN, instead=_WINDOW),
    Entry(
        "buffer_with_time_or_count",
        "by itself",
        holds="up to `count` items",
        instead=_BATCH_IN_TIME,
    ),
    Entry("catch", "by itself"),
    Entry("combine_latest", "by itself"),
    Entry("concat", "by itself"),
    Entry("concat_all", "by itself", holds=_INNER, instead=_QUEUE),
    Entry("concat_map", "by itself", holds=_INNER, instead=_QUEUE),
    Entry("contains", "later"),
    Entry("count", "later"),
    Entry("debounce", "by itself"),
    Entry("default_if_empty", "later"),
    Entry("delay", "by itself", holds=_WAITING, instead=_SLEEP),
    Entry("delay_subscription", "by itself"),
    Entry("delay_with_mapper", "by itself", holds=_WAITING, instead=_OWN_DELAY),
    Entry("dematerialize", "at once"),
    Entry("distinct", "at once", holds="every key that it has seen", instead=_KEYS),
    Entry("distinct_until_changed", "at once"),
    Entry("do", "at once", one_to_one=True, closure="do_action"),
    Entry("do_action", "at once", one_to_one=True),
    Entry("do_while", "by itself", stands=False, remark=_AGAIN, resubscribes=True),
    Entry("element_at", "at once", closure="element_at_or_default"),
    Entry("element_at_or_default", "later"),
    Entry("exclusive", "by itself"),
    Entry("expand", "by itself", remark=_ALL),
    Entry("filter", "at once"),
    Entry("filter_indexed", "at once"),
    Entry("finally_action", "at once", one_to_one=True),
    Entry("find", "later", closure="find_value"),
    Entry("find_index", "later", closure="find_value"),
    Entry("first", "at once"),
    Entry("first_or_default", "later", closure="first_or_default_async"),
    Entry("flat_map", "by itself", remark=_ALL),
    Entry("flat_map_indexed", "by itself", remark=_ALL),
    Entry("flat_map_latest", "by itself"),
    Entry("fork_join", "by itself"),
    Entry("group_by", "at once", holds="every key, with its group", instead=_ENDING),
    Entry("group_by_until", "by itself", holds="the keys of all open groups", instead=_FEW),
    Entry("group_join", "by itself", holds=_WAITING, instead=_JOIN),
    Entry("ignore_elements", "at once"),
    Entry("is_empty", "later"),
    Entry("join", "by itself", holds=_WAITING, instead=_JOIN),
    Entry("last", "later"),
    Entry("last_or_default", "later"),
    Entry("map", "at once", one_to_one=True),
    Entry("map_indexed", "at once", one_to_one=True),
    Entry("materialize", "later"),
    Entry("max", "later", holds=_EQUALS, instead="`ops.reduce(max)`, which keeps one"),
    Entry("max_by", "later", holds=_EQUALS, instead=_FOLD),
    Entry(
        "merge",
        "by itself",
        holds="the inner Observables beyond `max_concurrent`",
        instead=_QUEUE,
        holds_if=_limited,
    ),
    Entry("merge_all", "by itself", remark=_ALL),
    Entry("min", "later", holds=_EQUALS, instead="`ops.reduce(min)`, which keeps one"),
    Entry("min_by", "later", holds=_EQUALS, instead=_FOLD),
    Entry("multicast", "by itself", remark=_CONNECT),
    Entry(
        "observe_on",
        "by itself",
        holds="every item that its scheduler has not delivered yet",
        instead=_THREAD,
    ),
    Entry("on_error_resume_next", "by itself"),
    Entry("pairwise", "at once"),
    Entry("partition", "at once", stands=False, remark=_SEVERAL),
    Entry("partition_indexed", "at once", stands=False, remark=_SEVERAL),
    Entry("pluck", "at once", one_to_one=True, closure="map"),
    Entry("pluck_attr", "at once", one_to_one=True, closure="map"),
    Entry("publish", "by itself", remark=_CONNECT),
    Entry("publish_value", "by itself", remark=_CONNECT, closure="multicast"),
    Entry("reduce", "later"),
    Entry("ref_count", "at once", one_to_one=True, remark="after `publish` and its kind"),
    Entry("repeat", "by itself", stands=False, remark=_AGAIN, resubscribes=True),
    Entry(
        "replay",
        "by itself",
        holds="every item, or the last `buffer_size`",
        instead=_UNSHARED,
        remark=_CONNECT,
        closure="multicast",
    ),
    Entry("retry", "by itself", stands=False, remark=_AGAIN, resubscribes=True),
    Entry("sample", "by itself"),
    Entry("scan", "at once", one_to_one=True),
    Entry(
        "sequence_equal",
        "by itself",
        holds="the items by which one side is ahead",
        instead=_ZIP,
    ),
    Entry("share", "at once", one_to_one=True),
    Entry("single", "later"),
    Entry("single_or_default", "later", closure="single_or_default_async"),
    Entry("single_or_default_async", "later"),
    Entry("skip", "at once"),
    Entry("skip_last", "later", holds="the last `count` items", instead=_COUNTED),
    Entry("skip_last_with_time", "later", holds=_WAITING, instead=_COLLECT),
    Entry("skip_until", "by itself"),
    Entry("skip_until_with_time", "at once"),
    Entry("skip_while", "at once"),
    Entry("skip_while_indexed", "at once"),
    Entry("skip_with_time", "at once"),
    Entry(
        "slice",
        "later",
        holds="as many items as it counts from the end",
        instead="bounds that count from the start",
        holds_if=_from_the_end,
    ),
    Entry("some", "later"),
    Entry("starmap", "at once", one_to_one=True, closure="map"),
    Entry("starmap_indexed", "at once", one_to_one=True, closure="map"),
    Entry("start_with", "by itself"),
    Entry("subscribe_on", "by itself"),
    Entry("sum", "later"),
    Entry("switch_latest", "by itself"),
    Entry("switch_map", "by itself"),
    Entry("switch_map_indexed", "by itself"),
    Entry("take", "at once"),
    Entry("take_last", "later", holds="the last `count` items", instead=_COUNTED),
    Entry("take_last_buffer", "later", holds="the last `count` items", instead=_COUNTED),
    Entry(
        "take_last_with_time", "later", holds="the items of the last `duration`", instead=_COLLECT
    ),
    Entry("take_until", "by itself"),
    Entry("take_until_with_time", "by itself"),
    Entry("take_while", "at once"),
    Entry("take_while_indexed", "at once"),
    Entry("take_with_time", "by itself"),
    Entry("tap", "at once", one_to_one=True, closure="do_action"),
    Entry("throttle_first", "at once"),
    Entry("throttle_with_mapper", "by itself"),
    Entry("throttle_with_timeout", "by itself", closure="debounce"),
    Entry("time_interval", "at once", one_to_one=True),
    Entry("timeout", "by itself"),
    Entry("timeout_with_mapper", "by itself"),
    Entry("timestamp", "at once", one_to_one=True),
    Entry("to_dict", "later", holds="an item for each key", instead=_FOLD),
    Entry(
        "to_future",
        "later",
        stands=False,
        remark="it returns a future; use `flow.pipe(ops.to_future())`, or `await flow`",
    ),
    Entry("to_iterable", "later", holds="every item", instead=_FOLD),
    Entry("to_list", "later", holds="every item", instead=_FOLD, closure="to_iterable"),
    Entry("to_marbles", "later", holds="the text of every item", instead=_FOLD),
    Entry("to_set", "later", holds="every distinct item", instead=_FOLD),
    Entry("while_do", "by itself", stands=False, remark=_AGAIN, resubscribes=True),
    Entry("window", "by itself"),
    Entry("window_toggle", "by itself"),
    Entry("window_when", "by itself"),
    Entry("window_with_count", "by itself"),
    Entry("window_with_time", "by itself"),
    Entry("window_with_time_or_count", "by itself"),
    Entry("with_latest_from", "by itself"),
    Entry(
        "zip",
        "by itself",
        holds="the items by which the faster side is ahead",
        instead=_ZIP,
    ),
    Entry("zip_latest", "by itself", closure="_zip_latest"),
    Entry("zip_with_iterable", "at once"),
    Entry("zip_with_list", "at once", closure="zip_with_iterable"),
)

CATALOGUE = {entry.name: entry for entry in _ROWS}
"""Every operator of RxPY by its public name."""

_BY_CLOSURE = {entry.closure: entry for entry in reversed(_ROWS) if entry.closure}


def entry_of(name: str) -> Entry | None:
    """Return the entry of an operator; None if the table does not have it.

    Args:
        name: Its public name, or the name of its closure, which several operators may share.

    Example:
        >>> entry_of("find_value").name, entry_of("delay").holds
        ('find', 'every item that is not yet due')
    """
    return CATALOGUE.get(name) or _BY_CLOSURE.get(name)
