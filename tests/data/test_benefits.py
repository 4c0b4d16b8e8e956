from __future__ import annotations

import hashlib
import itertools

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import csv

from lab.data import benefits
from lab.data.regions import FAR, INHABITANTS_THOUSANDS

# Bytes of the CSV of 2,000 rows. A change of the model, or of numpy's draws, must be seen
# and means a new version of the data set: a published one never changes.
CSV_SHA256 = "24dade05b7801f190c52d182e8e0a87630fc31c01232710d45d894ebfab14684"


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return benefits.generate()


def csv_sha256(table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def mean(table: pa.Table, column: str, **where: object) -> float:
    for name, value in where.items():
        values = list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]
        table = table.filter(pc.field(name).isin(values))
    return float(pc.mean(table[column]).as_py())


def share(table: pa.Table, column: str, value: object, **where: object) -> float:
    flag = pc.equal(table[column], value).cast(pa.int8())
    return mean(table.append_column("_flag", flag), "_flag", **where)


def is_rising(values: list[float]) -> bool:
    return all(low < high for low, high in itertools.pairwise(values))


class TestBytes:
    def test_the_same_seed_gives_the_same_bytes(self) -> None:
        assert csv_sha256(benefits.generate(rows=2_000)) == CSV_SHA256

    def test_another_seed_gives_another_table(self) -> None:
        assert csv_sha256(benefits.generate(rows=2_000, seed=1)) != CSV_SHA256


class TestShape:
    def test_it_has_fifty_thousand_rows_and_fifteen_columns(self, table: pa.Table) -> None:
        assert (table.num_rows, table.num_columns) == (50_000, 15)

    def test_it_has_no_identifier(self, table: pa.Table) -> None:
        # Only a repeated value can lead to nobody: no column tells every row apart.
        most = max(pc.count_distinct(table[name]).as_py() for name in table.column_names)
        assert most < 2_500

    def test_all_regions_are_there_in_proportion(self, table: pa.Table) -> None:
        total = sum(INHABITANTS_THOUSANDS.values())
        for region, thousands in INHABITANTS_THOUSANDS.items():
            assert share(table, "region", region) == pytest.approx(thousands / total, abs=0.008)

    def test_the_weights_add_up_to_the_census(self) -> None:
        assert len(INHABITANTS_THOUSANDS) == 17
        assert sum(INHABITANTS_THOUSANDS.values()) == 8_502

    def test_few_claims_come_at_the_week_end(self, table: pa.Table) -> None:
        weekday = pc.day_of_week(table["date_depot"])
        assert pc.mean(pc.greater_equal(weekday, 5).cast(pa.int8())).as_py() < 0.12


class TestMissingValues:
    def test_only_what_may_be_missing_is(self, table: pa.Table) -> None:
        missing = {name for name in table.column_names if table[name].null_count}
        assert missing == {
            "taille_menage",
            "revenu_menage",
            "charge_agent",
            "montant_mensuel",
            "appel",
        }

    def test_the_self_employed_declare_their_income_less_often(self, table: pa.Table) -> None:
        untold = pc.is_null(table["revenu_menage"]).cast(pa.int8())
        flagged = table.append_column("untold", untold)
        others = [name for name in benefits.EMPLOYMENT if name != "Travail autonome"]
        self_employed = mean(flagged, "untold", situation_emploi="Travail autonome")
        assert self_employed > 2.5 * mean(flagged, "untold", situation_emploi=others)

    def test_an_amount_is_there_exactly_when_something_is_granted(self, table: pa.Table) -> None:
        granted = pc.is_in(table["decision"], pa.array(["Acceptée", "Acceptée en partie"]))
        assert pc.all(pc.equal(granted, pc.is_valid(table["montant_mensuel"]))).as_py()

    def test_an_appeal_is_told_exactly_where_one_is_possible(self, table: pa.Table) -> None:
        possible = pc.is_in(table["decision"], pa.array(["Refusée", "Acceptée en partie"]))
        assert pc.all(pc.equal(possible, pc.is_valid(table["appel"]))).as_py()

    def test_the_workload_is_lost_during_the_outage_and_only_then(self, table: pa.Table) -> None:
        first, last = (pa.scalar(day) for day in benefits.OUTAGE)
        day = table["date_depot"]
        inside = pc.and_(pc.greater_equal(day, first), pc.less_equal(day, last))
        assert pc.all(pc.equal(inside, pc.is_null(table["charge_agent"]))).as_py()


class TestDependencies:
    def test_each_missing_document_lengthens_the_delay(self, table: pa.Table) -> None:
        delays = [mean(table, "delai_jours", pieces_manquantes=count) for count in range(4)]
        assert is_rising(delays)
        assert delays[1] - delays[0] > 5

    def test_complexity_lengthens_the_delay_within_every_benefit(self, table: pa.Table) -> None:
        for benefit in benefits.BENEFITS:
            delays = [
                mean(table, "delai_jours", prestation=benefit, complexite=level)
                for level in benefits.COMPLEXITY
            ]
            assert is_rising(delays), benefit

    def test_a_busy_office_answers_later(self, table: pa.Table) -> None:
        simple = table.filter(pc.field("prestation") == "Aide au logement")
        bounds = [0, 42, 48, 54, 60, 999]
        delays = [
            mean(
                simple.filter(
                    (pc.field("charge_agent") >= low) & (pc.field("charge_agent") < high)
                ),
                "delai_jours",
            )
            for low, high in itertools.pairwise(bounds)
        ]
        assert is_rising(delays)

    def test_older_people_go_online_less(self, table: pa.Table) -> None:
        ages = [range(18, 35), range(50, 60), range(65, 75), range(80, 98)]
        shares = [share(table, "canal", "En ligne", age=list(group)) for group in ages]
        assert is_rising(shares[::-1])
        assert shares[0] > shares[-1] + 0.3

    def test_far_regions_use_the_counter_less(self, table: pa.Table) -> None:
        near = set(INHABITANTS_THOUSANDS) - FAR
        far_share = share(table, "canal", "Au comptoir", region=FAR)
        assert far_share < share(table, "canal", "Au comptoir", region=near) - 0.03

    def test_students_ask_for_study_aid(self, table: pa.Table) -> None:
        assert share(table, "prestation", "Aide aux études", situation_emploi="Aux études") > 0.5

    def test_income_follows_work_and_household(self, table: pa.Table) -> None:
        full = mean(table, "revenu_menage", situation_emploi="Temps plein")
        assert full > 1.5 * mean(table, "revenu_menage", situation_emploi="Temps partiel")
        sizes = [
            mean(table, "revenu_menage", situation_emploi="Temps plein", taille_menage=size)
            for size in (1, 2, 3)
        ]
        assert is_rising(sizes)

    def test_a_higher_income_is_refused_more_often(self, table: pa.Table) -> None:
        housing = table.filter(pc.field("prestation") == "Aide au logement")
        bounds = [0, 20_000, 40_000, 60_000, 10**9]
        income = pc.field("revenu_menage")
        refused = [
            share(housing.filter((income >= low) & (income < high)), "decision", "Refusée")
            for low, high in itertools.pairwise(bounds)
        ]
        assert is_rising(refused)

    def test_a_partial_grant_is_smaller(self, table: pa.Table) -> None:
        for benefit in benefits.BENEFITS:
            whole = mean(table, "montant_mensuel", prestation=benefit, decision="Acceptée")
            part = mean(
                table, "montant_mensuel", prestation=benefit, decision="Acceptée en partie"
            )
            assert part < 0.8 * whole, benefit

    def test_refusals_and_long_waits_bring_appeals(self, table: pa.Table) -> None:
        numbers = table.set_column(14, "appel", table["appel"].cast(pa.int8()))
        refused = mean(numbers, "appel", decision="Refusée")
        assert refused > 1.5 * mean(numbers, "appel", decision="Acceptée en partie")
        slow = numbers.filter(pc.field("delai_jours") > 60)
        quick = numbers.filter(pc.field("delai_jours") < 15)
        assert mean(slow, "appel", decision="Refusée") > mean(quick, "appel", decision="Refusée")
