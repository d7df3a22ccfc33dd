"""What the follower sends. A receiver runs in the database transaction that saves the position behind the event.

What a receiver writes to that database is therefore written exactly once: together with the position, or not at all. If
a receiver raises, what it wrote is rolled back, and the follower sends the event again a moment later. Everything else
that it does may happen again.
"""

from __future__ import annotations

from django.dispatch import Signal

transition = Signal()
"""A transition of a campaign, a chunk or a batch: `transition` (`bsg_producer.Transition`), `using`.

The sender is the model `Campaign`.
"""

delivery_report = Signal()
"""A report that BSG pushed about a message: `report` (`bsg_producer.DeliveryReport`), `using`.

The sender is the model `Message`. BSG may push a report twice, or after a newer one.
"""

feed_gap = Signal()
"""The follower came too late, and the feed no longer has what happened meanwhile: `feed`, `using`.

The sender is the model `FeedPosition`. The models have been read anew. `feed` is "events" or "delivery_reports".
"""
