from __future__ import annotations

import multiprocessing
import threading
import time
from pathlib import Path

import pytest
import redis

from bsg_config.rate import Rate
from bsg_ledger.limiter import Later, Limiter, Slot
from tests.servers import RedisServer

ACCOUNT = "0123456789abcdef"


def a_limiter(url: str, rate: str = "10/s", burst: int = 1, name: str = "submit") -> Limiter:
    assert name in {"submit", "status"}
    return Limiter(
        redis.Redis.from_url(url, socket_timeout=2),
        ACCOUNT,
        "submit" if name == "submit" else "status",
        Rate.parse(rate),
        burst,
    )


Between = tuple[float, float]


def take_slots_until(url: str, rate: str, burst: int, ends: float, taken: multiprocessing.Queue[list[Between]]) -> None:
    """Take slots as fast as the limiter gives them, and reports between which moments each surely lies.

    The moments are by the clock of the machine, as Redis has it. That of the sending would say when this process had
    the processor.
    """
    limiter, slots = a_limiter(url, rate, burst), list[Between]()
    while (asked := time.time()) < ends:
        response = limiter.reserve()
        if isinstance(response, Later):
            time.sleep(min(response.retry_in, 0.05))
            continue
        slots.append((asked + response.wait, time.time() + response.wait))
        time.sleep(response.wait)
    taken.put(slots)


def slots_of_processes(count: int, url: str, rate: str, burst: int, ends: float) -> list[Between]:
    context = multiprocessing.get_context("fork")
    taken: multiprocessing.Queue[list[Between]] = context.Queue()
    processes = [context.Process(target=take_slots_until, args=(url, rate, burst, ends, taken)) for _ in range(count)]
    for process in processes:
        process.start()
    slots = [slot for _ in processes for slot in taken.get(timeout=20)]
    for process in processes:
        process.join()
    return slots


def most_in_any_second(slots: list[Between]) -> int:
    """Of those that surely lie in one second."""
    return max(sum(1 for earliest, latest in slots if start <= earliest and latest < start + 1) for start, _ in slots)


@pytest.mark.parametrize(("rate", "burst"), [("40/s", 1), ("40/s", 5)])
def test_several_processes_together_keep_the_limit_and_use_it_up(redis_url: str, rate: str, burst: int) -> None:
    used: list[int] = []
    while (
        len(used) < 3 and max(used, default=0) < 0.85 * 40 * 3
    ):  # a machine that is busy for half a second misses slots
        begins = time.time()
        slots = slots_of_processes(4, redis_url, rate, burst, begins + 3)
        assert most_in_any_second(slots) <= 40 + burst
        used.append(sum(earliest < begins + 3 for earliest, _ in slots))

    assert max(used) >= 0.85 * 40 * 3


def test_a_burst_goes_at_once_and_then_the_rate_holds(redis_url: str) -> None:
    limiter = a_limiter(redis_url, "15/m", burst=3)

    waits = [response.wait for response in (limiter.reserve(10) for _ in range(5)) if isinstance(response, Slot)]

    assert waits[:3] == [0, 0, 0]
    assert waits[3:] == pytest.approx([4, 8], abs=1)


def test_a_low_rate_reserves_nothing_that_lies_further_away_than_the_longest_wait(redis_url: str) -> None:
    limiter = a_limiter(redis_url, "6/m")
    assert limiter.reserve() == Slot(0)

    responses = [limiter.reserve() for _ in range(20)]

    # Had one of the refused reserved a slot, the next would have had to wait 20 s, then 30 s.
    assert all(isinstance(response, Later) and 9 < response.retry_in <= 10 for response in responses)


def test_a_slot_just_within_the_longest_wait_is_reserved(redis_url: str) -> None:
    limiter = a_limiter(redis_url, "1/s")

    responses = [limiter.reserve(max_wait_seconds=2.0) for _ in range(4)]

    assert [type(response) for response in responses] == [Slot, Slot, Slot, Later]


def test_a_cool_down_holds_back_everybody_under_both_limits(redis_url: str) -> None:
    one, other = a_limiter(redis_url), a_limiter(redis_url, name="status")

    one.cool_down(5)

    for limiter in (one, other, a_limiter(redis_url, "100/s", burst=50)):
        response = limiter.reserve()
        assert isinstance(response, Later)
        assert 4.5 < response.retry_in <= 5


def test_a_cool_down_is_never_shortened(redis_url: str) -> None:
    limiter = a_limiter(redis_url)
    limiter.cool_down(30)

    current = limiter.cool_down(1)

    assert 29 < current <= 30
    assert 29 < limiter.state().cooling_for <= 30


def test_a_cool_down_of_a_year_ends_after_an_hour(redis_url: str) -> None:
    limiter = a_limiter(redis_url)

    assert limiter.cool_down(365 * 86_400) <= 3600


def test_after_a_cool_down_the_waiting_go_one_after_the_other(redis_url: str) -> None:
    limiter = a_limiter(redis_url, "30/m", burst=1)
    limiter.cool_down(3)

    waits = [response.wait for response in (limiter.reserve(10) for _ in range(4)) if isinstance(response, Slot)]

    assert waits == pytest.approx([3, 5, 7, 9], abs=0.9)


def test_the_limits_of_two_accounts_do_not_touch(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    Limiter(client, "aaaa", "submit", Rate.parse("1/m")).reserve()

    assert Limiter(client, "bbbb", "submit", Rate.parse("1/m")).reserve() == Slot(0)


def test_looking_at_the_state_reserves_nothing(redis_url: str) -> None:
    limiter = a_limiter(redis_url, "1/m")

    assert limiter.state().next_slot_in == 0
    assert limiter.reserve() == Slot(0)
    assert 59 < limiter.state().next_slot_in <= 60


def test_a_clock_set_back_by_a_day_blocks_nobody(redis_url: str) -> None:
    limiter = a_limiter(redis_url, "5/s")
    tomorrow = (time.time() + 86_400) * 1_000_000
    redis.Redis.from_url(redis_url).set(f"bsg:account:{ACCOUNT}:limit:submit", f"{tomorrow:.0f}")

    assert limiter.reserve() == Slot(0)


def test_nothing_is_left_in_redis_when_nothing_was_sent_for_a_while(redis_url: str) -> None:
    limiter, client = a_limiter(redis_url, "100/s"), redis.Redis.from_url(redis_url)
    limiter.reserve()
    limiter.cool_down(0.01)

    assert {client.pttl(key) > 0 for key in client.keys("*")} == {True}


def test_threads_that_share_a_limiter_get_slots_of_their_own(redis_url: str) -> None:
    limiter, responses = a_limiter(redis_url, "2/s"), list[Slot | Later]()
    threads = [threading.Thread(target=lambda: responses.append(limiter.reserve(10))) for _ in range(16)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    waits = sorted(response.wait for response in responses if isinstance(response, Slot))
    assert len(waits) == 16
    assert waits[-1] == pytest.approx(7.5, abs=0.9)


def test_a_limit_that_cannot_be_asked_lets_nothing_through(own_redis_server: RedisServer) -> None:
    limiter = a_limiter(own_redis_server.url)
    assert isinstance(limiter.reserve(), Slot)

    own_redis_server.kill()

    with pytest.raises(redis.exceptions.RedisError):
        limiter.reserve()
    own_redis_server.restart()
    assert isinstance(limiter.reserve(), Slot)


def test_a_server_that_lost_its_scripts_is_taught_them_again(redis_url: str, tmp_path: Path) -> None:
    limiter = a_limiter(redis_url)
    limiter.reserve()

    redis.Redis.from_url(redis_url).script_flush()

    assert isinstance(limiter.reserve(), Slot)
