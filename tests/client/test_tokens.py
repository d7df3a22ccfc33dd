from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

from bsg_client import ReadFailed, TokenStore
from tests.servers import RedisServer

ACCOUNT = "0123456789abcdef"


class Logins:
    """Hands out token-1, token-2, … and notes how many logins ran at once."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.count = self.running = self.most_at_once = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            self.count += 1
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
            token = f"token-{self.count}"
        time.sleep(self.seconds)
        with self._lock:
            self.running -= 1
        return token


def a_store(url: str, login: Callable[[], str], longest_login: float = 5, longest_wait: float = 5) -> TokenStore:
    client = redis.Redis.from_url(url, socket_timeout=2)
    return TokenStore(client, ACCOUNT, login, longest_login=longest_login, longest_wait=longest_wait)


def in_threads(count: int, work: Callable[[], str]) -> list[str]:
    results: list[str] = []
    threads = [threading.Thread(target=lambda: results.append(work())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_the_first_to_ask_logs_in_and_the_others_share_its_token(redis_url: str) -> None:
    logins = Logins(0.2)
    stores = [a_store(redis_url, logins) for _ in range(8)]

    tokens = in_threads(8, lambda: stores.pop().token())

    assert tokens == ["token-1"] * 8
    assert logins.count == 1


def test_of_many_workers_with_the_same_bad_token_one_logs_in(redis_url: str) -> None:
    logins = Logins(0.2)
    store = a_store(redis_url, logins)
    bad = store.token()

    tokens = in_threads(8, lambda: a_store(redis_url, logins).renew(bad))

    assert tokens == ["token-2"] * 8
    assert (logins.count, logins.most_at_once) == (2, 1)


def test_a_token_that_did_not_fail_is_not_replaced(redis_url: str) -> None:
    logins = Logins()
    store = a_store(redis_url, logins)
    first = store.token()
    second = store.renew(first)

    late = store.renew(first)

    assert (second, late) == ("token-2", "token-2")
    assert logins.count == 2


def test_a_token_that_another_worker_got_between_our_look_and_our_lock_is_used(redis_url: str) -> None:
    class Overtaken(redis.Redis):
        def set(self, *arguments: Any, **options: Any) -> Any:
            a_store(redis_url, lambda: "theirs").token()
            return super().set(*arguments, **options)

    logins = Logins()
    store = TokenStore(Overtaken.from_url(redis_url), ACCOUNT, logins)

    assert store.token() == "theirs"
    assert logins.count == 0


def test_a_login_that_took_too_long_does_not_replace_the_token_of_a_later_one(redis_url: str) -> None:
    quick = a_store(redis_url, lambda: "quick")

    def slow_login() -> str:
        # Meanwhile the claim on the login has run out, and another worker has logged in.
        redis.Redis.from_url(redis_url).delete(f"bsg:account:{ACCOUNT}:token:login")
        quick.renew("")
        return "slow"

    assert a_store(redis_url, slow_login).token() == "quick"
    assert quick.token() == "quick"


def test_a_failed_login_lets_the_next_worker_try_at_once(redis_url: str) -> None:
    def fails() -> str:
        raise ReadFailed("login: connect timeout")

    with pytest.raises(ReadFailed, match="connect timeout"):
        a_store(redis_url, fails).token()

    started = time.monotonic()
    assert a_store(redis_url, lambda: "good").token() == "good"
    assert time.monotonic() - started < 4, "the lock expires after 5 s"


def test_a_worker_that_died_in_its_login_holds_the_others_up_for_so_long_only(redis_url: str) -> None:
    redis.Redis.from_url(redis_url).set(f"bsg:account:{ACCOUNT}:token:login", "the dead", px=300)

    assert a_store(redis_url, lambda: "good").token() == "good"


def test_a_claim_on_the_login_ends_by_itself(redis_url: str) -> None:
    remaining: list[int] = []

    def login() -> str:
        remaining.append(redis.Redis.from_url(redis_url).pttl(f"bsg:account:{ACCOUNT}:token:login"))
        return "good"

    a_store(redis_url, login, longest_login=5).token()

    assert 4000 < remaining[0] <= 5000


def test_nobody_waits_for_anothers_login_without_end(redis_url: str) -> None:
    redis.Redis.from_url(redis_url).set(f"bsg:account:{ACCOUNT}:token:login", "another", px=60_000)

    with pytest.raises(ReadFailed, match="still logging in"):
        a_store(redis_url, lambda: "good", longest_wait=0.2).token()


def test_whoever_releases_a_login_leaves_anothers_alone(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)

    def overtaken() -> str:
        client.set(f"bsg:account:{ACCOUNT}:token:login", "another")
        raise ReadFailed("login: HTTP 500")

    with pytest.raises(ReadFailed):
        a_store(redis_url, overtaken).token()

    assert client.get(f"bsg:account:{ACCOUNT}:token:login") == b"another"


def test_no_token_shows_in_the_representation_of_a_store(redis_url: str) -> None:
    store = a_store(redis_url, lambda: "a-secret-token")
    store.token()

    assert "a-secret-token" not in repr(store) + repr(vars(store))


def test_without_redis_there_is_no_token(own_redis_server: RedisServer) -> None:
    store = a_store(own_redis_server.url, lambda: "good")
    own_redis_server.kill()

    with pytest.raises(redis.exceptions.RedisError):
        store.token()
