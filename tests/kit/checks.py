"""Helpers of tests of `check()`."""

from mimo_rx import Workflow
from mimo_rx._workflow.findings import Finding


def found(workflow: Workflow, code: str) -> list[Finding]:
    """Return the findings of one code."""
    return [finding for finding in workflow.check() if finding.code == code]


def found_at(workflow: Workflow, code: str) -> list[tuple[str, str]]:
    """Return where the findings of one code are."""
    return [(finding.step, finding.port) for finding in found(workflow, code)]
