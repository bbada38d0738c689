"""Peers in a process of their own: what goes wrong there is told here."""

import pytest

from benchmarks import peers
from benchmarks.cases import CASES
from benchmarks.elsewhere import Elsewhere, Room
from benchmarks.measure import Case, Contender


def same(items: int) -> int:
    return items


def test_a_peer_that_cannot_be_imported_says_why(monkeypatch, tmp_path):
    (tmp_path / "broken_peer.py").write_text("raise OSError('no such library')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    contender = Contender("peer", "peer", same, same, peer="broken_peer", is_elsewhere=True)
    case = Case("alone", "", "", (contender,))
    with Room() as room:
        reasons = peers.absent([case], room)
    assert reasons == {"broken_peer": "cannot be imported: OSError: no such library"}


def test_a_process_that_dies_is_an_error_and_not_a_wait_for_ever(monkeypatch, tmp_path):
    (tmp_path / "dead_peer.py").write_text("import os\nos._exit(7)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Room() as room, pytest.raises(Elsewhere, match="ended with 7"):
        room.begin("dead_peer")


def test_what_a_peer_prints_is_no_answer(monkeypatch, tmp_path):
    (tmp_path / "loud_peer.py").write_text("print('hello', flush=True)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (contender,) = (each for each in CASES["job"].contenders if each.is_ours)
    ours = Contender(
        contender.key, "ours", same, same, peer="loud_peer", is_elsewhere=True, is_ours=True
    )
    with Room() as room:
        assert room.take("job", ours, 100) > 0
