"""The example ``crawl``: a ring that has fetched each page of its site once when it ends (D6)."""

import asyncio
import logging
import re
from typing import Any

import pytest
from click.testing import CliRunner

from loops import run_on
from mimo_rx.cli._target import load, workflow_of
from mimo_rx.examples import crawl as crawl_module
from mimo_rx.examples.crawl import crawl, main, path
from mimo_rx.examples.crawl_site import FetchError, Page, Site, fetch


def reachable(site):
    """Return the paths that can be reached, with their status, by plain Python."""
    found = {}
    pending = ["/"]
    while pending:
        place = pending.pop()
        if place not in found:
            found[place], links = site.answer(place)
            pending += links
    return found


def answers_of(site, **settings):
    told: list[Any] = []
    workflow = crawl(site=site, done=told.append, **settings)
    run_on(asyncio.new_event_loop, workflow.run())
    [answers] = told
    return answers


@pytest.mark.parametrize("threshold", [1, 2, 100])
@pytest.mark.parametrize("concurrency", [1, 3, 16])
def test_d6_every_page_is_fetched_once_and_the_ring_ends(threshold, concurrency, caplog):
    """D6: at any threshold, and without growth of a buffer."""
    site = Site(pages=40, fan=9, delay=0.0)
    with caplog.at_level(logging.WARNING, "mimo_rx"):
        answers = answers_of(site, threshold=threshold, concurrency=concurrency)
    assert not caplog.records
    assert [path(answer) for answer in answers] == sorted(reachable(site))
    for answer in answers:
        status, links = site.answer(path(answer))
        if isinstance(answer, Page):
            assert status == 200
            assert len(answer.links) == len(links)
        else:
            assert isinstance(answer.exception, FetchError)
            assert (str(status), answer.step) == (str(answer.exception).split()[0], "fetch")


def test_a_page_with_more_links_than_all_buffers_hold_is_no_deadlock(caplog):
    site = Site(pages=400, fan=399, delay=0.0)
    with caplog.at_level(logging.WARNING, "mimo_rx"):
        answers = answers_of(site, threshold=1, concurrency=4)
    assert not caplog.records
    assert len(answers) == len(reachable(site)) > 399


def test_no_more_pages_are_under_way_than_it_says(monkeypatch):
    inside = most = 0

    async def counted(url):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        try:
            return await fetch(url)
        finally:
            inside -= 1

    monkeypatch.setattr(crawl_module, "fetch", counted)
    answers_of(Site(pages=30, fan=10, delay=0.0), concurrency=3)
    assert most == 3


def test_a_server_that_is_not_there_is_an_error_of_the_page():
    async def main():
        async with Site().served() as front:
            pass
        with pytest.raises(OSError, match=r"refused|Connect"):
            await fetch(front)

    run_on(asyncio.new_event_loop, main())


def test_the_command_prints_pages_in_order_then_failures():
    done = CliRunner().invoke(main, ["--pages", "13", "--stats"])
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[-1] == "11 pages, 5 failures"
    pages = [line.split()[0] for line in lines[:11]]
    assert pages == sorted(pages)
    assert re.search(r"^/page/5 +500 Internal Server Error$", done.stdout, re.MULTILINE)
    assert done.stderr.startswith("step ")


def test_the_command_draws_itself_and_runs_nothing():
    done = CliRunner().invoke(main, ["--graph"])
    assert done.stdout.startswith('digraph "crawl"')


def test_the_builder_is_a_target_without_a_finding_that_is_an_error():
    workflow = workflow_of(load("mimo_rx.examples.crawl:crawl", ["pages=3"]))
    assert workflow.name == "crawl"
    assert not any(finding.severity == "error" for finding in workflow.check())
