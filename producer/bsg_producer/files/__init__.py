"""Read messages from a CSV file, or from a sheet of an .xlsx file.

    with MessageFile(upload.stream, name=upload.filename, text=text) as file:
        receipt = producer.enqueue(file, text=text, sender="MyShop")

The first row names the columns, `phone` among them. An error raises `FileInvalid`, a `CampaignInvalid` that names file,
line and remedy. CSV needs only the producer; .xlsx and `international` need the extra `files`.
"""

from __future__ import annotations

from bsg_producer.errors import FileInvalid
from bsg_producer.files.message_file import MessageFile, Reading
from bsg_producer.files.national_phones import international

__all__ = ["FileInvalid", "MessageFile", "Reading", "international"]
