"""What a stream and a run may be in, and what comes next: the tables of `mimo_rx._life`."""

import pytest

from mimo_rx._life import Event, Life, Phase

ENDS = (Event.RETURN, Event.CANCEL, Event.FAIL)


def after(*events):
    life = Life.RUNS
    for event in events:
        life = life.after(event)
    return life


@pytest.mark.parametrize(
    ("events", "life"),
    [
        ((Event.RETURN,), Life.RETURNED),
        ((Event.CANCEL,), Life.CANCELLED),
        ((Event.FAIL,), Life.FAILED),
        ((Event.LEFT, Event.RETURN), Life.RETURNED),
        ((Event.LEFT, Event.TELL, Event.RETURN), Life.DOWNSTREAM),
        ((Event.LEFT, Event.DISMISS, Event.RETURN), Life.DOWNSTREAM),
        ((Event.LEFT, Event.DISMISS, Event.CANCEL), Life.DOWNSTREAM),
        ((Event.LEFT, Event.TELL, Event.CANCEL), Life.CANCELLED),
        ((Event.LEFT, Event.DISMISS, Event.FAIL), Life.FAILED),
    ],
)
def test_c4_how_a_stream_ends_depends_on_how_it_heard_that_nobody_reads_it(events, life):
    """C4: one that heard of it ended downstream; one that did not has returned."""
    assert after(*events) is life
    assert life.has_ended


def test_c4_a_stream_that_was_told_is_not_dismissed():
    """C4: the cancel never strikes a clean-up that is under way."""
    with pytest.raises(KeyError):
        after(Event.LEFT, Event.TELL, Event.DISMISS)
    assert after(Event.LEFT, Event.DISMISS, Event.TELL) is Life.DISMISSED


@pytest.mark.parametrize("life", [life for life in Life if not life.has_ended])
def test_c5_a_stream_can_end_from_whatever_it_is_in(life):
    """C5."""
    assert all(life.after(event).has_ended for event in ENDS)


@pytest.mark.parametrize("life", [life for life in Life if life.has_ended])
@pytest.mark.parametrize("event", Event)
def test_c5_nothing_happens_to_a_stream_that_has_ended(life, event):
    """C5."""
    assert life.after(event) is life
    assert not life.is_unread


def test_e1_a_run_that_was_asked_to_stop_stays_so():
    """E1, E4: whenever it was asked, also after its end."""
    assert Phase.RUNS.after_end() is Phase.ENDED
    assert Phase.RUNS.after_stop().after_end() is Phase.STOPPED
    assert Phase.ENDED.after_stop() is Phase.STOPPED
    assert all(phase.after_stop().after_stop() is phase.after_stop() for phase in Phase)
    assert all(phase.after_end().after_end() is phase.after_end() for phase in Phase)
