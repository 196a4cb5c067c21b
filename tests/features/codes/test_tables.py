"""The code tables hold together: every family, remedy and group they name exists."""

from __future__ import annotations

import csv
from datetime import date
from importlib.resources import files
from pathlib import Path

from features.codes import FAMILIES, Codes
from features.codes.adjustment import spoken
from features.codes.meaning import CATEGORY, PRIOR_MILLS, SCENARIOS, Meaning
from features.codes.page import family_page
from features.codes.steps import steps_of
from features.codes.tables import PRIOR_RATES
from features.tables import GROUP_CODES, REMEDIES
from features.triage import Said

CODES = Codes.load()


def rows_of(name: str) -> list[dict[str, str]]:
    with files("features.codes").joinpath(name).open("r", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_row_of_a_table_is_found_and_none_twice() -> None:
    # At least the 313 reason codes and 183 remark codes collected in DOMAIN.md.
    assert len(rows_of("carc.csv")) == len(CODES.carcs) >= 313
    assert len(rows_of("rarc.csv")) == len(CODES.rarcs) >= 183
    assert all(None not in row for name in ("carc.csv", "rarc.csv", "plb.csv", "adjustment.csv") for row in rows_of(name))


def test_families_are_those_of_the_reason_codes_sorted_and_unknown() -> None:
    assert FAMILIES == (*sorted({carc.family for carc in CODES.carcs.values()}), "unknown")
    assert set(CODES.families) == set(FAMILIES)


def test_every_word_of_the_tables_is_a_known_one() -> None:
    remedies, groups = {*REMEDIES, ""}, {*GROUP_CODES, "any"}
    assert tuple(CODES.remedies) == REMEDIES
    assert set(CODES.groups) == set(GROUP_CODES)
    for carc in CODES.carcs.values():
        assert {carc.remedy, carc.remedy_if_pr} <= remedies and carc.remedy, carc
        assert {*carc.usual_groups, *carc.required_groups} <= groups, carc
        assert carc.recoverability in PRIOR_RATES, carc
        assert all(successor in CODES.carcs for successor in carc.successors), carc
    for rarc in CODES.rarcs.values():
        assert rarc.remedy in remedies and rarc.family in {*FAMILIES, ""}, rarc
        assert rarc.effect in {"", "raise", "lower"} and rarc.guard in {"", "qmb", "nsa", "no_billing"}, rarc
    for phrase in CODES.phrases:
        assert phrase.category in CATEGORY and phrase.family in FAMILIES and phrase.remedy in remedies, phrase
    assert all(category in CATEGORY for category in CODES.plbs.values())


def test_patient_is_billed_only_by_the_column_for_group_pr() -> None:
    assert all(carc.remedy != "patient_billing" for carc in CODES.carcs.values())
    assert all(rarc.remedy != "patient_billing" for rarc in CODES.rarcs.values())
    assert all(phrase.remedy != "patient_billing" for phrase in CODES.phrases)


def test_an_alert_gives_no_family() -> None:
    assert all(not rarc.family for rarc in CODES.rarcs.values() if rarc.alert)


def test_retired_codes_keep_their_row() -> None:
    retired = {"15", "17", "38", "42", "57", "62", "125", "138", "141", "165", "196", "A2", "A7", "B5", "B6", "B17", "B18", "W1"}
    assert {carc.code for carc in CODES.carcs.values() if carc.retired} >= retired
    for code in retired:
        carc = CODES.carcs[code]
        assert carc.effective_to is not None or "not known" in carc.notes
    assert CODES.carc("A2", on=date(2007, 12, 31)) is not None
    assert CODES.carc("A2", on=date(2008, 1, 1)) is None


def test_what_is_found_of_a_phrase_says_the_same_again() -> None:
    for phrase in CODES.phrases:
        found = spoken(phrase.phrase, CODES)
        if found is not None:
            assert spoken(found.phrase.lstrip("="), CODES) == found


def test_gathered_meanings_have_the_fields_of_one() -> None:
    assert Said._fields == Meaning._fields
    assert {name: mills / 1000 for name, mills in PRIOR_MILLS.items()} == dict(PRIOR_RATES)


def test_seed_words_are_codes_in_a_fixed_order() -> None:
    assert CODES.seed_words()["carc"] == list(CODES.carcs)
    assert CODES.seed_words() == Codes.load().seed_words()


def test_page_of_families_is_that_of_the_tables() -> None:
    # Made anew by writing `family_page(Codes.load())` there.
    page = Path(__file__).parents[3] / "docs" / "codes.md"
    assert page.read_text(encoding="utf-8") == family_page(CODES)


def test_every_remark_with_a_signal_has_a_step_in_words() -> None:
    for rarc in CODES.rarcs.values():
        has_signal = rarc.effect or rarc.family or rarc.remedy or rarc.guard or rarc.track or rarc.clock_days or rarc.appeal is not None
        assert not has_signal or rarc.next_step or rarc.what, rarc.code


def test_steps_are_of_known_remedies_and_families_and_none_twice() -> None:
    keys = [(step.remedy, step.family) for step in CODES.steps]
    assert len(keys) == len(set(keys))
    assert all(remedy in REMEDIES and family in FAMILIES for remedy, family in keys)
    assert all(step.next_step.endswith(".") for step in CODES.steps)
    assert all(sentence.endswith(".") and len(sentence) > 10 for sentence in steps_of(CODES).sentences)


def test_scenarios_are_the_four_and_their_codes_exist() -> None:
    assert {row.scenario for row in CODES.scenarios} <= set(SCENARIOS[1:])
    assert {family.scenario for family in CODES.families.values()} <= set(SCENARIOS)
    assert all(row.carc in CODES.carcs and (not row.rarc or row.rarc in CODES.rarcs) for row in CODES.scenarios)
