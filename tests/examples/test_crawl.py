"""The example ``crawl``: it finds what a plain walk through the same site finds."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from crawl import crawl, path
from crawl_site import FetchError, Page, Site, fetch
from mimo_rx.cli._demo import command_of, description_of
from mimo_rx.streams import Failure

pytestmark = pytest.mark.realtime


@dataclass(frozen=True)
class Asked(Site):
    """A site that notes what it was asked for."""

    paths: list[str] = field(default_factory=list)

    def answer(self, path):
        self.paths.append(path)
        return super().answer(path)


def walk(site):
    """Return what there is to find, by its path: the links of a page, or the status."""
    found: dict[str, Any] = {}
    waiting = deque(["/"])
    while waiting:
        path = waiting.popleft()
        if path not in found:
            status, links = site.answer(path)
            found[path] = links if status == 200 else f"{status.value} {status.phrase}"
            waiting.extend(links)
    return found


def take(site, concurrency=4, threshold=10):
    """Crawl; return what was found as `walk` does, and the statistics."""
    answers: list[Any] = []
    statistics = crawl(0, concurrency, threshold, site=site, done=answers.extend).start()
    found: dict[str, Any] = {}
    for answer in answers:
        if isinstance(answer, Page):
            found[path(answer)] = [path(Page(link, ())) for link in answer.links]
        else:
            assert isinstance(answer.exception, FetchError)
            assert answer.step == "fetch"
            found[path(answer)] = str(answer.exception)
    assert len(found) == len(answers)
    assert list(found) == sorted(found)
    return found, statistics


def invoke(*arguments):
    return CliRunner().invoke(command_of("crawl"), [str(argument) for argument in arguments])


# What it finds.


@pytest.mark.parametrize("threshold", [1, 2, 10])
@pytest.mark.parametrize("concurrency", [1, 4, 30])
@pytest.mark.parametrize("pages", [1, 2, 60])
def test_it_finds_what_a_plain_walk_finds(pages, concurrency, threshold):
    site = Site(pages, delay=0.0)
    found, _ = take(site, concurrency, threshold)
    assert found == walk(site)


@pytest.mark.parametrize("concurrency", [1, 2, 8])
def test_a_page_with_very_many_links_makes_no_buffer_of_the_ring_grow(concurrency, caplog):
    """D2: a ring that is full would grow, and say so."""
    site = Site(300, fan=300, delay=0.0)
    with caplog.at_level(logging.WARNING):
        found, statistics = take(site, concurrency, threshold=1)
    assert found == walk(site)
    assert len(found["/"]) == 300
    inputs = [port for step in statistics.steps.values() for port in step.inputs.values()]
    assert max(port.peak for port in inputs) == 1
    assert sum(port.over + port.growth for port in inputs) == 0
    assert caplog.records == []


def test_a_page_is_fetched_once():
    site = Asked(60, delay=0.0)
    found, _ = take(site)
    assert sorted(site.paths) == sorted(found)


@pytest.mark.parametrize(("concurrency", "most"), [(1, 1), (3, 3), (8, 8)])
def test_no_more_pages_are_under_way_than_it_is_told(concurrency, most, monkeypatch):
    under_way = 0
    counts = []

    @wraps(fetch)
    async def counted(url):
        nonlocal under_way
        under_way += 1
        counts.append(under_way)
        try:
            return await fetch(url)
        finally:
            under_way -= 1

    monkeypatch.setattr("crawl.fetch", counted)
    take(Site(60, fan=10, delay=0.001), concurrency)
    assert max(counts) == most


def test_the_ring_ends_as_a_chain_does():
    """D6."""
    _, statistics = take(Site(20, delay=0.0))
    assert {step.ended for step in statistics.steps.values()} == {"returned"}


def test_a_failing_front_page_is_all_there_is():
    site = Site(0, delay=0.0)
    assert take(site)[0] == {"/": "404 Not Found"}


def test_a_workflow_of_a_crawl_runs_again():
    found: list[Any] = []
    workflow = crawl(10, done=lambda answers: found.append([path(each) for each in answers]))
    workflow.start()
    workflow.start()
    assert found[0] == found[1] == sorted(walk(Site(10)))


# What it leaves.


def test_nothing_is_left_of_server_and_crawler():
    async def main():
        before = descriptors()
        await crawl(20, done=len).run()
        await asyncio.sleep(0)  # sockets are closed by callbacks of the loop
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert threading.active_count() == 1
        assert descriptors() == before

    asyncio.run(main())


def test_nothing_is_left_of_a_crawl_that_fails_midway(monkeypatch):
    """E1: a failure of a kind that goes to no port."""
    seen = []

    async def main():
        before = descriptors()
        with pytest.raises(SystemExit):
            await crawl(60, site=Site(60, delay=0.001), done=len).run()
        for _ in range(3):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert descriptors() == before

    @wraps(fetch)
    async def breaking(url):
        seen.append(url)
        if len(seen) == 10:
            raise SystemExit
        return await fetch(url)

    monkeypatch.setattr("crawl.fetch", breaking)
    asyncio.run(main())
    assert 10 <= len(seen) < 20


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.01, 0.03])
def test_nothing_is_left_of_a_crawl_that_is_cancelled(seconds):
    """E4."""

    async def main():
        before = descriptors()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                await crawl(site=Site(200, delay=0.02), done=len).run()
        for _ in range(3):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert descriptors() == before

    asyncio.run(main())


def descriptors():
    """Return what is open in this process, as far as the system tells."""
    folder = Path("/proc/self/fd")
    if not folder.exists():
        return set()
    return {each for each in os.listdir(folder) if (folder / each).exists()}


def test_the_server_hangs_up_at_its_end_on_whoever_is_still_there():
    async def main():
        async with Site(delay=0.0).served() as front:
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(front).port)
            await fetch(front)  # by then the server knows the connection before
        try:
            assert await reader.read() == b""
        finally:
            writer.close()

    asyncio.run(asyncio.wait_for(main(), 5.0))


def test_a_server_that_is_not_there_is_a_failure_of_its_page():
    async def main():
        async with Site().served() as front:
            pass
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await fetch(front)

    asyncio.run(main())


def test_an_address_that_is_none_of_the_site_is_answered_with_404():
    site = Site(100)
    assert site.answer("/page/99")[0] == HTTPStatus.OK
    for wrong in ("/page/100", "/page/", "/page/x", "/page/1/", "", "//", "/page/9999999999"):
        assert site.answer(wrong) == (HTTPStatus.NOT_FOUND, [])


# Its workflow and its command.

PRINTED = """\
/            links to 4
/page/1      links to 5
/page/2      links to 4
/page/3      links to 2
/page/4      links to 2
/page/6      links to 3
/page/7      links to 2
/page/8      links to 2
/gone/1      404 Not Found
/gone/6      404 Not Found
/page/5      500 Internal Server Error
8 pages, 3 failures
"""


def test_nothing_looks_wrong_in_its_workflow():
    assert crawl().check() == ()


@pytest.mark.parametrize("options", [[], ["--concurrency", 1], ["--threshold", 1]])
def test_the_command_prints_pages_and_failures_in_order(options):
    result = invoke("--pages", 9, *options)
    assert (result.exit_code, result.stdout, result.stderr) == (0, PRINTED, "")


def test_help_says_what_it_does_and_shows_all_options():
    result = invoke("--help")
    assert result.stdout.splitlines()[2].strip() == description_of("crawl")
    for option in ("--pages", "--concurrency", "--threshold", "--graph", "--stats"):
        assert option in result.stdout


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pydot's parser
def test_graph_prints_dot_with_the_edges_that_lead_back_dashed():
    pydot = pytest.importorskip("pydot", reason="pydot is optional")
    result = invoke("--graph")
    assert (result.exit_code, result.stderr) == (0, "")
    (graph,) = pydot.graph_from_dot_data(result.stdout)
    dashed = [edge for edge in graph.get_edges() if edge.get("style") == "dashed"]
    assert {(edge.get_source(), edge.get_destination()) for edge in dashed} == {
        ('"fetch"', '"ask"')
    }
    assert len(dashed) == 2


def test_stats_are_on_stderr_alone():
    result = invoke("--pages", 9, "--stats")
    assert (result.exit_code, result.stdout) == (0, PRINTED)
    for step in crawl().steps:
        assert step in result.stderr


@pytest.mark.parametrize("option", ["--pages", "--concurrency", "--threshold"])
def test_numbers_out_of_range_are_refused(option):
    result = invoke(option, 0)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "0 is not in the range x>=1" in result.stderr


def test_it_runs_as_a_program():
    program = [sys.executable, "-X", "dev", "examples/crawl.py", "--pages", "9"]
    done = subprocess.run(program, capture_output=True, encoding="utf-8", timeout=30, check=True)
    assert (done.stdout, done.stderr) == (PRINTED, "")


def test_a_failure_names_its_address():
    failure = Failure("http://127.0.0.1:80/gone/1", FetchError("404 Not Found"), "fetch")
    assert path(failure) == "/gone/1"
