"""An open run: its ports as the caller uses them, and what leaving its block does.

Rules: W6.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any

from .._errors import StreamCancelled
from .._life import Life
from .._notes import consists_of, gather, is_exit, reraise
from .._ports.sets import Inputs, Outputs
from .._statistics import Statistics
from .opening import Opening
from .run import Run
from .waits import Waits

__all__ = ["OpenFlow", "OpenRun"]


class OpenRun:
    """A run that its caller works with, inside ``async with workflow.open() as run``.

    The block begins when every stream has begun and every outside source is subscribed, so what a
    hot source fires in the first line of the block is in the run.

    Leaving the block closes the inputs, cancels the outputs and waits for the end. Leaving it by an
    exception cancels the run. A failure of the run cancels the block, which then raises the
    failure itself.

    Args:
        run: The run, not started yet.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._parent: asyncio.Task[Any] | None = None
        self._interrupted = False
        self._given_up = False
        where = f"workflow {run.plan.name!r}"
        self.ins = Outputs(where, "input", run.environment.outs)
        """The workflow's inputs, to push to: ``await run.ins.a.push(item)``."""
        self.outs = Inputs(where, "output", run.environment.ins)
        """The workflow's outputs, to read from: ``async for item in run.outs.b``."""

    @property
    def failure(self) -> BaseException | None:
        """The exception that failed the run; None if none did."""
        return self._run.failure

    def statistics(self) -> Statistics:
        """Return the statistics as of now."""
        return self._run.statistics()

    def waits(self) -> Waits:
        """Return who waits for whom now; ``str()`` of it draws the waits, a line each.

        A wait only for the next round of the loop is not among them, since the other side runs
        anyway.
        """
        return self._run.waits()

    def cancel(self) -> None:
        """Cancel all streams; the block goes on, and leaving it waits for their clean-up.

        A push or pop that waits in ``ins`` or ``outs``, or is called later, raises
        ``StreamCancelled``. The block need not catch it: it then ends there, without an error.
        After a failure of the run they raise it too, with the failure as its cause.
        """
        self._given_up = True
        self._run.on_stop = None
        self._run.stop()

    async def __aenter__(self) -> Any:
        """Start the run, and wait until all of it has begun."""
        run = self._run
        self._parent = asyncio.current_task()
        opening = run.opening = Opening(run.loop, run.processes)
        run.on_stop = opening.end
        run.start()
        try:
            await opening.wait()
        except asyncio.CancelledError as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        run.opening = None
        run.on_stop = self._interrupt
        if run.stopping:  # it has failed already: its block is cancelled, as it would be later
            self._interrupt()
        return self

    def _interrupt(self) -> None:
        """Cancel the block, since the run has failed."""
        # Not at once: the run may have failed inside a push of this very task.
        self._run.loop.call_soon(self._cancel_block)

    def _cancel_block(self) -> None:
        if self._run.on_stop is not None and self._parent is not None:
            self._interrupted = True
            self._parent.cancel()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Close the inputs, or cancel; wait for the end."""
        run = self._run
        run.on_stop = None
        failed = run.failure is not None
        if error is None:
            run.environment.leave()
        else:
            if isinstance(error, asyncio.CancelledError):
                run.note_waits(error)
            run.stop()
        outcome = await self._join()
        if error is None or self._is_ours(error):
            if outcome is not None:
                reraise(outcome)
            return True
        if outcome is None or isinstance(outcome, asyncio.CancelledError):
            return False
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            reraise(outcome)  # neither hides a real error
        if is_exit(outcome) or (failed and not is_exit(error)):
            gather(outcome, [("the block", error)])
            reraise(outcome)
        gather(error, [(f"the run of workflow {run.plan.name!r}", outcome)])
        return False

    async def _join(self) -> BaseException | None:
        """Wait for the end and return what the run raised; take back the cancel of the block."""
        if self._interrupted and self._parent is not None:
            self._parent.uncancel()
            try:
                await asyncio.sleep(0)  # the cancel itself may still be on its way
            except asyncio.CancelledError:
                pass
        try:
            await self._run.join()
        except BaseException as raised:
            return raised
        return None

    def _is_ours(self, error: BaseException) -> bool:
        """Tell whether `error` only says that the run was stopped before its end."""
        if isinstance(error, asyncio.CancelledError):
            return self._interrupted
        told = self._run.environment.life is Life.TOLD and (
            self._given_up or self._run.failure is not None
        )
        return told and consists_of(error, StreamCancelled)


class OpenFlow(OpenRun):
    """A run that reads one flow; its block gets an iterator over the items."""

    async def __aenter__(self) -> AsyncIterator[Any]:
        """Start the run and return the iterator over the items."""
        await super().__aenter__()
        port: Any = self._run.environment.ins["item"]
        items: AsyncIterator[Any] = aiter(port)
        return items

    def _interrupt(self) -> None:
        """Cancel the block at a failure, unless items wait: it meets it behind them (R2a)."""
        if not self._run.environment.ins["item"].buffer.items:
            super()._interrupt()
