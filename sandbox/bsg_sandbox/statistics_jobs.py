"""Statistics jobs: delivery reports in bulk. BSG: Statistic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bsg_sandbox.accounts import Account
from bsg_sandbox.campaigns import Campaign
from bsg_sandbox.clock import format_bsg_time, parse_bsg_time
from bsg_sandbox.countries import country_of
from bsg_sandbox.jobs import Job
from bsg_sandbox.presenting import money
from bsg_sandbox.queries import Errors
from bsg_sandbox.responses import NO_ERRORS, Refused, Response, invalid, json_response, old_style, parsed_object
from bsg_sandbox.state import SandboxState
from bsg_sandbox.validation import is_phone

STATUSES = (
    "Delivered",
    "Rejected",
    "Scheduled",
    "Moderation",
    "Accepted",
    "Sending",
    "Sent",
    "Expired",
    "Failed",
    "Undelivered",
    "Unknown",
)
_FILE_NOT_FOUND = {"error": 90, "errorDescription": "File not found"}
_TOO_MANY = {"error": 0, "errorDescription": "Maximum count of exports reached"}
_NOT_SUPPORTED = 4
_TEXTS = ("sender", "country", "operator_id", "sl_clicks", "sl_clicks_count")
_ONE_OF = {
    "source": ("api", "web", "smpp", "xml", "http", "json"),
    "status": STATUSES,
    "sl_clicks_comp": ("=", ">", "<"),
}
_MOMENTS = ("time_in_from", "time_in_to", "time_sent_from", "time_sent_to")


def create(state: SandboxState, account: Account, query: Mapping[str, str], body: bytes) -> Response:
    """Create a job. BSG: POST /api/stat/jobs."""
    _refuse_without_jobs(account)
    order = parsed_object(body)
    times = _check(order, state.settings.zone_offset_hours)
    done_at = state.clock.now() + state.settings.stat_job_seconds
    jobs = state.statistics_jobs_of(account.key)
    job = jobs.order(account.key, order, times, done_at, state.settings.stat_jobs_at_most)
    return json_response(200, _TOO_MANY if job is None else {"error": 0, "key": job.key})


def listed(state: SandboxState, account: Account, query: Mapping[str, str], body: bytes) -> Response:
    """Return the account's jobs. BSG: GET /api/stat/jobs."""
    _refuse_without_jobs(account)
    now = state.clock.now()
    rows = [
        {"key": job.key, "request": _as_listed(job.request), "status": "Done" if now >= job.done_at else "In progress"}
        for job in state.statistics_jobs_of(account.key).listed()
    ]
    return json_response(200, {"error": 0, "result": rows})


def show(state: SandboxState, account: Account, key: str) -> Response:
    """Return the rows of a job; "File not found" (error 90) before it is done. BSG: GET /api/stat/jobs/{id}."""
    _refuse_without_jobs(account)
    job, now = state.statistics_jobs_of(account.key).find(key), state.clock.now()
    if job is None or now < job.done_at:
        return json_response(200, _FILE_NOT_FOUND)
    return json_response(200, {"error": 0, "result": list(_rows(state, account, job, now))})


def delete(state: SandboxState, account: Account, key: str) -> Response:
    """Delete a job. BSG: DELETE /api/stat/jobs/{id}."""
    _refuse_without_jobs(account)
    is_deleted = state.statistics_jobs_of(account.key).delete(key)
    return json_response(200, NO_ERRORS if is_deleted else _FILE_NOT_FOUND)


def _refuse_without_jobs(account: Account) -> None:
    if not account.statistics_jobs:
        raise Refused(old_style(_NOT_SUPPORTED))


def _check(order: Mapping[str, Any], zone: float) -> dict[str, float]:
    """Return the times in a job's request, by name. Raise Refused with 422."""
    errors, times = Errors(), {}
    if order.get("type") == "message":
        wanted = order.get("message_id")
        if not isinstance(wanted, list) or not all(type(each) is int for each in wanted):
            errors["message_id"] = ["The message id field must be an array of integers."]
    elif order.get("type") == "params":
        for name in _MOMENTS:
            if name not in order and name.startswith("time_sent"):
                continue
            try:
                times[name] = parse_bsg_time(order.get(name), zone)
            except ValueError:
                errors[name] = [f"The {name} does not match the format yyyy-mm-dd hh:mm:ss."]
        phones = order.get("phones", [])
        if not isinstance(phones, list) or not all(map(is_phone, phones)):
            errors["phones"] = ["The phones field must be an array of phones of 9 to 15 digits."]
        for name in _TEXTS:
            if not isinstance(order.get(name, ""), str):
                errors[name] = [f"The {name} must be a string."]
        for name, known in _ONE_OF.items():
            if name in order and order[name] not in known:
                errors[name] = [f"The {name} must be one of {', '.join(known)}."]
    else:
        errors["type"] = ["The type must be message or params."]
    if errors:
        raise Refused(invalid(errors))
    return times


def _as_listed(request: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in request.items() if name not in ("type", "message_id")}
    if "message_id" in request:
        shown["message_ids"] = request["message_id"]
    return {**shown, "user_id": "50529"}


def _rows(state: SandboxState, account: Account, job: Job, now: float) -> Iterator[dict[str, Any]]:
    zone = state.settings.zone_offset_hours
    phones = frozenset(job.request.get("phones", ()))
    for campaign, rows in _ranges(state, account, job):
        texts = campaign.texts.all()
        for row in rows:
            if phones and campaign.phones[row] not in phones:
                continue
            found = _row(campaign, row, texts[row], now, zone)
            if _is_wanted(found, campaign, row, job, now):
                yield found


def _ranges(state: SandboxState, account: Account, job: Job) -> Iterator[tuple[Campaign, Sequence[int]]]:
    if job.request["type"] == "params":
        for campaign in state.store.campaigns_of(account.key):
            if job.times["time_in_from"] <= int(campaign.timeline.created_at) <= job.times["time_in_to"]:
                yield campaign, range(len(campaign.phones))
        return
    wanted: dict[int, list[int]] = {}
    for message_id in dict.fromkeys(job.request["message_id"]):
        holder = state.store.with_message(message_id)
        if holder is not None and holder.key == account.key:
            wanted.setdefault(holder.id, []).append(message_id - holder.first_message_id)
    for campaign_id, rows in wanted.items():
        holder = state.store.campaign(campaign_id, account.key)
        if holder is not None:
            yield holder, sorted(rows)


def _row(campaign: Campaign, row: int, text: str, now: float, zone: float) -> dict[str, Any]:
    phone = campaign.phones[row]
    country = country_of(phone)
    status = campaign.message_status(row, now)
    sent_at = campaign.message_time(row, now)
    delivered_at = campaign.message_time(row, now, campaign.delivery_seconds) if status == "delivered" else None
    return {
        "message_id": str(campaign.first_message_id + row),
        "message_type": "sms",
        "msisdn": str(phone),
        "country_name": country.name,
        "brand": country.brand,
        "mcc": country.mcc,
        "mnc": country.mnc,
        "originator": campaign.sender_of(row),
        "price": money(campaign.price / campaign.size),
        "currency": campaign.currency,
        "time_in": format_bsg_time(campaign.timeline.created_at, zone),
        "time_sent": None if sent_at is None else format_bsg_time(sent_at, zone),
        "time_dlr": None if delivered_at is None else format_bsg_time(delivered_at, zone),
        "status": status.capitalize(),
        "body": text,
        "sl_clicks": None,
    }


def _is_wanted(found: Mapping[str, Any], campaign: Campaign, row: int, job: Job, now: float) -> bool:
    request, times = job.request, job.times
    sent_at = campaign.message_time(row, now)
    if "time_sent_from" in times and (sent_at is None or int(sent_at) < times["time_sent_from"]):
        return False
    if "time_sent_to" in times and (sent_at is None or int(sent_at) > times["time_sent_to"]):
        return False
    if request.get("source", "api") != "api":
        return False
    return all(
        request.get(name, found[shown]) == found[shown]
        for name, shown in (("country", "country_name"), ("status", "status"))
    )
