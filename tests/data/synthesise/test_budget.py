from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.data.errors import DataError
from lab.data.synthesise import Account, Budget, Spending, epsilon_of, rho_of


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-3, 20), st.floats(1e-12, 0.4))
def test_what_epsilon_buys_never_costs_more_than_epsilon(epsilon: float, delta: float) -> None:
    rho = rho_of(epsilon, delta)
    assert epsilon_of(rho, delta) <= epsilon
    assert epsilon_of(rho * 1.001 + 1e-12, delta) > epsilon


@pytest.mark.parametrize("delta", [1e-9, 1e-6, 1e-5])
@pytest.mark.parametrize("rho", [0.005, 0.02, 0.1, 1.0])
def test_conversion_is_tighter_than_the_first_published_and_above_the_exact_gaussian(
    rho: float, delta: float
) -> None:
    first_published = rho + 2.0 * math.sqrt(rho * math.log(1.0 / delta))  # Bun, Steinke 2016
    assert epsilon_of(rho, delta) < first_published

    def exact_delta(epsilon: float) -> float:  # Balle, Wang 2018, of a Gaussian that costs rho
        mu = math.sqrt(2.0 * rho)

        def below(at: float) -> float:
            return 0.5 * math.erfc(-at / math.sqrt(2.0))

        return below(mu / 2 - epsilon / mu) - math.exp(epsilon) * below(-mu / 2 - epsilon / mu)

    assert exact_delta(epsilon_of(rho, delta)) <= delta


@pytest.mark.parametrize(
    ("epsilon", "delta"),
    [(0, 1e-6), (-1, 1e-6), (math.inf, 1e-6), (math.nan, 0.1), (1, 0), (1, 1)],
)
def test_no_budget_without_positive_epsilon_and_delta_below_one(
    epsilon: float, delta: float
) -> None:
    with pytest.raises(DataError, match="budget_invalid"):
        Budget(epsilon, delta)


def test_account_pays_until_its_total_and_not_beyond() -> None:
    account = Account("t").spend(Budget(3.0), "all at once")
    assert account.epsilon_spent <= 3.0
    with pytest.raises(DataError) as refused:
        account.spend(Budget(0.01), "a little more")
    assert refused.value.reason == "budget_exhausted"
    assert "déjà dépensé" in refused.value.fr


def test_releases_add_up_over_the_life_of_a_table() -> None:
    account, releases = Account("t"), 0
    while True:
        try:
            account = account.spend(Budget(1.0), "one more")
        except DataError:
            break
        releases += 1
    assert releases == 7  # zCDP adds up more slowly than epsilon: 3 would be naive
    assert account.epsilon_spent <= 3.0
    assert account.rho_spent == pytest.approx(7 * rho_of(1.0, 1e-6))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.01, 0.5), max_size=5), st.text(max_size=20))
def test_account_reads_back_the_same(epsilons: list[float], source: str) -> None:
    spent = tuple(Spending("x é", rho_of(one, 1e-6)) for one in epsilons)
    account = Account(source, Budget(5.0, 1e-7), spent)
    assert Account.from_json(account.to_json()) == account


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"source":"t","total":{"epsilon":3,"delta":1e-6},"spent":[{"what":"x","rho":-1}]}',
        '{"source":"t","total":{"epsilon":3,"delta":1e-6},"spent":[{"what":"x","rho":NaN}]}',
    ],
)
def test_account_that_is_broken_or_credited_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="account_unreadable"):
        Account.from_json(text)
