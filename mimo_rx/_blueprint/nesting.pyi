# For type checkers only: the one annotation of the package that names a row above.
from typing import TypeGuard

from .._workflow.workflow import Workflow as Workflow
from .stream import Stream

def nests(stream: Stream) -> TypeGuard[Workflow]: ...
