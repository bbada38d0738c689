# For type checkers alone: the one annotation of the package that looks up.
from typing import TypeGuard

from .._workflow.workflow import Workflow as Workflow
from .stream import Stream

def nests(stream: Stream) -> TypeGuard[Workflow]: ...
