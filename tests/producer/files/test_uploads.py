"""What a web app is given: an open file of bytes with a name, straight into `enqueue`."""

from __future__ import annotations

import io
import pickle
import tempfile
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from bsg_config.settings import Settings
from bsg_producer import CampaignInvalid, Producer
from bsg_producer.files import FileInvalid, MessageFile
from tests.producer.files.test_spreadsheets import spreadsheet

CSV = "phone;name\r\n380661231231;Олена\r\n380661231232;Тарас\r\n".encode("cp1251")


class Pipe(io.RawIOBase):
    """Bytes that come a few at a time, once."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._content.read(min(size, 3) if size >= 0 else size)


def spooled(content: bytes) -> BinaryIO:
    file = tempfile.SpooledTemporaryFile(max_size=10)  # noqa: SIM115 - the test's end closes it
    file.write(content)
    file.seek(0)
    return cast(BinaryIO, file)


@pytest.mark.parametrize("opened", [io.BytesIO, spooled, Pipe])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_upload_is_read_whatever_kind_of_file_holds_it(tmp_path: Path, opened: type[BinaryIO], kind: str) -> None:
    rows = [("phone", "name"), (380661231231, "Олена"), (380661231232, "Тарас")]
    content = CSV if kind == "csv" else spreadsheet(tmp_path / "c.xlsx", rows).read_bytes()
    upload = opened(content)  # type: ignore[call-arg]

    with MessageFile(upload, name="contacts") as file:
        assert list(file) == [
            {"phone": "380661231231", "name": "Олена"},
            {"phone": "380661231232", "name": "Тарас"},
        ]

    assert not upload.closed


def test_a_file_is_enqueued_as_it_is(redis_url: str) -> None:
    producer = Producer(Settings.build(redis_url=redis_url))

    with MessageFile(io.BytesIO(CSV), name="contacts.csv") as file:
        receipt = producer.enqueue(file, text="Привіт {{ name }}", sender="MyShop")

    assert receipt.messages == 2


def test_what_is_wrong_in_a_row_leaves_no_campaign_and_names_the_file(redis_url: str) -> None:
    producer = Producer(Settings.build(redis_url=redis_url))

    with (
        MessageFile(io.BytesIO(b'phone,name\n380661231231,"Ann\n380661231232,Bob\n'), name="contacts.csv") as file,
        pytest.raises(CampaignInvalid) as raised,
    ):
        producer.enqueue(file, text="Hi {{ name }}", sender="MyShop")

    assert list(producer.campaigns()) == []
    assert isinstance(raised.value, FileInvalid)
    assert str(raised.value).startswith("contacts.csv, line 2: not CSV")
    assert raised.value.errors == {"messages": [str(raised.value)]}
    assert pickle.loads(pickle.dumps(raised.value)).errors == raised.value.errors


def test_a_file_without_a_name_is_called_the_file() -> None:
    with pytest.raises(FileInvalid, match="^the file, line 1: no column names"):
        MessageFile(io.BytesIO(b""))


def test_a_file_that_is_open_for_texts_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match='open it with "rb"'):
        MessageFile(cast(BinaryIO, io.StringIO("phone\n380661231231\n")))
