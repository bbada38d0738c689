"""What `import mimo_rx` promises."""

import inspect

import mimo_rx


def test_every_public_name_is_listed_and_every_listed_name_is_there():
    """The face of the package is `__all__`, in order; the rest is private."""
    public = {
        name
        for name, value in vars(mimo_rx).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public == set(mimo_rx.__all__)
    assert mimo_rx.__all__ == sorted(mimo_rx.__all__)


def test_every_public_class_and_function_has_a_docstring():
    """Nothing is public without saying what it is for."""
    for name in mimo_rx.__all__:
        assert inspect.getdoc(getattr(mimo_rx, name)), name
