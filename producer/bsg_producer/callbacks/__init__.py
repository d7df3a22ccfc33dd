"""Applications that add the delivery reports that BSG pushes to a campaign's `callback_url` to their feed.

    application = callbacks(Producer(), secret=os.environ["BSG_CALLBACK_SECRET"])  # WSGI
    application = asgi_callbacks(AsyncProducer(), secret=os.environ["BSG_CALLBACK_SECRET"])  # ASGI

Mounted at /bsg, the `callback_url` is https://shop.example/bsg/SECRET, 100 characters at most. BSG pushes JSON by POST,
with the fields error, errorDescription, id, msisdn, reference, status, time_in, time_sent, time_dr, price, currency. A
form and a query with the same fields are taken too. BSG repeats a push that did not get 200, so that a report
may be in the feed more than once.
BSG: callback_url, delivery report.
"""

from __future__ import annotations

from bsg_producer.callbacks.asgi import asgi_callbacks
from bsg_producer.callbacks.wsgi import callbacks

__all__ = ["asgi_callbacks", "callbacks"]
