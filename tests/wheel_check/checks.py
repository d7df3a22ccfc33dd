"""What README promises of each set of extras, done in an environment that has that set and nothing else."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import openpyxl

from bsg_cli.processes import BEAT, STATUS, WORKER, Process, flower_on_port
from bsg_config.settings import Settings
from bsg_ledger.states import CampaignState
from bsg_producer import Producer
from bsg_sandbox.server import Sandbox
from tests.sentry_server import SentryServer
from tests.servers import AVAILABLE_KINDS, RedisServer, free_port
from tests.wheel_check.environments import ROOT, CheckFailed, Environment

WITHIN_SECONDS = 60.0
STOPPED_WITHIN_SECONDS = 100.0
CONTACTS = "phone,name\n+380 66 123-12-31,Olena\n12,Nobody\n+380 66 123-12-32,Taras\n"
SEND = ("send", "contacts.csv", "--sender", "MyShop", "--text", "Hi {{ name }}")

IMPORTS_OF_A_WEB_APP = """
from importlib import import_module
from importlib.util import find_spec
import bsg_producer, bsg_producer.callbacks
assert find_spec("celery") is None
for name in bsg_producer.__all__:
    if not name.startswith("Async"):
        getattr(bsg_producer, name)
try:
    bsg_producer.AsyncProducer
except ModuleNotFoundError as error:
    assert "bsg-campaigns[async]" in str(error), error
else:
    raise AssertionError("AsyncProducer without its extra")
for framework in ("flask", "fastapi"):
    try:
        import_module(f"bsg_producer.{framework}")
    except ModuleNotFoundError as error:
        assert f"bsg-campaigns[{framework}]" in str(error), error
    else:
        raise AssertionError(f"bsg_producer.{framework} without its extra")
"""

READS_CSV_AND_NO_SPREADSHEET = """
from bsg_producer.files import FileInvalid, MessageFile, international
with MessageFile("contacts.csv") as file:
    assert len(list(file)) == 3
for without in (lambda: MessageFile("contacts.xlsx"), lambda: international("UA")):
    try:
        without()
    except (FileInvalid, ModuleNotFoundError) as error:
        assert "bsg-campaigns[files]" in str(error), error
    else:
        raise AssertionError("read without the extra")
"""

READS_A_SPREADSHEET = """
from bsg_producer.files import MessageFile, Reading, international
with MessageFile("contacts.xlsx", Reading(phone=international("UA"))) as file:
    print(*(message["phone"] for message in file))
"""

ENQUEUES_ASYNCHRONOUSLY = """
import asyncio
from bsg_producer import AsyncProducer

async def enqueue():
    async with AsyncProducer() as producer:
        receipt = await producer.enqueue([{"phone": "+380 66 123-12-31"}], sender="MyShop", text="Hi")
        print((await producer.status(receipt.campaign_id)).state)

asyncio.run(enqueue())
"""

CONTINUES_A_TRACE = """
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span
from bsg_config.tracing import sampled_traceparent
from bsg_producer import Producer
with use_span(NonRecordingSpan(SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1)))):
    receipt = Producer().enqueue([{"phone": "+380 66 123-12-31"}], sender="MyShop", text="Hi")
    print(receipt.messages, sampled_traceparent())
"""

SENDS_FROM_FLASK = """
from flask import Flask
from bsg_producer.flask import BSGCampaigns

app = Flask("shop")
campaigns = BSGCampaigns(app)

@app.post("/send")
def send():
    receipt = campaigns.producer.enqueue([{"phone": "+380 66 123-12-31"}], sender="MyShop", text="Hi")
    return campaigns.producer.status(receipt.campaign_id).state

print(app.test_client().post("/send").text)
"""

# Without a server, which is no part of the extra.
SENDS_FROM_FASTAPI = """
import asyncio
from fastapi import FastAPI
from bsg_producer.fastapi import ProducerDep, lifespan

app = FastAPI(lifespan=lifespan)

@app.post("/send")
async def send(producer: ProducerDep) -> str:
    receipt = await producer.enqueue([{"phone": "+380 66 123-12-31"}], sender="MyShop", text="Hi")
    return (await producer.status(receipt.campaign_id)).state

async def post():
    async def receive():
        return {"type": "http.request"}

    async def send(event):
        print(event.get("body", b"").decode(), end="")

    request = {"type": "http", "method": "POST", "path": "/send", "query_string": b"", "headers": []}
    async with app.router.lifespan_context(app):
        await app(request, receive, send)

asyncio.run(post())
"""

DRAINS_A_CAMPAIGN = """
from importlib.util import find_spec
from bsg_testing import CampaignsEnvironment
assert find_spec("celery") is None and find_spec("pytest") is None
for mode in ("embedded", "memory"):
    with CampaignsEnvironment(mode) as campaigns:
        campaigns.producer.enqueue([{"phone": "+380 66 123-12-31"}], sender="MyShop", text="Hi")
        campaigns.assert_sent(to=380661231231, text="Hi")
        campaigns.drain()
        print(mode, campaigns.sandbox.summary().messages)
"""

MAKES_A_KEY = "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"

DJANGO_SETTINGS = """
SECRET_KEY = "for this check"
INSTALLED_APPS = ["bsg_campaigns_django"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "project.sqlite3"}}
USE_TZ = True
"""

WRITES_AN_OUTGOING_MESSAGE = """
import django
django.setup()
from bsg_campaigns_django import Outgoing
Outgoing.objects.add_message("codes", {"phone": "+380 66 123-12-31", "text": "Your code is 1234"}, sender="MyShop")
"""

READS_THE_OUTGOING_MESSAGE = """
import django
django.setup()
from bsg_campaigns_django import Outgoing
print(*Outgoing.objects.values_list("state", flat=True))
"""

QUICK = {"BSG_API_KEY": "live_sandbox", "BSG_POLL_INTERVAL": "0.5", "SWEEP_INTERVAL": "0.5"}


def check_no_extra(environment: Environment) -> None:
    """A web app imports what it needs, README's programs send and enqueue, and the sandbox starts."""
    environment.run("python", "-c", IMPORTS_OF_A_WEB_APP)
    _write_contacts(environment)
    environment.run("python", "-c", READS_CSV_AND_NO_SPREADSHEET)
    with _redis(environment) as url:
        _run_programs_of_readme(environment, REDIS_URL=url)
    with _running(environment, "bsg-campaigns", "sandbox", "--port", "0") as sandbox:
        _wait_until(lambda: sandbox.says("http://127.0.0.1:"), "the sandbox prints its address", sandbox)


def check_async(environment: Environment) -> None:
    """An asyncio app enqueues."""
    with _redis(environment) as url:
        _expect("accepted", environment.run("python", "-c", ENQUEUES_ASYNCHRONOUSLY, REDIS_URL=url))


def check_encryption(environment: Environment) -> None:
    """README's programs send and enqueue with BODY_KEY."""
    key = environment.run("python", "-c", MAKES_A_KEY).strip()
    with _redis(environment) as url:
        _run_programs_of_readme(environment, REDIS_URL=url, BODY_KEY=key)


def check_otel(environment: Environment) -> None:
    """A web app enqueues within a trace."""
    with _redis(environment) as url:
        printed = environment.run("python", "-c", CONTINUES_A_TRACE, REDIS_URL=url)
    _expect("1 00-00000000000000000000000000000001-0000000000000002-01", printed)


def check_files(environment: Environment) -> None:
    """A web app reads a spreadsheet with national numbers."""
    _write_contacts(environment)
    _expect("+380661231231", environment.run("python", "-c", READS_A_SPREADSHEET))


def check_django(environment: Environment) -> None:
    """A Django project writes an outgoing message, and `bsg_follow` carries it over."""
    (environment.directory / "project.py").write_text(DJANGO_SETTINGS)
    project = {"DJANGO_SETTINGS_MODULE": "project", "PYTHONPATH": str(environment.directory)}
    with _redis(environment) as url:
        settings = {**project, "REDIS_URL": url}
        environment.run("python", "-m", "django", "migrate", **settings)
        environment.run("python", "-c", WRITES_AN_OUTGOING_MESSAGE, **settings)
        environment.run("python", "-m", "django", "bsg_follow", "--once", **settings)
        _expect("carried over", environment.run("python", "-c", READS_THE_OUTGOING_MESSAGE, **settings))


def check_django_and_files(environment: Environment) -> None:
    """A Django project reads a spreadsheet, and writes an outgoing message that `bsg_follow` carries over."""
    check_files(environment)
    check_django(environment)


def check_flask(environment: Environment) -> None:
    """A view of a Flask app enqueues."""
    with _redis(environment) as url:
        _expect("accepted", environment.run("python", "-c", SENDS_FROM_FLASK, REDIS_URL=url))


def check_fastapi(environment: Environment) -> None:
    """An endpoint of a FastAPI app enqueues."""
    with _redis(environment) as url:
        _expect('"accepted"', environment.run("python", "-c", SENDS_FROM_FASTAPI, REDIS_URL=url))


def check_fastapi_and_files(environment: Environment) -> None:
    """A FastAPI app reads a spreadsheet, and enqueues."""
    check_files(environment)
    check_fastapi(environment)


def check_files_and_flask(environment: Environment) -> None:
    """A Flask app reads a spreadsheet, and enqueues."""
    check_files(environment)
    check_flask(environment)


def check_testing(environment: Environment) -> None:
    """The test kit drains a campaign in both of its modes, without Celery and without pytest."""
    _expect("embedded 1\nmemory 1", environment.run("python", "-c", DRAINS_A_CAMPAIGN))


def check_cli(environment: Environment) -> None:
    """The command line reads a file with national numbers, and prints what would be sent."""
    (environment.directory / "contacts.csv").write_text(CONTACTS)
    printed = environment.run("bsg-campaigns", *SEND, "--region", "UA", "--dry-run", "--json")
    _expect("2", str(json.loads(printed)["sent"]))


def check_worker(environment: Environment) -> None:
    """`celery -A bsg_worker worker` and `beat`, as in the Procfile, carry a campaign to its end."""
    with ExitStack() as running:
        settings = {**QUICK, "REDIS_URL": running.enter_context(_redis(environment))}
        settings["BSG_BASE_URL"] = running.enter_context(Sandbox()).url
        processes = [running.enter_context(_process(environment, one, settings)) for one in (WORKER, STATUS, BEAT)]
        producer = Producer(Settings.from_environment(settings))
        receipt = producer.enqueue([{"phone": "+380 66 123-12-31"}], sender="MyShop", text="Hi")

        def done() -> bool:
            return producer.status(receipt.campaign_id).state is CampaignState.DONE

        _wait_until(done, "the campaign is done", *processes)


def check_worker_and_otel(environment: Environment) -> None:
    """A worker needs no SDK beside the API."""
    check_worker(environment)
    check_otel(environment)


def check_worker_and_sentry(environment: Environment) -> None:
    """Beat checks in at Sentry."""
    with ExitStack() as running:
        sentry = running.enter_context(SentryServer())
        settings = {**QUICK, "REDIS_URL": running.enter_context(_redis(environment)), "SENTRY_DSN": sentry.dsn}
        beat = running.enter_context(_process(environment, BEAT, settings))
        _wait_until(lambda: bool(sentry.items("check_in")), "beat checks in", beat)


def check_worker_and_cli(environment: Environment) -> None:
    """Flower starts, and `bsg-campaigns up` carries a campaign from a file through the sandbox."""
    (environment.directory / "contacts.csv").write_text(CONTACTS)
    with ExitStack() as running:
        port = free_port()
        settings = {**QUICK, "REDIS_URL": running.enter_context(_redis(environment))}
        flower = running.enter_context(_process(environment, flower_on_port(port), settings))
        _wait_until(lambda: _serves(f"http://127.0.0.1:{port}/campaigns"), "Flower shows the campaigns", flower)
    with ExitStack() as running:
        settings = {**QUICK, "BSG_BASE_URL": running.enter_context(Sandbox()).url}
        up = running.enter_context(_running(environment, "bsg-campaigns", "up", "--flower-port", "0", **settings))
        _wait_until(lambda: up.says("Flower: http"), "up prints Flower's address", up)
        # Started and not awaited: where nobody takes the campaign up, it would wait without an end.
        with _running(environment, "bsg-campaigns", *SEND, "--watch", "--json", **settings) as sent:
            _wait_until(lambda: sent.says('"state": "done"'), "the campaign is done", up, sent)


def check_all(environment: Environment) -> None:
    """`bsg-campaigns demo` ends with counts that add up."""
    (environment.directory / "contacts.csv").write_text(CONTACTS)
    words = ("demo", "--file", "contacts.csv", "--text", "Hi {{ name }}", "--json")
    _expect("[]", str(json.loads(environment.run("bsg-campaigns", *words))["faults"]))


# By the extras that are installed.
def _write_contacts(environment: Environment) -> None:
    (environment.directory / "contacts.csv").write_text(CONTACTS)
    book = openpyxl.Workbook()
    book.worksheets[0].append(("phone", "name"))
    book.worksheets[0].append(("066 123-12-31", "Olena"))
    book.save(environment.directory / "contacts.xlsx")


CHECKS: Mapping[tuple[str, ...], Callable[[Environment], None]] = {
    (): check_no_extra,
    ("async",): check_async,
    ("encryption",): check_encryption,
    ("files",): check_files,
    ("django",): check_django,
    ("django", "files"): check_django_and_files,
    ("fastapi",): check_fastapi,
    ("fastapi", "files"): check_fastapi_and_files,
    ("files", "flask"): check_files_and_flask,
    ("flask",): check_flask,
    ("otel",): check_otel,
    ("cli",): check_cli,
    ("worker",): check_worker,
    ("worker", "cli"): check_worker_and_cli,
    ("worker", "otel"): check_worker_and_otel,
    ("worker", "sentry"): check_worker_and_sentry,
    ("all",): check_all,
    ("testing",): check_testing,
}


def _run_programs_of_readme(environment: Environment, **settings: str) -> None:
    message, campaign = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    _expect("pending", environment.run("python", "-c", message, **settings))
    _expect("accepted", environment.run("python", "-c", campaign, **settings))


@contextmanager
def _redis(environment: Environment) -> Iterator[str]:
    with RedisServer(environment.directory / "redis", AVAILABLE_KINDS[0]) as server:
        yield server.url


@dataclass(frozen=True, slots=True)
class _Program:
    """A program that runs."""

    words: str
    process: subprocess.Popen[bytes]
    log: Path

    def says(self, chunk: str) -> bool:
        return chunk in self.log.read_text()

    def failure(self) -> str:
        return f"{self.words}\nended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}"


@contextmanager
def _running(environment: Environment, program: str, *words: str, **settings: str) -> Iterator[_Program]:
    log = environment.directory / f"{words[0]}-{time.monotonic_ns()}.log"
    process = environment.start(program, *words, log=log, **settings)
    try:
        yield _Program(" ".join((program, *words)), process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOPPED_WITHIN_SECONDS)
        process.kill()
        process.wait()


@contextmanager
def _process(environment: Environment, process: Process, settings: Mapping[str, str]) -> Iterator[_Program]:
    program, *words = shlex.split(process.command)
    with _running(environment, program, *words, **settings) as running:
        yield running


def _serves(url: str) -> bool:
    with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5) as response:
        return bool(response.status == 200)
    return False


def _wait_until(holds: Callable[[], bool], what: str, *programs: _Program) -> None:
    """Wait for a condition. Raise CheckFailed after a minute, and as soon as one of the programs has failed."""
    stop_at = time.monotonic() + WITHIN_SECONDS
    while not holds():
        for program in programs:
            if program.process.poll():
                raise CheckFailed(program.failure())
        if time.monotonic() > stop_at:
            logs = "\n".join(f"== {program.words}\n{program.log.read_text()[-4000:]}" for program in programs)
            raise CheckFailed(f"waited {WITHIN_SECONDS:g} s in vain until {what}\n{logs}")
        time.sleep(0.1)


def _expect(wanted: str, found: str) -> None:
    if found.strip() != wanted:
        raise CheckFailed(f"expected {wanted!r}, found {found!r}")
