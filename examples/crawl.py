"""Crawl a small site: a ring of streams that ends by itself.

The program serves a site of `--pages` pages on the loopback address, and crawls it. ``ask`` asks
for the front page, and for each page that it sees a link to for the first time. ``fetch`` fetches
up to `--concurrency` pages at once. Its answers lead back to ``ask``. Some pages do not exist, and
some make the server fail. These leave ``fetch`` by its port ``errors``. They are answers too, and
are listed at the end.

The edges that lead back are marked with ``feedback=True``. So the program need not count the pages
that are still being fetched: when every stream of the ring waits for items and none is under way,
the ring ends as a chain does.

A page may have more links than the buffers of a ring hold. If ``ask`` pushed all of them at once,
``ask`` would wait for ``fetch``, and ``fetch`` for ``ask``. The run would see that and let a buffer
grow, with a warning. Here the ring never fills: ``ask`` asks for a page only while fewer than
`--concurrency` are under way. It keeps the pages still to ask for and the pages seen; each of the
two is at most as large as the site.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

import click

from crawl_site import Page, Site, fetch
from example_command import GRAPH, SETTINGS, STATS, carry_out, help_of, threshold_option
from mimo_rx import Inputs, Outputs, Workflow, stream
from mimo_rx.streams import Failure, ForEach, Map

Answer: TypeAlias = Page | Failure


class Plan(NamedTuple):
    """The site to crawl, and how."""

    site: Site
    concurrency: int
    """Number of pages under way at once."""


def crawl(
    pages: int = 20,
    concurrency: int = 4,
    threshold: int = 10,
    *,
    site: Site | None = None,
    done: Callable[[Sequence[Answer]], object] | None = None,
) -> Workflow:
    """Return the workflow that serves a site and crawls it.

    Args:
        pages: Number of pages of the site, at least 1.
        concurrency: Number of pages that are fetched at once, at least 1.
        threshold: Items that a buffer may hold, at least 1.
        site: The site to crawl instead of one with `pages` pages.
        done: Called with the answers, in the order of their paths; None prints them.
    """
    workflow = Workflow(name="crawl", threshold=threshold)
    asking = workflow.add_stream(ask(state=Plan(site or Site(pages), concurrency)))
    fetching = workflow.add_stream(Map(fetch, concurrency=concurrency, ordered=False))

    asking | fetching
    for output in ("item", "errors"):
        fetching.pipe(asking, output=output, input="answer", feedback=True)
    [fetching["item"], fetching["errors"]] | in_order() | ForEach(done or print_all, name="tell")
    return workflow


@stream(ins=["answer"], outs=["url"])
async def ask(ins: Inputs, outs: Outputs, plan: Plan) -> None:
    """Serve the site, and ask for each of its pages once."""
    async with plan.site.served() as front:
        seen = {front}
        await outs.url.push(front)
        free = plan.concurrency - 1
        waiting: deque[str] = deque()
        async for answer in ins.answer:
            free += 1
            for link in answer.links if isinstance(answer, Page) else ():
                if link not in seen:
                    seen.add(link)
                    waiting.append(link)
            while waiting and free:
                await outs.url.push(waiting.popleft())
                free -= 1


@stream(ins=["answer"], outs=["answers"])
async def in_order(ins: Inputs, outs: Outputs, state: object) -> None:
    """Gather all answers, which come in any order, and sort them by their paths."""
    answers: list[Answer] = [answer async for answer in ins.answer]
    await outs.answers.push(sorted(answers, key=path))


def path(answer: Answer) -> str:
    url: str = answer.url if isinstance(answer, Page) else answer.item
    return urlsplit(url).path


def print_all(answers: Sequence[Answer]) -> None:
    """Print the pages, then the failures."""
    pages = [answer for answer in answers if isinstance(answer, Page)]
    failures = [answer for answer in answers if isinstance(answer, Failure)]
    for page in pages:
        click.echo(f"{path(page):<12} links to {len(page.links)}")
    for failure in failures:
        click.echo(f"{path(failure):<12} {failure.exception}")
    click.echo(f"{len(pages)} pages, {len(failures)} failures")


@click.command("crawl", help=help_of(crawl), context_settings=SETTINGS)
@click.option("--pages", metavar="N", type=click.IntRange(1), default=20, help="Size of the site.")
@click.option(
    "--concurrency",
    metavar="N",
    type=click.IntRange(1),
    default=4,
    help="Number of pages that are fetched at once.",
)
@threshold_option()
@GRAPH
@STATS
def main(pages: int, concurrency: int, threshold: int, graph: bool, stats: bool) -> None:
    workflow = crawl(pages, concurrency, threshold)
    carry_out(workflow, workflow.start, graph=graph, stats=stats)


if __name__ == "__main__":
    main()
