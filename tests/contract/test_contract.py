"""The sandbox keeps BSG's OpenAPI document: what that allows it takes, what that forbids it refuses, as described."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from bsg_sandbox.server import Sandbox
from tests.contract.document import Document, Operation
from tests.contract.known_errors import mended_content, strict_content
from tests.contract.requests_by_operation import OPERATIONS, Request
from tests.contract.variants import Variant, body_variants, query_variants
from tests.processes import wait_until
from tests.sandbox.receiver import receiver
from tests.sandbox.sandbox_calls import INDIVIDUAL, TIMEOUT, call, login, messages

# Where the sandbox means to differ, with the reason. What it refuses beyond the document is BSG's page's rule.
DIFFERENCES: dict[tuple[str, str], str] = {
    (
        "POST /api/campaigns/price",
        "groups is text",
    ): "the sandbox has no contact lists, and ignores fields that it does not know",
    (
        "POST /api/campaigns/sms/send",
        "short_links is text",
    ): "the sandbox has no short links, and ignores such fields too",
}

# What the document does not have for an operation, and the pages do.
_MESSAGE = {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}
_OLD_STYLE = {
    "type": "object",
    "properties": {"error": {"type": "string"}, "errorDescription": {"type": "string"}},
    "required": ["error", "errorDescription"],
    "additionalProperties": False,
}
OTHER_RESPONSES: dict[int, dict[str, Any]] = {
    401: {"oneOf": [{**_MESSAGE, "additionalProperties": False}, _OLD_STYLE]},
    422: {
        "type": "object",
        "properties": {
            "message": {"type": "string"},
            "errors": {"type": "object", "additionalProperties": {"type": "array"}},
        },
        "required": ["message", "errors"],
        "additionalProperties": False,
    },
}


def send(sandbox: Sandbox, bearer: str, method: str, request: Request) -> requests.Response:
    return requests.request(
        method,
        sandbox.url + request.path,
        params=dict(request.query),
        json=request.body,
        headers={"Authorization": f"Bearer {bearer}"},
        timeout=TIMEOUT,
    )


def faults_of(response: requests.Response, operation: Operation, document: Document) -> list[str]:
    schema = operation.response(response.status_code) or OTHER_RESPONSES.get(response.status_code)
    if schema is None:
        return [f"nobody documents {response.status_code}"]
    return [
        f"{response.status_code} {'.'.join(map(str, error.absolute_path))}: {error.message}"
        for error in document.errors(schema, response.json())
    ]


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_the_document_allows_is_taken_and_what_it_forbids_refused(
    bsg_document: None, sandbox: Sandbox, name: str
) -> None:
    method, path = name.split()
    strict, document = Document(strict_content()), Document(mended_content())
    operation = document.operation(method, path)
    bearer = login(sandbox)
    wrong: list[str] = []
    for build in OPERATIONS[name]:
        good = build(sandbox)
        tried = [(Variant("all", None, True), good)]
        tried += [
            (each, Request(good.path, each.value, good.body))
            for each in query_variants(document, operation, good.query)
        ]
        if good.body is not None:
            tried += [
                (each, Request(good.path, good.query, each.value))
                for each in body_variants(document, operation, good.body)
            ]
        for variant, request in tried:
            response = send(sandbox, bearer, method, request)
            faults = faults_of(response, strict.operation(method, path), strict)
            if (response.status_code == 200) != variant.is_allowed and (name, variant.name) not in DIFFERENCES:
                faults.append(f"gets {response.status_code}")
            wrong += [f"{variant.name}: {fault}" for fault in faults]

    assert wrong == []


def test_every_route_of_the_sandbox_that_the_document_has_is_called(bsg_document: None, sandbox: Sandbox) -> None:
    served = set()
    for operation in Document(mended_content()).operations():
        path = OPERATIONS[operation.name][0](sandbox).path if operation.name in OPERATIONS else operation.path
        response = send(sandbox, login(sandbox), operation.method, Request(path.replace("{id}", "1000001")))
        if response.status_code not in (404, 405):
            served.add(operation.name)

    assert served == set(OPERATIONS)


@pytest.mark.parametrize(
    "status", ["creation", "scheduled", "sending", "done", "paused", "stopped", "spam", "moderation"]
)
def test_a_campaign_is_stopped_in_the_states_that_the_document_names(
    bsg_document: None, sandbox: Sandbox, status: str
) -> None:
    document = Document(strict_content())
    operation = document.operation("PATCH", "/api/campaigns/{id}/stop")
    examples = operation.described["responses"]["422"]["content"]["application/json"]["examples"]
    described = examples["invalid_status"]["description"]
    request = OPERATIONS[operation.name][0](sandbox)
    sandbox.force_status(int(request.path.split("/")[3]), status)

    response = send(sandbox, login(sandbox), "PATCH", request)

    assert faults_of(response, operation, document) == []
    assert response.status_code == (200 if f'"{status}"' in described else 422)
    if response.status_code == 422:
        assert response.json() == examples["invalid_status"]["value"]


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name.startswith("POST") and "/stat/" not in name])
def test_a_body_that_comes_twice_gets_what_the_document_says(bsg_document: None, sandbox: Sandbox, name: str) -> None:
    document = Document(strict_content())
    operation = document.operation(*name.split())
    sandbox.configure(duplicate_request_window=10)
    bearer, request = login(sandbox), OPERATIONS[name][0](sandbox)
    send(sandbox, bearer, "POST", request)

    again = send(sandbox, bearer, "POST", request)

    is_documented = operation.response(429) is not None
    assert (again.status_code == 429) == is_documented
    if is_documented:
        assert again.json() == {"message": "Too many duplicate request detected"}
        assert faults_of(again, operation, document) == []


@pytest.mark.parametrize("name", ["POST /api/campaigns/sms/send-individual", "POST /api/campaigns/sms/send"])
def test_a_duplicate_notice_after_acceptance_is_the_same(bsg_document: None, sandbox: Sandbox, name: str) -> None:
    document = Document(strict_content())
    operation = document.operation(*name.split())
    sandbox.fault("duplicate_notice_after", path=operation.path)

    response = send(sandbox, login(sandbox), "POST", OPERATIONS[name][0](sandbox))

    assert (response.status_code, faults_of(response, operation, document)) == (429, [])
    assert sandbox.summary().campaigns == 1


def test_a_tariff_that_the_account_has_not_and_a_job_too_many_keep_the_document(
    bsg_document: None, sandbox: Sandbox
) -> None:
    document, bearer = Document(strict_content()), login(sandbox)
    sandbox.put_account("live_sandbox", tariffs=[0])
    sandbox.configure(stat_jobs_at_most=0)
    expected = {
        "POST /api/campaigns/price": (422, {"message": "Tariff was not found", "errors": []}),
        "POST /api/stat/jobs": (200, {"error": 0, "errorDescription": "Maximum count of exports reached"}),
    }

    for name, wanted in expected.items():
        operation = document.operation(*name.split())
        response = send(sandbox, bearer, "POST", OPERATIONS[name][0](sandbox))
        assert (response.status_code, response.json()) == wanted
        assert faults_of(response, operation, document) == []


def test_a_delivery_report_keeps_the_document(bsg_document: None, sandbox: Sandbox) -> None:
    document = Document(strict_content())
    with receiver() as app:
        call(sandbox, "POST", INDIVIDUAL, json={"messages": messages(3), "callback_url": app.url})
        sandbox.advance(60)
        wait_until(lambda: len(app.pushed) == 3)

    schema = document.content["components"]["schemas"]["RcsStatusCallback"]
    assert [error.message for report in app.pushed for error in document.errors(schema, report)] == []


def test_a_response_that_does_not_keep_the_document_is_noticed(bsg_document: None, sandbox: Sandbox) -> None:
    document = Document(strict_content())
    operation = document.operation("GET", "/api/campaigns/{id}")
    request = OPERATIONS[operation.name][0](sandbox)
    sandbox.force_status(int(request.path.split("/")[3]), "levitating")

    assert len(faults_of(send(sandbox, login(sandbox), "GET", request), operation, document)) == 1
    assert document.errors(operation.response(200) or {}, {"data": {}}) != []
