"""The sets of ports that a stream is given: by attribute, by key, in order."""

import pytest

from helpers import run
from mimo_rx import UnknownPort
from mimo_rx._ports.sets import Inputs
from ports import pipe


def test_s2_ports_are_reached_by_attribute_and_by_key():
    """S2: the set iterates, has a length, lists its names, and nothing else."""

    async def main():
        _, port = pipe()
        ports = Inputs("step 'x'", "input", {"left": port, "items": port})
        assert ports.left is ports["left"] is port
        assert ports["items"] is port
        assert list(ports) == [port, port]
        assert len(ports) == 2
        assert "left" in ports
        assert "keys" not in ports
        assert dir(ports) == ["items", "left"]
        assert repr(ports) == "<inputs of step 'x': left, items>"
        assert repr(port) == "<Input reader.a>"
        with pytest.raises(UnknownPort, match=r"'lft'.*left.*items") as caught:
            ports.lft
        assert isinstance(caught.value, AttributeError)
        with pytest.raises(KeyError, match="did you mean 'left'"):
            ports["lft"]
        with pytest.raises(AttributeError, match="cannot be set"):
            ports.left = port
        with pytest.raises(AttributeError, match="cannot be deleted"):
            del ports.left
        assert ports.left is port

    run(main())
