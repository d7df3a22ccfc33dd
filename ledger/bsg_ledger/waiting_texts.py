"""The text of each reason to wait. The command line, Flower and the alerts share this table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bsg_ledger.gate_reasons import TRIAL_DECIDES, shut_for
from bsg_ledger.waiting import Wait, WaitReason


@dataclass(frozen=True, slots=True)
class WaitText:
    """`waits_for` completes "waits for"; `description` completes "these messages are"; `next` is a sentence or two.

    `urgent`: nothing happens unless an operator acts.
    """

    waits_for: str
    description: str
    next: str
    urgent: bool = False


TEXTS: Mapping[WaitReason, WaitText] = {
    WaitReason.OPERATOR_DECIDES: WaitText(
        "an operator: {batches} to resolve",
        "in doubt{in_brackets}, and an operator has to decide",
        "Look in BSG's account for a campaign{around} with {messages} messages, or ask BSG. If it is there: "
        "`bsg-campaigns resolve {batch} --sent ITS-ID`; if it is certainly not there: "
        "`bsg-campaigns resolve {batch} --not-sent`, and it is sent again.",
        urgent=True,
    ),
    WaitReason.LOST_AT_BSG: WaitText(
        "an operator: {batches} to resolve",
        "sent as BSG campaign {bsg_campaign_id}, which BSG no longer knows",
        "Ask BSG. `bsg-campaigns resolve {batch} --sent {bsg_campaign_id}` keeps it as sent, "
        "`bsg-campaigns resolve {batch} --not-sent` sends it again.",
        urgent=True,
    ),
    WaitReason.UNREAD_AT_BSG: WaitText(
        "an operator: {batches} to look up at BSG",
        "sent as BSG campaign {bsg_campaign_id}, about which BSG has reported nothing of use for long: {cause}",
        "Look it up in BSG's account, or ask BSG. `bsg-campaigns resolve {batch} --sent {bsg_campaign_id}` ends it as "
        "sent. BSG is asked again until then.",
        urgent=True,
    ),
    WaitReason.UNSTOPPED: WaitText(
        "an operator: {batches} to stop in BSG's account",
        "cancelled, but at BSG as campaign {bsg_campaign_id}, which BSG does not stop: it says that there is none",
        "Stop it in BSG's account, or ask BSG. `bsg-campaigns cancel {campaign}` sends the stop once more; "
        "`bsg-campaigns resolve {batch} --sent {bsg_campaign_id}` ends it as sent.",
        urgent=True,
    ),
    WaitReason.UNREADABLE_RECORD: WaitText(
        "an operator: {cause}",
        "closed, and nothing else is known, as its record cannot be read",
        "Nothing else depends on the record. The campaign is kept until its record can be read.",
        urgent=True,
    ),
    WaitReason.MAX_COST: WaitText(
        "an operator: {cause}",
        "paused, as {cause}",
        "`bsg-campaigns resume {campaign} --max-cost AMOUNT` lets the campaign go on, up to that amount for all of it.",
        urgent=True,
    ),
    WaitReason.PAUSED: WaitText(
        "an operator: it is paused",
        "held by a pause",
        "`bsg-campaigns {resume}` lets them go on.",
        urgent=True,
    ),
    WaitReason.LOST_KEY: WaitText(
        "a key that no process has any more: account {account}",
        "for the account {account}, under a key that no process has any more",
        "`bsg-campaigns account rekey --account {account}` moves the campaign to the key of now, or says why not.",
        urgent=True,
    ),
    WaitReason.NO_KEY: WaitText(
        "workers with its key: account {account}",
        "for the account {account}, under a key or an address that is not set here",
        "Only workers with its BSG_API_KEY and BSG_BASE_URL go on with it.",
        urgent=True,
    ),
    WaitReason.UNREADABLE: WaitText(
        "workers that can read it",
        "not readable for the workers: {cause}",
        "`bsg-campaigns doctor` shows whether BODY_KEY suffices. Put the key that is missing behind the others, for "
        "the workers too.",
        urgent=True,
    ),
    WaitReason.PAST_DEADLINE: WaitText(
        "the sweep: its deadline has passed",
        "past their deadline",
        "The next sweep ends them as expired.",
    ),
    WaitReason.GATE: WaitText(
        "the gate: shut, {cause}",
        "held by the account's gate, which is shut because {gate_why}",
        "{gate_opens}",
        urgent=True,
    ),
    WaitReason.HALF_OPEN: WaitText(
        "the gate: half open, one batch at a time",
        "held by the account's gate, which is half open, as {gate_why}: one batch at a time goes through",
        TRIAL_DECIDES,
    ),
    WaitReason.NO_WORKER: WaitText(
        "a worker: none takes it",
        "due{since}, and no worker takes them or sends anything else of the account",
        "`bsg-campaigns doctor` shows whether workers take tasks, and whether beat runs.",
        urgent=True,
    ),
    WaitReason.PAUSED_AT_BSG: WaitText(
        "somebody to resume it in BSG's account",
        "paused at BSG{since}, as it does when funds run out",
        "Add funds, and resume the campaign in BSG's account: BSG lets nobody resume it by API. "
        "`bsg-campaigns cancel {campaign}` has it stopped instead.",
        urgent=True,
    ),
    WaitReason.MODERATION: WaitText(
        "BSG's moderation",
        "in BSG's moderation{since}, which is long",
        "Ask BSG to moderate it. `bsg-campaigns cancel {campaign}` has it stopped instead.",
        urgent=True,
    ),
    WaitReason.COOL_DOWN: WaitText(
        "the account's cool-down",
        "waiting, as BSG asked for a pause (cool-down)",
        "A worker sends them after it.",
    ),
    WaitReason.MAX_COST_PER_DAY: WaitText(
        "midnight (UTC): the next batch would pass max_cost_per_day {cause}",
        "held until midnight (UTC), as the next batch would pass max_cost_per_day {cause}",
        "A worker sends them then. What has to leave before that expires at its deadline. `bsg-campaigns stream resume "
        "{stream} --max-cost-per-day AMOUNT` sends them before, up to that amount for the day.",
    ),
    WaitReason.SENDING_HOURS: WaitText(
        "its sending hours",
        "outside of the hours in which they may leave (send_between)",
        "A worker sends them when the hours begin.",
    ),
    WaitReason.ON_THE_WIRE: WaitText(
        "BSG's response",
        "on their way to BSG",
        "The worker records BSG's response. If none is there by the end of its lease, BSG is asked whether it has "
        "them.",
    ),
    WaitReason.PREPARE: WaitText(
        "a worker to prepare it",
        "accepted, and not checked yet",
        "A worker checks them and divides them into batches.",
    ),
    WaitReason.PRICE: WaitText(
        "the price of its first batch",
        "held until BSG reports the price of the first batch, as a cap of its cost is set",
        "They are sent once the price is known, as far as the cap allows.",
    ),
    WaitReason.BACKOFF: WaitText(
        "its next try, after “{cause}”",
        "waiting for another try after “{cause}”",
        "A worker takes them up again.",
    ),
    WaitReason.RATE_LIMIT: WaitText(
        "a worker to send it",
        "ready, and in line for the rate limit ({cause})",
        "The next free worker sends them.",
    ),
    WaitReason.DOUBT: WaitText(
        "a look-up at BSG: in doubt",
        "in doubt{in_brackets}: BSG may or may not have them",
        "They are looked up at BSG. What is found counts as sent, and nothing is sent again on a guess.",
    ),
    WaitReason.STOPPING: WaitText(
        "BSG to stop it",
        "cancelled, and at BSG{in_brackets}, which is asked to stop it",
        "BSG is asked again until it has stopped, or sent. It refuses to stop what it is still creating.",
    ),
    WaitReason.SCHEDULED: WaitText(
        "its start_at: BSG has it, and sends it then",
        "at BSG{in_brackets}, which sends them at the campaign's start_at",
        "BSG begins by itself. `bsg-campaigns cancel {campaign}` has it stopped there before.",
    ),
    WaitReason.AT_BSG: WaitText("BSG to finish", "at BSG{in_brackets}", "BSG is asked for the status again and again."),
    WaitReason.SPAM: WaitText(
        "",
        "not sent: they did not pass BSG's moderation (spam)",
        "Nothing more happens by itself. Ask BSG what is wrong with the text, and send another one as a new campaign.",
    ),
    WaitReason.LATE_REPORTS: WaitText("", "sent", "BSG is asked for late deliveries now and then."),
    WaitReason.REFUSED: WaitText(
        "",
        "refused by BSG{after_colon}",
        "Nothing more happens by itself. When the cause is fixed, `bsg-campaigns retry {campaign}` sends them again.",
    ),
    WaitReason.EXPIRED: WaitText(
        "",
        "not sent by their deadline",
        "Nothing more happens by itself. `bsg-campaigns retry {campaign} --deadline TIME` sends them after all.",
    ),
    WaitReason.REJECTED: WaitText(
        "", "rejected, and will not be sent", "`bsg-campaigns rejects {campaign}` names each with its reason."
    ),
    WaitReason.CANCELLED: WaitText("", "cancelled before they were sent", "Nothing is left to do."),
    WaitReason.FINISHED: WaitText("", "sent", "Nothing is left to do."),
}


def describe(wait: Wait, show_time: Callable[[datetime], str]) -> WaitText:
    """Return the reason as text, with the facts about the messages. `show_time` formats a time."""
    words = _words(wait, show_time)
    text = TEXTS[wait.reason]
    description = text.description.format_map(words)
    if wait.others:
        others = ", ".join(map(str, wait.others))
        description = f"{description}; BSG has or had it as {others} too, and is asked to stop what only repeats it"
    return WaitText(text.waits_for.format_map(words), description, text.next.format_map(words), text.urgent)


def _words(wait: Wait, show_time: Callable[[datetime], str]) -> dict[str, str]:
    shut = shut_for(wait.cause, wait.account_name)
    since = show_time(wait.since) if wait.since else ""
    return {
        "campaign": wait.campaign_id,
        "resume": f"stream resume {wait.stream}" if wait.stream else f"resume {wait.campaign_id}",
        "stream": wait.stream,
        "account": wait.account_name,
        "batch": wait.batch_ids[0] if len(wait.batch_ids) == 1 else "BATCH",
        "batches": "1 batch" if wait.batches == 1 else f"{wait.batches} batches",
        "messages": str(wait.messages),
        "bsg_campaign_id": str(wait.bsg_campaign_id or "ITS-ID"),
        "cause": wait.cause,
        "in_brackets": f" ({wait.cause})" if wait.cause else "",
        "after_colon": f": {wait.cause}" if wait.cause else "",
        "since": f" since {since}" if since else "",
        "around": f" of about {since}" if since else "",
        "gate_why": shut.why,
        "gate_opens": shut.opens,
    }
