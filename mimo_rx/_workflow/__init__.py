"""The interface that a program calls: the workflow, the language of ``|``, checks and drawings."""
