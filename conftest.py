import os
from doctest import ELLIPSIS

from hypothesis import settings
from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser

# Each Markdown file is one program: its blocks share their names, from top to bottom. So do the
# docstrings of one module, which also see the module's own names.
pytest_collect_file = (
    Sybil(
        parsers=[PythonCodeBlockParser(doctest_optionflags=ELLIPSIS), SkipParser()],
        patterns=["docs/*.md", "docs/**/*.md"],
        filenames=["README.md"],
    )
    + Sybil(
        path="mimo_rx",
        parsers=[DocTestParser(optionflags=ELLIPSIS)],
        pattern="*.py",
        document_types={".py": PythonDocStringDocument},
    )
).pytest()

# Use the same examples at every run, and no deadline, since that would depend on the wall clock.
settings.register_profile("mimo_rx", derandomize=True, deadline=None, database=None)
# For `make soak`: use other examples at every run, and many of them.
settings.register_profile(
    "soak",
    deadline=None,
    database=None,
    print_blob=True,
    max_examples=int(os.environ.get("EXAMPLES", "20000")),
)
settings.load_profile("mimo_rx")
