"""Cancellation safety: a cancel at any suspension of any call loses no item and doubles none.

The calls are cancelled at their first suspension, at their second, and so on, until none is left.
Each time the cancel comes as they sleep, a few turns of the loop later, or just as they are woken.
A task that was cancelled goes on with its work, next to another task at the same port.
"""

import asyncio
import random
import types
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any

import pytest

from graph_faults import after
from helpers import run
from mimo_rx import InputClosed, Stream, Workflow
from mimo_rx._ports.buffer import Buffer
from mimo_rx._ports.input import Input
from mimo_rx._ports.output import Output
from ports import assert_nobody_waits, buffer, counted, outputs, reader, start, through, turns
from trials import ShuffledLoop

ALLOWANCE = 8
"""Calls before the loop goes round (P12); few, so that these waits are tried too."""
ITEMS = 7


class Strike:
    """Cancels the current task at a suspension of the call that is awaited through it.

    Args:
        at: The number of the suspension, from 1.
        delay: Turns of the loop after it, if the call still waits then. None is the moment when the
            wait is over, but the task does not know yet.
    """

    def __init__(self, at: int, delay: int | None) -> None:
        self.left = at
        self.delay = delay
        self.call: object = None
        self.struck = False

    async def survive(self, call: Awaitable[Any]) -> tuple[bool, Any]:
        """Await `call`; tell whether it finished, and what it returned."""
        self.call = call
        try:
            return True, await self._watch(call)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            assert self.struck
            assert task.uncancel() == 0
            return False, None
        finally:
            self.call = None

    @types.coroutine
    def _watch(self, call: Any) -> Generator[Any, None, Any]:
        step = partial(call.send, None)
        while True:
            try:
                future = step()
            except StopIteration as end:
                return end.value
            self.left -= 1
            if not self.left:
                self._aim(future, call)
            step = partial(call.send, None)
            try:
                yield future
            except BaseException as error:
                step = partial(call.throw, error)

    def _aim(self, future: asyncio.Future[Any] | None, call: object) -> None:
        task = asyncio.current_task()

        def cancel(*_: object) -> None:
            if self.call is call and task is not None:
                self.struck = True
                task.cancel()

        if self.delay is None and future is not None:
            future.add_done_callback(cancel)
        else:
            after(self.delay or 0, cancel)


def at_every_suspension(delay: int | None, trial: Callable[[Strike], Any]) -> int:
    """Run `trial` once for each suspension, with a strike at it; return their number."""
    at = 0
    while True:
        at += 1
        strike = Strike(at, delay)
        run(trial(strike))
        if strike.left > 0:
            return at - 1


# Pushes


def writers(shape: str) -> tuple[Output[Any], list[Output[Any]], list[Buffer]]:
    """Make the output that is struck, other outputs, and the buffers that they share."""
    near, far = buffer(1, allowance=ALLOWANCE), buffer(2, allowance=ALLOWANCE)
    if shape == "counted":
        out = counted(near, allowance=ALLOWANCE)
        return out, outputs([near]), [near]
    if shape == "through":
        out = through(near, far)
        return out, outputs([far]), [near, far]
    edges = {"one": [near], "both": [near, far], "crossed": [near, far]}[shape]
    other = [far, near] if shape == "crossed" else [near]
    out, *others = outputs(edges, other)
    return out, others, [near, far] if far in edges else [near]


async def pushes(out: Output[Any], how: str, strike: Strike) -> list[int]:
    """Push all items except the one that is struck as it waits; return those that were pushed."""
    went: list[int] = []
    items = iter(range(ITEMS))
    if how == "push_many":
        while not (await strike.survive(out.push_many(items)))[0]:
            pass
        return list(range(ITEMS))
    for item in items:
        has_room, before = not out.lacking(), out.count
        timeout = 99.0 if how == "push with a timeout" else None
        finished, _ = await strike.survive(out.push(item, timeout=timeout))
        assert out.count == before + (finished or has_room)
        went += [item] * (out.count - before)
    return went


@pytest.mark.parametrize("delay", [None, 0, 1, 2, 3])
@pytest.mark.parametrize("how", ["push", "push with a timeout", "push_many"])
@pytest.mark.parametrize("shape", ["one", "both", "crossed", "through", "counted"])
def test_p7_a_push_cancelled_at_any_suspension_loses_nothing_and_doubles_nothing(shape, how, delay):
    """P7, P2: a push that waits for room is as if never called, and one that had room is done.
    `push_many` goes on where its iterator stands."""

    async def trial(strike: Strike) -> None:
        out, others, buffers = writers(shape)
        got: list[list[Any]] = [[] for _ in buffers]

        async def read(port: Input[Any], into: list[Any]) -> None:
            async for item in port:
                into.append(item)
                await turns(1)

        async def push_others() -> None:
            for number in range(ITEMS):
                for other in others:
                    await other.push(("other", number))

        tasks = [start(read(reader(b), into)) for b, into in zip(buffers, got, strict=True)]
        tasks.append(start(push_others()))
        went = await pushes(out, how, strike)
        await tasks.pop()
        for each in (out, *others):
            each.close()
        await asyncio.gather(*tasks)
        for far, into in zip(buffers, got, strict=True):
            assert [item for item in into if isinstance(item, int)] == went
            theirs = [item for item in into if not isinstance(item, int)]
            assert theirs in ([], [("other", number) for number in range(ITEMS)])
            assert far.taken == len(into)
        assert_nobody_waits([out, *others, *map(reader, buffers)])

    assert at_every_suspension(delay, trial) >= 3


# Reads


async def take(port: Input[Any], how: str) -> list[Any]:
    """Take some items."""
    if how == "peek":
        first = await port.peek()
        return [first]
    if how == "chunks":
        async for chunk in port.chunks(3):
            return chunk
        return []
    if how == "async for":
        async for item in port:
            return [item]
        return []
    return [await port.pop(timeout=99 if how == "pop with a timeout" else None)]


async def reads(port: Input[Any], how: str, strike: Strike | None, alone: bool = True) -> list[Any]:
    """Take all items until the end, in spite of the strikes.

    Next to another reader, a reader that was struck or only looked does nothing until the other one
    has taken what is there. The other one could not do so if a wake-up had been lost.
    """
    got: list[Any] = []
    while not port.is_closed():
        try:
            call = take(port, how)
            finished, items = await strike.survive(call) if strike else (True, await call)
            if finished and how == "peek":  # by now another reader may have been quicker
                items = [await port.pop()] if alone else []
        except InputClosed:
            break
        got += items or []
        if not alone and (how == "peek" or not finished):
            here = port.buffer.entered
            await turns(6)
            assert port.buffer.taken >= here
    return got


READS = ["pop", "pop with a timeout", "peek", "chunks", "async for"]


@pytest.mark.parametrize("delay", [None, 0, 1, 2, 3])
@pytest.mark.parametrize("other", [None, "pop", "peek", "chunks"])
@pytest.mark.parametrize("how", READS)
def test_p7_a_read_cancelled_at_any_suspension_loses_nothing_and_doubles_nothing(how, other, delay):
    """P7, P8: alone, and next to another reader, whose wake-ups must not be lost with it."""

    async def trial(strike: Strike) -> None:
        far = buffer(2, allowance=ALLOWANCE)
        (out,) = outputs([far])
        port = reader(far)
        victim = start(reads(port, how, strike, alone=other is None))
        tasks = [start(reads(port, other, None))] if other else []
        await turns(1)
        for item in range(2 * ITEMS):
            await out.push(item)
            # Now and then no other item comes: it would make up for a lost wake-up.
            for _ in range(20 * ((item + 1) % 3)):
                if far.items:
                    await turns(1)
        out.close()
        got = await asyncio.gather(victim, *tasks)
        assert sorted(item for each in got for item in each) == list(range(2 * ITEMS))
        assert all(each == sorted(each) for each in got)
        assert far.taken == 2 * ITEMS
        assert_nobody_waits([out, port])

    assert at_every_suspension(delay, trial) >= (3 if other is None else 1)


# All at once


async def attempted(call: Callable[[], Awaitable[None]], chance: random.Random) -> None:
    """Await `call` in a task that is cancelled after some turns, or let it finish.

    A cancel that this did not ask for is passed on: a run would not end if it were swallowed.
    """

    async def main() -> None:
        await call()

    task = asyncio.create_task(main())
    asked = chance.random() < 0.5
    try:
        if asked:
            await turns(chance.randrange(6))
            task.cancel()
        await asyncio.wait([task])
    finally:
        task.cancel()
    if not (task.cancelled() and asked):
        task.result()


def producer(number: int, seed: int, went: list[Any]) -> Any:
    """Make a function that pushes to `x` under random cancels and notes which items it pushed."""

    async def produce(ins: Any, outs: Any, state: Any) -> None:
        chance = random.Random(f"{seed} {number}")
        for item in range(15):
            before = outs.x.count
            if chance.random() < 0.3:
                batch = iter([(number, item, place) for place in range(3)])
                await attempted(lambda b=batch: outs.x.push_many(b), chance)  # type: ignore[misc]
                went.extend((number, item, place) for place in range(outs.x.count - before))
            else:
                await attempted(lambda i=item: outs.x.push((number, i)), chance)  # type: ignore[misc]
                went.extend([(number, item)] * (outs.x.count - before))

    return produce


def consumer(seed: int, got: list[Any]) -> Any:
    """Make a function that pops from `x` under random cancels."""

    async def consume(ins: Any, outs: Any, state: Any) -> None:
        chance = random.Random(seed)

        async def pop() -> None:
            got.extend([await ins.x.pop()])

        async def chunk() -> None:
            async for items in ins.x.chunks(2):
                got.extend(items)
                return

        while not ins.x.is_closed():
            try:
                await attempted(chance.choice([pop, pop, chunk]), chance)
            except InputClosed:
                return

    return consume


@pytest.mark.parametrize("any_order", [False, True])
def test_p7_fan_outs_into_shared_inputs_under_random_cancels_never_hang(any_order):
    """P7, P6: hundreds of seeds; two fan-outs must not hand turns back and forth for ever."""
    for seed in range(300):
        chance = random.Random(seed)
        workflow = Workflow(threshold=chance.randint(1, 2))
        went: list[list[Any]] = [[] for _ in range(chance.randint(2, 5))]
        got: list[list[Any]] = [[] for _ in range(chance.randint(2, 4))]
        sinks = [
            workflow.add_stream(Stream(["x"], fn=consumer(seed + place, each), name=f"sink{place}"))
            for place, each in enumerate(got)
        ]
        fed: list[list[int]] = []
        for number, each in enumerate(went):
            stream = Stream(outs=["x"], fn=producer(number, seed, each), name=f"source{number}")
            step = workflow.add_stream(stream)
            fed.append(chance.sample(range(len(got)), chance.randint(1, len(got))))
            step["x"] | [sinks[place] for place in fed[-1]]
        statistics = run(workflow.run(), ShuffledLoop(seed) if any_order else None)
        for place, items in enumerate(got):
            for number, each in enumerate(went):
                came = [item for item in items if item[0] == number]
                assert came == (each if place in fed[number] else []), seed
            assert statistics.steps[f"sink{place}"].inputs["x"].growth == 0
