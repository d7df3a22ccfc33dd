"""One pass of the follower. Several followers may run at once: none does again what another one has done."""

from __future__ import annotations

from bsg_campaigns_django.carrying import carry_outgoing
from bsg_campaigns_django.following import follow_delivery_reports, follow_events
from bsg_campaigns_django.recording import read_message_states
from bsg_producer import Producer


def follow(producer: Producer, using: str) -> int:
    """Carry over what waits, and follow the feeds. Return how much was done: 0 if nothing is left.

    Raise QueueUnavailable, QueueNotDurable or EnqueueUnconfirmed, ReceiverFailed, and what the database raises. Each
    pass goes on where the last one ended, however it ended.
    """
    done = carry_outgoing(producer, using)  # first, as a receiver that always fails ends each pass
    done += follow_events(producer, using)
    done += follow_delivery_reports(producer, using)
    done += read_message_states(producer, using)
    return done
