"""Segments to claims, lines and adjustments: every place a value may stand, and what cannot be read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from features.intake.remits.elements import read_cents
from features.intake.remits.issues import KINDS, IssueLog
from features.intake.remits.records import Claim as ReadClaim
from features.intake.remits.segments import read_segments
from features.intake.remits.transaction import read_transactions
from tests.features.intake.remits.reading import codes, read
from tests.features.intake.remits.writer import Claim, Line, Remit, denied, encode, paid


def _with(segments: list[str], **changes: str | None) -> list[str]:
    """Return segments with those of a tag replaced, or left out for None."""
    kept = []
    for segment in segments:
        tag = segment.partition("*")[0]
        if tag not in changes:
            kept.append(segment)
        elif changes[tag] is not None:
            kept.append(str(changes[tag]))
    return kept


def _claim(*body: str, charge: str = "100", paid_amount: str = "60") -> tuple[ReadClaim, list[str]]:
    """Return the one claim of a file that holds these segments after its CLP, and the codes of the issues."""
    head = ["ST*835*1", f"BPR*I*{paid_amount}*C*CHK************20240105", "TRN*1*T*1999999999", "N1*PR*P*XV*1"]
    segments = [*head, f"CLP*C*1*{charge}*{paid_amount}**12*I*11*1", *body]
    [remit], issues = read(encode([*segments, f"SE*{len(segments) + 1}*1"]))
    return remit.claims[0], [code for code in codes(issues) if code != "isa_missing"]


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        (".5", 50), ("5.", 500), ("-.00", 0), ("+5", 500), ("00012.30", 1230), ("-12.3", -1230), ("0", 0), ("12.340", 1234),
        ("9999999999999.99", 999999999999999), ("10000000000000", None), ("12.345", None), ("12.3O", None), ("1e3", None), ("1,000", None),
        ("$5", None), ("NaN", None), ("-", None), (".", None), ("+-5", None), ("5-", None), ("١٢", None), ("0x10", None), ("1 000", None),
    ],
)  # fmt: skip
def test_amounts_are_exact_cents_or_refused(text: str, cents: int | None) -> None:
    assert read_cents(text) == cents
    claim, issues = _claim(f"CAS*CO*45*{text}")
    if cents is None:
        assert (claim.fault, claim.fault_segment, claim.adjustments) == ("amount_invalid", 6, ())
        assert "amount_invalid" in issues
    else:
        assert [one.cents for one in claim.adjustments] == [cents]
        assert not claim.fault


@pytest.mark.parametrize(
    "place",
    ["CLP*C*1*x*60**12*I", "CLP*C*1*100*x**12*I", "CLP*C*1*100*60*x*12*I", "SVC*HC:1*x*0", "SVC*HC:1*0*x", "AMT*B6*x", "CAS*CO*45*5**97*x"],
)
def test_an_unreadable_amount_anywhere_rejects_its_claim_and_no_other(place: str) -> None:
    segments = Remit((paid("BEFORE"), paid("C"), paid("AFTER"))).segments()
    first = next(i for i, segment in enumerate(segments) if segment.startswith("CLP*C*"))
    tag = place.partition("*")[0]
    spot = next(i for i in range(first, len(segments)) if segments[i].startswith(tag))
    segments[spot] = place
    [remit], issues = read(encode(segments))
    assert [claim.fault for claim in remit.claims] == ["", "amount_invalid", ""]
    assert remit.claims[1].fault_segment == spot + 1
    [issue] = [issue for issue in issues if issue.code == "amount_invalid"]
    assert (issue.segment, issue.tag) == (spot + 1, tag)


def test_six_triplets_keep_their_positions() -> None:
    claim, issues = _claim("CAS*CO*45*10*1*97*5**16*5*****253*20*2", paid_amount="60")
    got = [(one.carc, one.cents, one.quantity, one.position) for one in claim.adjustments]
    assert got == [("45", 1000, "1", 1), ("97", 500, "", 2), ("16", 500, "", 3), ("253", 2000, "2", 5)]
    assert claim.is_balanced and issues == []


@pytest.mark.parametrize("segment", ["CAS*CO*45*10*1", "CAS*CO*45*10*1~", "CAS*CO*45*10**", "CAS*CO* 45 * 10 *"])
def test_trailing_and_padded_elements_change_nothing(segment: str) -> None:
    claim, _ = _claim(segment.rstrip("~"), paid_amount="90")
    assert [(one.group, one.carc, one.cents) for one in claim.adjustments] == [("CO", "45", 1000)]


def test_a_group_may_repeat_and_amounts_may_be_negative() -> None:
    claim, issues = _claim("CAS*OA*23*50", "CAS*OA*94*-10", "CAS*OA*23*0")
    assert [one.cents for one in claim.adjustments] == [5000, -1000, 0]
    assert claim.is_balanced and issues == []


def test_claim_adjustments_need_no_line() -> None:
    claim, issues = _claim("CAS*CO*45*40")
    assert claim.lines == () and claim.is_balanced and issues == []


def test_remarks_stand_in_three_places() -> None:
    claim, _ = _claim(
        "MIA*0***60*M1***************N20*N21*N22*N23*",
        "MOA***MA01*MA02*MA03*MA04*MA05*9",
        "SVC*HC:1*100*60**1",
        "CAS*CO*16*40",
        "LQ*HE*N130",
        "LQ*RX*70",
        "LQ*HE*M76",
    )
    assert claim.rarcs == ("M1", "N20", "N21", "N22", "N23", "MA01", "MA02", "MA03", "MA04", "MA05")
    assert claim.lines[0].rarcs == ("N130", "M76")
    assert claim.is_institutional


def test_six_provider_adjustments_are_kept_and_their_sign_reduces_the_payment() -> None:
    pairs = tuple((f"{reason}:REF{reason}", 100) for reason in ("WO", "FB", "72", "CS", "IR"))
    remit = Remit((paid(),), plb=pairs)
    segments = [segment for segment in remit.segments() if not segment.startswith("PLB")]
    one = "PLB*1234567893*20241231*" + "*".join(f"{reason}*1.00" for reason, _ in pairs) + "*L6:X*-.00"
    [found], issues = read(encode([*segments[:-3], one, f"SE*{len(segments) - 3}*0001", *segments[-2:]]))
    assert [(pair.reason, pair.reference, pair.cents) for pair in found.provider_adjustments] == [
        *((reason[:2], reason[3:], 100) for reason, _ in pairs),
        ("L6", "X", 0),
    ]
    assert found.is_balanced and issues == []


def test_a_reference_in_plb_is_cut_before_the_medicare_number() -> None:
    remit = Remit((paid(),), plb=(("WO:1234567890123456789CANARYHIC", 5), ("FB:ICN CANARYHIC", 5)))
    [found], _ = read(encode(remit.segments()))
    assert [pair.reference for pair in found.provider_adjustments] == ["1234567890123456789", "ICN"]


@pytest.mark.parametrize(
    ("segments", "dates"),
    [
        (["SVC*HC:1*100*60", "DTM*472*20240101"], ("2024-01-01", "2024-01-01")),
        (["SVC*HC:1*100*60", "DTM*150*20240101", "DTM*151*20240103"], ("2024-01-01", "2024-01-03")),
        (["SVC*HC:1*100*60", "DTM*150*20240101"], ("2024-01-01", "2024-01-01")),
        (["DTM*232*20240101", "DTM*233*20240104", "SVC*HC:1*100*60"], ("2024-01-01", "2024-01-04")),
        (["DTM*232*20240101", "SVC*HC:1*100*60", "DTM*472*20240102"], ("2024-01-02", "2024-01-02")),
        (["SVC*HC:1*100*60", "DTM*472****RD8*20240101-20240105"], ("2024-01-01", "2024-01-05")),
        (["SVC*HC:1*100*60"], ("", "")),
        (["SVC*HC:1*100*60", "DTM*472*20241332"], ("", "")),
        (["SVC*HC:1*100*60", "DTM*472*20990101"], ("", "")),
    ],
)
def test_service_dates_are_those_of_the_line_else_of_the_claim(segments: list[str], dates: tuple[str, str]) -> None:
    claim, _ = _claim(*segments, "CAS*CO*45*40")
    assert (claim.lines[0].service_from, claim.lines[0].service_to) == dates


def test_lines_are_counted_in_the_claim_whatever_lx_says() -> None:
    claim, issues = _claim("LX*7", "SVC*HC:1*50*30", "CAS*CO*45*20", "LX*7", "SVC*HC:2*50*30", "CAS*CO*45*20", "LX*1")
    assert [line.number for line in claim.lines] == [1, 2]
    assert claim.is_balanced and issues == []


@pytest.mark.parametrize(
    ("svc", "expected"),
    [
        ("SVC*HC:99213:25:59:76:77:WORDS ABOUT IT*1*1**3", ("99213", ("25", "59", "76", "77"), "", "", "3")),
        ("SVC*HC:99212*1*1**1*HC:99214:25", ("99212", (), "99214", "", "1")),
        ("SVC*NU:0300*1*1**2", ("", (), "", "0300", "2")),
        ("SVC*HC:99212*1*0*0450*0**2", ("99212", (), "", "0450", "2")),
        ("SVC*N4:00093721410*1*1", ("00093721410", (), "", "", "")),
        ("SVC*99213*1*1", ("99213", (), "", "", "")),
        ("SVC**1*1", ("", (), "", "", "")),
    ],
)
def test_services(svc: str, expected: tuple[str, tuple[str, ...], str, str, str]) -> None:
    [line] = _claim(svc)[0].lines
    assert (line.procedure, line.modifiers, line.original_procedure, line.revenue_code, line.units) == expected


@pytest.mark.parametrize(
    ("changes", "payer"),
    [
        ({}, "60054"),
        ({"N1": "N1*PR*NAME"}, "80214"),
        ({"N1": "N1*PR*NAME", "REF": "REF*NF*N1"}, "1999999999"),
        ({"N1": "N1*PR*NAME", "TRN": "TRN*1*T", "REF": "REF*NF*N1"}, "N1"),
        ({"N1": "N1*PR*NAME", "TRN": None, "REF": None}, "NAME"),
        ({"N1": None, "TRN": None, "REF": None}, "unknown"),
    ],
)
def test_the_payer_is_n104_else_ref_2u_else_trn03_else_another_ref_else_its_name(changes: dict[str, str | None], payer: str) -> None:
    segments = [segment for segment in Remit((paid(),)).segments() if not segment.startswith(("N1*PE", "REF*TJ"))]
    segments.insert(next(i for i, segment in enumerate(segments) if segment.startswith("N1*PR")) + 1, "REF*2U*80214")
    [remit], _ = read(encode(_with(segments, **changes)))
    assert remit.payer_id == payer


@pytest.mark.parametrize(
    ("changes", "day"),
    [
        ({"DTM": "DTM*405*20240110"}, "2024-01-10"),
        ({"DTM": None}, "2024-01-05"),
        ({"DTM": "DTM*405*20241332"}, "2024-01-05"),
        ({"DTM": "DTM*405*18990101"}, "2024-01-05"),
        ({"DTM": None, "BPR": "BPR*I*100.00"}, "2024-01-07"),
        ({"DTM": None, "BPR": "BPR*I*100.00", "GS": "GS*HP*A*B*x*1*1*X*005010X221A1"}, "2024-01-08"),
    ],
)
def test_the_day_is_dtm405_else_bpr16_else_gs04_else_isa09(changes: dict[str, str | None], day: str) -> None:
    claim = Claim((Line(10000, day=""),))
    segments = Remit((claim,)).segments()
    segments[0] = segments[0].replace("*240105*1200", "*240108*1200")
    segments[1] = segments[1].replace("*20240105*", "*20240107*")
    [remit], _ = read(encode(_with(segments, **changes)))
    assert remit.remit_date == day
    assert remit.known_date == max(day, "2024-01-07" if "GS" not in changes else "2024-01-08")


def test_versions_4010_and_5010_are_known() -> None:
    for version, expected in (("004010X091A1", []), ("005010X221", []), ("003030", ["version_unknown"])):
        segments = [segment.replace("005010X221A1", version) for segment in Remit((paid(),)).segments()]
        assert codes(read(encode(segments))[1]) == expected


def test_balances_are_flagged_at_line_claim_and_transaction() -> None:
    good = Remit((paid("A"), paid("B"))).segments()

    def flags(segments: list[str]) -> tuple[list[bool], list[bool], bool]:
        [remit], _ = read(encode(segments))
        return (
            [line.is_balanced for claim in remit.claims for line in claim.lines],
            [one.is_balanced for one in remit.claims],
            remit.is_balanced,
        )

    assert flags(good) == ([True, True], [True, True], True)
    assert flags([segment.replace("BPR*I*200", "BPR*I*200.01*") for segment in good])[2] is False
    off = [segment.replace("CLP*A*1*200.00", "CLP*A*1*201.00") for segment in good]
    assert flags(off) == ([True, True], [False, True], True)
    first = good.index("CAS*CO*45*80.00")
    assert flags([*good[:first], "CAS*CO*45*81.00", *good[first + 1 :]]) == ([False, True], [False, True], True)


def test_envelope_counts_are_issues_only() -> None:
    segments = Remit((paid(),)).segments()
    wrong = [segment.replace("SE*", "SE*9").replace("*0001", "*0002") if segment.startswith("SE") else segment for segment in segments]
    found, issues = read(encode(wrong))
    assert found == read(encode(segments))[0]
    assert codes(issues) == ["se_count_wrong", "se_control_wrong"]


def test_a_remark_code_as_a_reason_is_read_as_a_remark() -> None:
    claim, issues = _claim("SVC*HC:1*100*60", "CAS*CO*N130*40")
    assert (claim.lines[0].adjustments[0].carc, claim.lines[0].rarcs, claim.lines[0].adjustments[0].cents) == ("", ("N130",), 4000)
    assert issues == ["rarc_as_reason"]


def test_an_unknown_group_is_kept_as_it_is_and_named_once() -> None:
    claim, issues = _claim("CAS*MA*45*20", "CAS*MA*97*20")
    assert [one.group for one in claim.adjustments] == ["MA", "MA"]
    assert issues == ["group_unknown"]


@pytest.mark.parametrize(
    ("segment", "code"),
    [
        ("CAS*CO*45*", "adjustment_amount_missing"),
        ("CAS*CO**40", "adjustment_reason_missing"),
        ("REF*F8*" + "9" * 101, "text_too_long"),
        ("SVC*HC:" + "9" * 300 + "*1*1", "text_too_long"),
    ],
)
def test_what_cannot_be_used_rejects_the_claim(segment: str, code: str) -> None:
    claim, issues = _claim(segment)
    assert claim.fault == code and code in issues


def test_a_claim_needs_a_number_of_ours_or_of_the_payer() -> None:
    for name, icn, fault in (("", "", "claim_unidentified"), ("A", "", ""), ("", "I", "")):
        [remit], issues = read(encode(Remit((paid(name, icn=icn),)).segments()))
        assert remit.claims[0].fault == fault
        assert ("claim_unidentified" in codes(issues)) == bool(fault)


def test_adjustments_without_a_claim_are_counted_and_never_used() -> None:
    segments = Remit((denied(),)).segments()
    segments.insert(next(i for i, one in enumerate(segments) if one.startswith("CLP")), "CAS*CO*45*5")
    [remit], issues = read(encode(segments))
    assert [claim.is_ghost for claim in remit.claims] == [True, False]
    assert codes(issues) == ["segment_out_of_place", "se_count_wrong"]


def test_a_transaction_over_the_cap_keeps_what_was_read() -> None:
    log = IssueLog("a.835")
    data = encode(Remit(tuple(denied(f"A{i}") for i in range(50))).segments())
    [remit] = list(read_transactions(read_segments([data], log), log, most_segments=40))
    assert 1 < len(remit.claims) < 8
    assert "transaction_too_long" in codes(log.issues)
    assert all(not claim.fault for claim in remit.claims[:-1])


def test_4010_reversals_by_group_cr_and_negative_charge_are_reversals() -> None:
    reversal = replace(paid().reversed(), status="1", filing="HM")
    [remit], _ = read(encode(Remit((reversal, paid())).segments()))
    assert [claim.is_reversal for claim in remit.claims] == [True, False]


def test_every_issue_has_a_severity_and_a_sentence() -> None:
    for code, (severity, message) in KINDS.items():
        assert severity in ("error", "warning", "info") and len(message) > 20, code
