"""The page of streams, and the search for one message.

What is searched for comes in the body of a request and not in its address. Somebody may write a phone there, and
addresses are logged.
"""

from __future__ import annotations

import tornado.web

from bsg_monitor.ledger_handler import LedgerHandler
from bsg_monitor.searches import MAX_SEARCHED_CHARACTERS
from bsg_producer import MessageNotFound, MessageStatus

NOT_FOUND = (
    "No stream has a message with that id. A reference id of your own is known for STREAM_KEY_RETENTION at least, and "
    "is found if exactly one stream has it."
)


class StreamsHandler(LedgerHandler):
    """GET shows the streams; POST also shows the message that is searched for."""

    @tornado.web.authenticated
    async def get(self) -> None:
        await self._show(None, searched=False)

    @tornado.web.authenticated
    async def post(self) -> None:
        await self._show(await self._found(self.get_body_argument("id", "")), searched=True)

    async def _show(self, message: MessageStatus | None, *, searched: bool) -> None:
        page = self.page_asked_for()
        listed = await self.read(("streams", page), lambda: self.sources.stream_observer.streams(page))
        self.render(
            "campaigns_streams.html",
            listed=listed,
            overview=await self.overview(),
            message=message,
            not_found=NOT_FOUND if searched and message is None else None,
            max_searched_characters=MAX_SEARCHED_CHARACTERS,
        )

    async def _found(self, text: str) -> MessageStatus | None:
        """Return the message with that message id or reference id; None if there is none."""
        if not 0 < len(text) <= MAX_SEARCHED_CHARACTERS:
            return None
        found = await self._message(text)
        if found is not None:
            return found
        message_id = await self.read(
            ("reference id", text), lambda: self.sources.stream_observer.message_with_reference_id(text)
        )
        return None if message_id is None else await self._message(message_id)

    async def _message(self, message_id: str) -> MessageStatus | None:
        try:
            status: MessageStatus = await self.read(
                ("message", message_id), lambda: self.sources.producer.message(message_id)
            )
        except MessageNotFound:
            return None
        return status
