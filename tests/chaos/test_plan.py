"""A seed says what will happen; a longer run begins with the shorter one."""

from __future__ import annotations

from collections import Counter

from bsg_sandbox.faults import KINDS
from tests.chaos.campaigns import ChaosCampaign
from tests.chaos.messages import STREAMS, ChaosMessage
from tests.chaos.plan import BSG_FAULTS, clock_skew, plan


def test_a_seed_replays_its_plan_and_another_makes_another() -> None:
    assert plan(5, 300) == plan(5, 300)
    assert plan(5, 300) != plan(6, 300)


def test_a_longer_plan_begins_with_the_shorter_one() -> None:
    shorter = plan(5, 60)

    assert len(shorter) > 20
    assert plan(5, 600)[: len(shorter)] == shorter


def test_no_target_has_two_faults_at_once() -> None:
    free_at: dict[str, float] = {}
    for fault in plan(5, 3600):
        assert free_at.get(fault.target, 0.0) <= fault.at
        free_at[fault.target] = fault.at + fault.lasts


def test_an_hour_has_every_kind_of_fault_and_a_thousand_kills() -> None:
    happened = Counter((fault.subject, fault.kind) for fault in plan(5, 3600))

    assert {kind for subject, kind in happened if subject == "bsg"} == {*BSG_FAULTS, "calm"}
    assert {kind for subject, kind in happened if subject == "network"} == {"cut", "delay", "halve", "blackhole"}
    assert {kind for subject, kind in happened if subject == "redis"} == {"stop", "kill", "pause", "fill"}
    assert happened["operator", "open"] > 100
    assert {kind for subject, kind in happened if subject == "stream"} == {"pause", "cancel"}
    assert happened["sender", "kill"] > 200
    deaths = {("process", "kill"), ("process", "terminate"), ("sender", "kill"), ("redis", "kill")}
    assert sum(times for fault, times in happened.items() if fault in deaths) > 1000


def test_every_fault_of_the_sandbox_is_in_the_plan_or_lasts_throughout_the_run() -> None:
    assert set(BSG_FAULTS) | {"zone"} == set(KINDS)


def test_some_clocks_are_right_and_others_minutes_off() -> None:
    skews = [clock_skew(5, "worker0", start) for start in range(40)]

    assert 0.0 in skews
    assert min(skews) < -120
    assert max(skews) > 120


def test_each_message_of_each_campaign_has_a_phone_of_its_own() -> None:
    campaigns = [ChaosCampaign.drawn(5, producer, number) for producer in (0, 1) for number in range(50)]
    phones = [campaign.phone(index) for campaign in campaigns for index in range(campaign.size)]

    assert len(set(phones)) == len(phones)
    assert {len(str(phone)) for phone in phones} == {14}
    assert ChaosCampaign.named(5, campaigns[-1].key) == campaigns[-1]


def test_each_message_of_a_stream_has_a_phone_and_a_key_of_its_own() -> None:
    campaigns = [ChaosCampaign.drawn(5, producer, number) for producer in (0, 1) for number in range(50)]
    messages = [ChaosMessage.drawn(5, producer, number) for producer in (2, 3) for number in range(500)]
    phones = [campaign.phone(index) for campaign in campaigns for index in range(campaign.size)]

    assert len({*phones, *(message.phone for message in messages)}) == len(phones) + len(messages)
    assert len({message.key for message in messages} - {campaign.key for campaign in campaigns}) == len(messages)
    assert {len(str(message.phone)) for message in messages} == {14}
    assert {message.stream for message in messages} == set(STREAMS)
    assert {message.second_thoughts for message in messages} == {"none", "suppress first", "suppress", "give up"}
