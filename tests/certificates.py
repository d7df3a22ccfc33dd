"""A certificate for the tests' servers."""

from __future__ import annotations

import ssl
from pathlib import Path

# For localhost, signed by itself, good until 2120: made once, so that no openssl need be installed.
# The key guards nothing.
CERTIFICATE = Path(__file__).with_name("tls") / "certificate.pem"
KEY = CERTIFICATE.with_name("key.pem")


def serving() -> ssl.SSLContext:
    """Return what a server with that certificate speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    return context
