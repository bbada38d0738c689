"""The web site that ``crawl`` crawls, and the function that fetches a page of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

__all__ = ["FetchError", "Page", "Site", "fetch"]

_LINK = re.compile(r'href="([^"]*)"')


class Page(NamedTuple):
    """A page that was fetched."""

    url: str
    links: tuple[str, ...]
    """The URLs that it links to."""


class FetchError(Exception):
    """A server answered with a status other than 200; the text is that status."""


@dataclass(frozen=True)
class Site:
    """A site whose pages are made when they are requested.

    Pages are numbered; number 0 is the front page. Each page links to the front page, to the page
    before it, and to later ones. Some pages link to a page that does not exist (404), and for some
    the server fails (500).

    Args:
        pages: Number of pages, at least 1.
        fan: Number of later pages that a page links to, at least 1.
        delay: Time that an answer takes, in seconds, at least 0.
    """

    pages: int = 20
    fan: int = 3
    delay: float = 0.005

    def answer(self, path: str) -> tuple[HTTPStatus, list[str]]:
        """Return the status of an answer, and the links of the page.

        Args:
            path: The path that is requested.

        Example:
            >>> Site().answer("/page/02")
            (<HTTPStatus.OK: 200>, ['/', '/page/01', '/page/07', '/page/08', '/page/09'])
            >>> Site().answer("/nowhere")
            (<HTTPStatus.NOT_FOUND: 404>, [])
        """
        match = re.fullmatch(r"/|/page/([0-9]{1,9})", path)
        number = int(match[1] or 0) if match else self.pages
        if number >= self.pages:
            return HTTPStatus.NOT_FOUND, []
        if number % 7 == 5:
            return HTTPStatus.INTERNAL_SERVER_ERROR, []
        first = number * self.fan + 1
        width = len(str(self.pages - 1))
        before = range(max(number - 1, 1), number)
        onward = range(first, min(first + self.fan, self.pages))
        links = [f"/page/{each:0{width}}" for each in (*before, *onward)]
        if number % 5 == 1:
            links.append(f"/gone/{number:0{width}}")
        return HTTPStatus.OK, ["/", *links]

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """Serve the site on the loopback address during the block; yield the front page's URL."""
        loop = asyncio.get_running_loop()
        open_ones: set[asyncio.BaseTransport] = set()
        server = await loop.create_server(lambda: _Server(self, open_ones), "127.0.0.1", 0)
        try:
            host, port = server.sockets[0].getsockname()
            yield f"http://{host}:{port}/"
        finally:
            server.close()
            for transport in open_ones:
                transport.close()


class _Server(asyncio.Protocol):
    """One connection: a request, and its answer after the delay."""

    def __init__(self, site: Site, open_ones: set[asyncio.BaseTransport]) -> None:
        self._site = site
        self._open_ones = open_ones
        self._asked = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._open_ones.add(transport)

    def data_received(self, data: bytes) -> None:
        self._asked += data
        if self._timer is None and b"\r\n\r\n" in self._asked:
            later = asyncio.get_running_loop().call_later
            self._timer = later(self._site.delay, self._answer)

    def connection_lost(self, error: Exception | None) -> None:
        self._open_ones.discard(self._transport)
        if self._timer is not None:
            self._timer.cancel()

    def _answer(self) -> None:
        status, links = self._site.answer(self._asked.split()[1].decode("latin-1"))
        body = "".join(f'<a href="{link}">{link}</a>\n' for link in links)
        head = f"HTTP/1.0 {status} {status.phrase}\r\nContent-Length: {len(body)}\r\n\r\n"
        assert isinstance(self._transport, asyncio.Transport)
        self._transport.write((head + body).encode("latin-1"))
        self._transport.close()


async def fetch(url: str) -> Page:
    """Fetch a page.

    Raises:
        FetchError: The server has no such page, or fails.
        OSError: The server cannot be reached.
    """
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
        answer = (await reader.read()).decode("latin-1")
    finally:
        writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    _, status, *_ = f"{head}\r\n".partition("\r\n")[0].split(" ", 1)
    if not status.startswith("200"):
        raise FetchError(status)
    return Page(url, tuple(urljoin(url, link) for link in _LINK.findall(body)))
