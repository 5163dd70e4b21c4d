"""CSRF tokens belong to one client and live an hour from their last use."""

import re

import pytest

from domain.csrf_tokens import MOST_PER_CLIENT, CsrfTokenRefused, CsrfTokens


def test_a_token_is_32_letters_and_digits_and_may_be_used_again() -> None:
    tokens = CsrfTokens()
    token = tokens.issue("10.0.0.1", "browser")
    assert re.fullmatch(r"[A-Za-z0-9]{32}", token)
    tokens.check("10.0.0.1", "browser", token)
    tokens.check("10.0.0.1", "browser", token)


@pytest.mark.parametrize(("address", "agent"), [("10.0.0.2", "browser"), ("10.0.0.1", "other")])
def test_another_client_may_not_use_it(address: str, agent: str) -> None:
    tokens = CsrfTokens()
    token = tokens.issue("10.0.0.1", "browser")
    with pytest.raises(CsrfTokenRefused):
        tokens.check(address, agent, token)


def test_an_hour_without_use_ends_it() -> None:
    now = [0.0]
    tokens = CsrfTokens(lambda: now[0])
    token = tokens.issue("a", "b")
    now[0] = 3600
    tokens.check("a", "b", token)
    now[0] = 7201
    with pytest.raises(CsrfTokenRefused):
        tokens.check("a", "b", token)


def test_the_oldest_token_goes_when_a_client_takes_too_many() -> None:
    tokens = CsrfTokens()
    first = tokens.issue("a", "b")
    for _ in range(MOST_PER_CLIENT):
        newest = tokens.issue("a", "b")
    tokens.check("a", "b", newest)
    with pytest.raises(CsrfTokenRefused):
        tokens.check("a", "b", first)
