"""Pricing against its slow, obvious twin: one row at a time, in fractions, straight from the rules."""

from __future__ import annotations

import csv
from fractions import Fraction
from math import floor
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

import features.contract
from features.contract import REASONS, ContractRates
from features.money import NULL
from features.tables import CONTRACT_RATES, REFERENCE_FEES, WRITEOFFS
from features.vocabulary import Vocabulary
from tests.spec.writeoffs import day, table

Plain = dict[str, str | float | None]

RULES = {
    row["modifier"]: row for row in csv.DictReader((Path(features.contract.__file__).parent / "modifiers.csv").read_text().splitlines())
}
WEIGHTS = (
    "contract_id plan_id product facility_id provider_class modifier procedure_code drg_code revenue_code place_of_service claim_type"
).split()
FACILITY, OFFICE = {"22", "21"}, {"11"}
FLAGS = ("lesser_of_charges", "sequestration_applies", "multiple_procedure")


def half_up(cents: Fraction) -> int:
    return floor(cents + Fraction(1, 2))


def exact(value: object, places: int = 4) -> Fraction:
    return Fraction(round(float(str(value)) * 10**places), 10**places)


def fits(term: Plain, row: Plain, modifiers: list[str]) -> bool:
    if term["payer_id"] != row["payer_id"]:
        return False
    for name in WEIGHTS:
        if term.get(name) is None or name in ("product", "provider_class"):
            continue
        if term[name] not in modifiers if name == "modifier" else row.get(name) != term[name]:
            return False
    return True


def holds(term: Plain, on: str | None) -> bool:
    since, until = term.get("effective_from"), term.get("effective_to")
    if on is None:
        return since is None and until is None
    return (since is None or str(since) <= on) and (until is None or on <= str(until))


def is_share(term: Plain) -> bool:
    return term["method"] == "percent_of_reference" and term.get("unit_basis") == "base" and term.get("modifier") is not None


def rank_of(term: Plain, modifiers: list[str]) -> tuple[object, ...]:
    """Order terms: more columns asked for first, then by the weight of the columns, then by the modifier's place on the line."""
    asked = [WEIGHTS.index(name) for name in WEIGHTS if term.get(name) is not None]
    named = modifiers.index(str(term["modifier"])) if term.get("modifier") is not None else 0
    return -len(asked), asked, named


def prices_claim(term: Plain) -> bool:
    return term["method"] in ("case_rate", "per_diem", "capitated") or term.get("drg_code") is not None


def names_service(term: Plain) -> bool:
    return term.get("procedure_code") is not None or term.get("revenue_code") is not None


def choose(terms: list[Plain], row: Plain, modifiers: list[str]) -> tuple[Plain | None, str]:
    on = row.get("service_date")
    fitting = [term for term in terms if not is_share(term) and fits(term, row, modifiers)]
    holding = [term for term in fitting if holds(term, None if on is None else str(on))]
    if not holding:
        payers = {term["payer_id"] for term in terms}
        if not fitting:
            return None, "no_term" if row["payer_id"] in payers else "no_contract"
        return None, "no_service_day" if on is None else "no_term_on_day"
    holding.sort(key=lambda term: rank_of(term, modifiers))
    best = holding[0]
    if prices_claim(best) and not names_service(best):
        carved = [term for term in holding if names_service(term) and not prices_claim(term)]
        best = carved[0] if carved else best
    if best.get("product") is not None or best.get("provider_class") is not None:
        return None, "product_unknown"
    same = [term for term in holding if all(term.get(name) == best.get(name) for name in WEIGHTS)]
    effect = ("method", "value", "unit_basis", *FLAGS)
    if any(
        (term.get(name) in (None, "no")) != (best.get(name) in (None, "no")) or (term.get(name) or "no") != (best.get(name) or "no")
        for term in same
        for name in FLAGS[:2]
    ):
        return None, "terms_overlap"
    if any(term.get(name) != best.get(name) for term in same for name in effect if name not in FLAGS[:2]):
        return None, "terms_overlap"
    return best, ""


def fee_of(fees: list[Plain], row: Plain, modifiers: list[str]) -> tuple[Fraction, str, str]:
    """Return a reference fee in cents, the modifier it names, and else the reason; the twin knows one schedule, no localities."""
    on = row.get("service_date")
    listed = [
        fee for fee in fees if on is not None and fee["procedure_code"] == row.get("procedure_code") and str(fee["year"]) == str(on)[:4]
    ]
    named = next((code for code in modifiers if any(fee.get("modifier") == code for fee in listed)), None)
    listed = [fee for fee in listed if fee.get("modifier") == named]
    place = row.get("place_of_service")
    setting = "yes" if place in FACILITY else "no" if place in OFFICE else None
    own = [fee for fee in listed if setting is not None and fee.get("facility") == setting] or [
        fee for fee in listed if fee.get("facility") is None
    ]
    if not own and setting is None and listed:
        if len({fee["amount"] for fee in listed}) > 1 or len({fee.get("facility") for fee in listed}) < 2:
            return Fraction(0), "", "no_place_of_service"
        own = listed
    if not own:
        return Fraction(0), "", "no_reference_fee"
    return Fraction(str(own[0]["amount"])) * 100, named or "", ""


def shares_of(terms: list[Plain], row: Plain, left: list[str]) -> tuple[Fraction, str]:
    """Return the product of the modifiers' shares, the smallest of each group, or the reason why there is none."""
    on = row.get("service_date")
    best: dict[str, Fraction] = {}
    for code in left:
        own = [
            t for t in terms if is_share(t) and t["modifier"] == code and fits(t, row, [code]) and holds(t, None if on is None else str(on))
        ]
        own = [t for t in own if t.get("product") is None and t.get("provider_class") is None]
        rule = RULES.get(code)
        if own and (found := min(own, key=lambda t: rank_of(t, [code]))).get("value") is not None:
            share = exact(found["value"]) / 100
        elif rule and rule["percent"]:
            share = Fraction(rule["percent"]) / 100
        elif rule and rule["reason"]:
            return Fraction(0), rule["reason"]
        else:
            continue
        group = rule["group"] if rule else code
        best[group] = min(best.get(group, share), share)
    product = Fraction(1)
    for share in best.values():
        product *= share
    return product, ""


def slow(terms: list[Plain], fees: list[Plain], row: Plain) -> tuple[int, int, str]:
    """Return cents, term and reason of a row without a claim."""
    modifiers = list(dict.fromkeys(str(row.get("modifiers") or "").upper().split()))
    term, reason = choose(terms, row, modifiers)
    if term is None:
        return NULL, -1, reason
    number = next(place for place, other in enumerate(terms) if other is term)
    cents, reason = amount(terms, fees, row, term, modifiers)
    return (NULL, number, reason) if reason else (cents, number, "")


def amount(terms: list[Plain], fees: list[Plain], row: Plain, term: Plain, modifiers: list[str]) -> tuple[int, str]:
    method, value, billed = term["method"], term.get("value"), row.get("billed_amount")
    whole = row.get("procedure_code") is None and row.get("revenue_code") is None and row.get("line_number") is None
    if prices_claim(term):
        if method == "capitated":
            return 0, "capitated"
        if method != "not_covered" and value is None:
            return 0, "no_value"
        if method == "percent_of_reference":
            return 0, "no_reference_fee"
        if not whole:
            return 0, "claim_priced"
    if method == "not_covered":
        return 0, ""
    if value is None:
        return 0, "no_value"
    charge = None if billed is None else max(Fraction(str(billed)) * 100, Fraction(0))
    multiple = term.get("multiple_procedure")
    ranked = not prices_claim(term) and (multiple == "yes" or (multiple is None and "51" in modifiers and term.get("modifier") != "51"))
    units = Fraction(1) if row.get("units") is None else exact(row["units"])
    if method == "percent_of_charges":
        if not prices_claim(term):
            for code in modifiers:
                rule = RULES.get(code)
                if rule is None or code == term.get("modifier") or rule["effect"] == "named":
                    continue
                if rule["effect"] != "rank" or multiple is None:
                    return 0, rule["reason"] or "charge_with_modifier"
        if charge is None:
            return 0, "no_charge"
        price = charge * exact(value) / 100
    elif method == "per_diem":
        if row.get("service_date") and row.get("service_date_to") and str(row["service_date_to"]) >= str(row["service_date"]):
            days = max(day(str(row["service_date_to"])) - day(str(row["service_date"])), 1)
        elif row.get("units") is not None and units.denominator == 1 and units >= 1:
            days = int(units)
        else:
            return 0, "no_days"
        price = exact(value) * 100 * days
    elif method == "case_rate" or prices_claim(term):
        price = exact(value) * 100
    else:
        basis = term.get("unit_basis")
        if basis not in (None, "unit", "visit"):
            return 0, "unit_unknown"
        base, named = exact(value) * 100, [term.get("modifier")]
        if method == "percent_of_reference":
            fee, code, reason = fee_of(fees, row, [code for code in modifiers if code != term.get("modifier")])
            if reason:
                return 0, reason
            base, named = exact(value) / 100 * fee, [*named, code]
        share, reason = shares_of(terms, row, [code for code in modifiers if code not in named])
        if reason:
            return 0, reason
        ranked = not prices_claim(term) and (multiple == "yes" or (multiple is None and "51" in modifiers and "51" not in named))
        price = base * share * (1 if basis == "visit" else units)
    if ranked:
        return 0, "claim_not_seen"
    cents = half_up(price)
    if term.get("lesser_of_charges") == "yes":
        if charge is None:
            return 0, "no_charge"
        cents = min(cents, int(charge))
    return cents, ""


def sometimes(*values: str | float) -> st.SearchStrategy[str | float | None]:
    return st.one_of(st.none(), st.none(), st.sampled_from(values))


DAYS = ("2025-03-01", "2025-12-31", "2026-01-01", "2026-06-30")
AMOUNTS = ("0", "0.01", "12.34", "99.99", "100", "333.33", "1000")
CODES = ("26", "TC", "50", "51", "52", "62", "66", "80", "AS", "25", "QK", "53")
TERMS: st.SearchStrategy[Plain] = st.fixed_dictionaries(
    {
        "payer_id": st.sampled_from(["A", "B"]),
        "plan_id": sometimes("GOLD", "LEAD"),
        "product": st.one_of(*[st.none()] * 8, st.just("HMO")),
        "procedure_code": sometimes("1", "2", "3"),
        "modifier": sometimes("26", "80", "53"),
        "revenue_code": sometimes("0278"),
        "drg_code": st.one_of(*[st.none()] * 5, st.just("470")),
        "place_of_service": sometimes("11"),
        "effective_from": sometimes("2025-01-01", "2026-01-01"),
        "effective_to": sometimes("2025-12-30", "2026-06-29"),
        "method": st.sampled_from(
            ["fee_schedule"] * 4
            + ["percent_of_charges", "percent_of_reference"] * 2
            + ["case_rate", "per_diem", "capitated", "not_covered"]
        ),
        "value": st.one_of(st.none(), *[st.sampled_from([0.0, 10.0, 21.5321, 62.5, 100.0, 120.0, 333.33])] * 6),
        "unit_basis": st.sampled_from([None, None, "unit", "visit", "minute", "base"]),
        "lesser_of_charges": sometimes("yes", "no"),
        "multiple_procedure": st.one_of(*[st.none()] * 4, st.sampled_from(["yes", "no"])),
    }
)
FEES: st.SearchStrategy[Plain] = st.fixed_dictionaries(
    {
        "schedule": st.just("MPFS"),
        "year": st.sampled_from([2025, 2026]),
        "procedure_code": st.sampled_from(["1", "2"]),
        "modifier": sometimes("26", "53"),
        "facility": sometimes("yes", "no"),
        "amount": st.sampled_from(AMOUNTS),
    }
)
ROWS: st.SearchStrategy[Plain] = st.fixed_dictionaries(
    {
        "payer_id": st.sampled_from(["A", "A", "B", "C"]),
        "plan_id": sometimes("GOLD", "LEAD"),
        "procedure_code": st.sampled_from([None, "1", "2", "3", "9"]),
        "modifiers": st.lists(st.sampled_from(CODES), max_size=3).map(lambda codes: " ".join(codes) or None),
        "revenue_code": sometimes("0278", "0120"),
        "drg_code": sometimes("470"),
        "place_of_service": sometimes("11", "22", "07"),
        "line_number": sometimes("1"),
        "service_date": st.sampled_from([None, *DAYS]),
        "service_date_to": sometimes("2026-01-03"),
        "units": st.sampled_from([None, None, 1.0, 2.0, 0.5, 3.3333, 1e6]),
        "billed_amount": st.sampled_from([None, "-5", *AMOUNTS]),
    }
)


def distinct_fees(fees: list[Plain]) -> list[Plain]:
    """Keep the first fee of each key: the table's grain."""
    return list({tuple(fee[name] for name in REFERENCE_FEES.key if name != "locality"): fee for fee in reversed(fees)}.values())


@settings(max_examples=300, deadline=None)
@given(st.lists(TERMS, max_size=12), st.lists(FEES, max_size=6).map(distinct_fees), st.lists(ROWS, min_size=1, max_size=8))
def test_prices_equal_those_of_the_slow_twin_alone_and_in_a_batch(terms: list[Plain], fees: list[Plain], rows: list[Plain]) -> None:
    words = Vocabulary()
    rates = ContractRates(table(CONTRACT_RATES, terms, words), table(REFERENCE_FEES, fees, words))
    want = [slow(terms, fees, row) for row in rows]
    alone = [rates.price(table(WRITEOFFS, [row], words)) for row in rows]
    few = rates.price(table(WRITEOFFS, rows, words))
    many = rates.price(table(WRITEOFFS, rows * 65, words))
    assert few.reason is not None and many.reason is not None
    for place, (cents, term, reason) in enumerate(want):
        one = alone[place]
        assert one.reason is not None
        assert (int(one.allowed_cents[0]), int(one.term[0]), REASONS[one.reason[0]]) == (cents, term, reason)
        for told, at in ((few, place), (many, place), (many, place + 64 * len(rows))):
            assert told.reason is not None
            assert (int(told.allowed_cents[at]), int(told.term[at]), REASONS[told.reason[at]]) == (cents, term, reason)


SHARE_BY_PLACE = {1: Fraction(1), 2: Fraction(1, 2), 3: Fraction(1, 2)}
LINES = st.lists(
    st.tuples(
        st.sampled_from(["C1", "C2"]),
        st.integers(1, 4),
        st.sampled_from(["1", "2", "3", "4"]),
        st.sampled_from([None, "51", "50"]),
        st.sampled_from([None, 1.0, 2.0]),
        st.sampled_from(DAYS[2:]),
    ),
    min_size=1,
    max_size=10,
    unique_by=lambda line: (line[0], line[1]),
)


def slow_rank(line: tuple[object, ...], lines: list[tuple[object, ...]], fee: dict[str, float], flagged: set[str]) -> int:
    """Return the price of one ranked line: count the dearer ones of its claim and day."""

    def full(one: tuple[object, ...]) -> int:
        units = Fraction(1) if one[4] is None else exact(one[4])
        return half_up(exact(fee[str(one[2])]) * 100 * units * (Fraction(3, 2) if one[3] == "50" else 1))

    def is_ranked(one: tuple[object, ...]) -> bool:
        return one[2] in flagged or one[3] == "51"

    if not is_ranked(line):
        return full(line)
    session = [one for one in lines if one[0] == line[0] and one[5] == line[5]]
    before = [one for one in session if is_ranked(one) and (-full(one), str(one[1])) < (-full(line), str(line[1]))]
    if any(is_ranked(one) and one[3] != "51" for one in session):
        place = 1 + len(before)
    elif any(one[3] != "51" for one in session):
        place = 2 + len(before)
    else:
        return NULL
    units = Fraction(1) if line[4] is None else exact(line[4])
    price = exact(fee[str(line[2])]) * 100 * units * (Fraction(3, 2) if line[3] == "50" else 1)
    return half_up(price * SHARE_BY_PLACE.get(place, Fraction(1, 4)))


@settings(max_examples=200, deadline=None)
@given(
    LINES, st.lists(st.sampled_from([10.0, 10.01, 33.33, 400.0]), min_size=4, max_size=4), st.sets(st.sampled_from(["1", "2", "3", "4"]))
)
def test_ranks_equal_those_counted_line_by_line(lines: list[tuple[object, ...]], values: list[float], flagged: set[str]) -> None:
    words, fee = Vocabulary(), dict(zip(["1", "2", "3", "4"], values, strict=True))
    terms = [
        {
            "payer_id": "A",
            "procedure_code": code,
            "method": "fee_schedule",
            "value": value,
            "multiple_procedure": "yes" if code in flagged else None,
        }
        for code, value in fee.items()
    ]
    names = ("claim_id", "line_number", "procedure_code", "modifiers", "units", "service_date")
    rows = [{"payer_id": "A"} | dict(zip(names, line, strict=True)) for line in lines]
    priced = ContractRates(table(CONTRACT_RATES, terms, words)).price(table(WRITEOFFS, rows, words))
    assert priced.allowed_cents.tolist() == [slow_rank(line, lines, fee, flagged) for line in lines]
