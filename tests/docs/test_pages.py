"""The pages agree with what they are about, and their links lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from mimo_rx.cli._demo import EXAMPLES

ROOT = Path(__file__).parents[2]
PAGES = [
    page
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md")))
    if page.exists()
]


class Link(NamedTuple):
    """A link of a page to a file of the repository, or to a heading of one."""

    page: Path
    target: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.target}"


def prose(page: Path) -> str:
    """Return a page without its code, in which brackets mean something else."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"^(```+).*?^\1[ \t]*$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`+[^`\n]*`+", lambda code: code[0].translate(dict.fromkeys(b"[]()")), text)


def links(page: Path) -> Iterator[Link]:
    """Yield the links of a page that stay inside the repository."""
    text = prose(page)
    inline = re.findall(r"\]\(\s*<?([^)\s>]+)", text)
    by_reference = re.findall(r"^\[[^\]]+\]:\s*(\S+)", text, re.MULTILINE)
    for target in (*inline, *by_reference):
        if not re.match(r"[a-z][a-z0-9+.-]*:", target):
            yield Link(page, target)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(
        r"^(```+).*?^\1[ \t]*$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    found: dict[str, int] = {}
    made = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for heading in re.findall(r"^#{1,6}[ \t]+(.*?)[ \t#]*$", text, re.MULTILINE):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        count = found.get(anchor, 0)
        found[anchor] = count + 1
        made.add(f"{anchor}-{count}" if count else anchor)
    return made


@pytest.mark.parametrize("link", [link for page in PAGES for link in links(page)], ids=str)
def test_every_link_leads_to_a_file_and_a_heading_that_exist(link):
    """Relative links of README.md, CONTRIBUTING.md and docs."""
    path, _, anchor = link.target.partition("#")
    assert not path.startswith("/"), "a link inside the repository is relative"
    target = (link.page.parent / path).resolve() if path else link.page
    assert target.is_relative_to(ROOT), "it leads out of the repository"
    assert target.exists(), f"there is no {path}"
    if anchor:
        assert target.suffix == ".md", "only pages have headings to link to"
        assert anchor in anchors(target), f"its headings are {sorted(anchors(target))}"


def test_the_pages_have_links():
    """Else the test above would prove nothing."""
    assert len(list(links(ROOT / "README.md"))) >= 15


def test_anchors_are_those_of_github(tmp_path):
    """Lower case, hyphens for spaces, no punctuation, numbers for repetitions."""
    page = tmp_path / "page.md"
    page.write_text("# The `|` language\n\n## A, b_c\n\n```\n# code\n```\n\n## A, b_c\n")
    assert anchors(page) == {"the--language", "a-b_c", "a-b_c-1"}


def test_links_in_code_are_none(tmp_path):
    """``step["x"](y)`` is no link."""
    page = tmp_path / "page.md"
    page.write_text("`a[b](c)` and [d](e.md#f) and [g](https://h.i)\n\n```python\n[j](k)\n```\n")
    assert [link.target for link in links(page)] == ["e.md#f"]


def test_every_page_of_docs_is_reachable_from_the_readme():
    """From link to link."""
    reached, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in reached or page not in PAGES:
            continue
        reached.add(page)
        ahead += [(page.parent / link.target.partition("#")[0]).resolve() for link in links(page)]
    assert [page for page in PAGES if page not in reached] == []


def test_the_readme_is_short():
    """It is a front page; the rest is in docs."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 250


def test_the_page_of_examples_lists_all_of_them_in_their_order():
    """`mimo-rx demo` lists the same ones."""
    page = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == EXAMPLES
