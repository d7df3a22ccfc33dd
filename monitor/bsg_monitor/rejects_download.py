"""A campaign's rejected rows as a CSV file, for the logins of REJECT_READERS: the rows have phones."""

from __future__ import annotations

import asyncio

import tornado.web

from bsg_monitor.ledger_handler import LedgerHandler, as_http_errors
from bsg_producer.files.csv_writing import REJECT_COLUMNS, csv_file, reject_cells

NOT_ALLOWED = "Rejected rows have phones: only the logins of REJECT_READERS may download them."


class RejectsHandler(LedgerHandler):
    """POST, so that the download is in the operators' log and no other site can begin one."""

    @tornado.web.authenticated
    async def post(self, campaign_id: str) -> None:
        if not self.sources.may_read_rejects(self.operator):  # guard: rejects-for-readers
            raise tornado.web.HTTPError(403, NOT_ALLOWED)
        file = csv_file(REJECT_COLUMNS, map(reject_cells, self.sources.producer.rejects(campaign_id)))
        with as_http_errors():
            piece = await self.press("download rejects", campaign_id, lambda: next(file, None))
            self.set_header("Content-Type", "text/csv; charset=utf-8")
            self.set_header("Content-Disposition", f'attachment; filename="rejects-{campaign_id}.csv"')
            while piece is not None:
                self.write(piece)
                await self.flush()
                piece = await asyncio.to_thread(next, file, None)
