"""What was found wrong with 835 files: structured issues in place of exceptions.

A message is a constant of this module: no value of a file ever stands in one, so no issue can name a patient.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

ERROR, WARNING, INFO = "error", "warning", "info"

LISTED_PER_KIND = 1000
"""So many issues of one code are listed per file; one more says that the rest is not."""

KINDS: dict[str, tuple[str, str]] = {
    "no_835": (ERROR, "the file holds no 835 transaction; nothing was read from it"),
    "file_unreadable": (ERROR, "the file could not be opened or read to its end"),
    "isa_unpadded": (INFO, "ISA elements do not have their fixed widths; separators were found by counting elements"),
    "isa_missing": (INFO, "no ISA before the transaction; separators were taken from the first segments"),
    "terminator_missing": (INFO, "the last segment of the file has no terminator"),
    "file_truncated": (ERROR, "the file ends inside a segment; the segment was not read"),
    "interchange_unclosed": (WARNING, "the interchange has no IEA with its control number; the file may be cut off"),
    "segment_too_long": (ERROR, "a segment is longer than any 835 segment may be; it was not read"),
    "unknown_segment": (WARNING, "not a segment of an 835; it was passed over"),
    "segment_out_of_place": (WARNING, "the segment stands outside of a claim; it was counted, not used"),
    "claim_outside_transaction": (ERROR, "a claim stands in no 835 transaction, whose ST may be damaged; the claim was not read"),
    "transaction_truncated": (ERROR, "the transaction has no SE; it may be cut off"),
    "transaction_too_long": (ERROR, "the transaction has more segments than are read; the rest was passed over"),
    "se_count_wrong": (WARNING, "SE01 is not the number of segments from ST to SE"),
    "se_control_wrong": (WARNING, "SE02 is not the control number in ST02"),
    "version_unknown": (WARNING, "GS08 names neither 4010 nor 5010; read as 5010"),
    "bpr_missing": (WARNING, "the transaction has claims and no readable BPR02; it cannot be balanced"),
    "component_separator": (WARNING, "SVC01 uses another component separator than ISA16 names; the one in SVC01 was used"),
    "payer_unidentified": (WARNING, "no payer id in N104, TRN03 or REF and no payer name; the payer is called `unknown`"),
    "payer_by_name": (INFO, "the payer has no id in N104, TRN03 or REF; its name is the id"),
    "date_invalid": (WARNING, "not a calendar day from 1990 on; read as blank"),
    "amount_invalid": (ERROR, "an amount is not a decimal number of at most two decimals; the claim was rejected"),
    "provider_amount_invalid": (ERROR, "a PLB amount is not a decimal number of at most two decimals; it was left out"),
    "amount_missing": (WARNING, "an amount that the guide requires is blank; it counts as zero in balancing"),
    "adjustment_amount_missing": (ERROR, "a CAS reason has no amount; the claim was rejected"),
    "adjustment_reason_missing": (ERROR, "a CAS amount has no reason code; the claim was rejected"),
    "group_unknown": (WARNING, "CAS01 is none of CO, PR, OA, PI, CR; kept as it is"),
    "rarc_as_reason": (WARNING, "a remark code stands where CAS wants a reason code; it was read as a remark"),
    "text_too_long": (ERROR, "an identifier is longer than any 835 identifier may be; the claim was rejected"),
    "claim_unidentified": (ERROR, "the claim has neither CLP01 nor CLP07; it was rejected"),
    "claim_undated": (ERROR, "none of DTM*405, BPR16, GS04, ISA09 is a day; the claim was rejected"),
    "claim_incomplete": (ERROR, "the claim stands at a cut or a damaged segment and does not balance; it was rejected"),
    "line_out_of_balance": (WARNING, "SVC02 less the adjustments of the line is not SVC03; kept and flagged"),
    "claim_out_of_balance": (WARNING, "CLP03 less all adjustments of the claim is not CLP04; kept and flagged"),
    "transaction_out_of_balance": (WARNING, "the sum of CLP04 less PLB is not BPR02; kept and flagged"),
    "service_after_remit": (WARNING, "a service date lies after the remittance; kept"),
    "predetermination": (INFO, "claim status 25 is a predetermination; it makes no write-off"),
    "reversal_without_original": (INFO, "a reversal without the adjudication that it reverses: pending or a take-back"),
    "claim_split": (INFO, "one claim was adjudicated in parts with different lines; all parts are current"),
    "ledger_unmatched": (WARNING, "no 835 line known on the posting day fits this ledger row; it is kept as it is"),
    "ledger_ambiguous": (WARNING, "several 835 adjustments fit this ledger row; what they share was filled in"),
    "ledger_reason_differs": (WARNING, "the 835 line of this ledger row has other reasons; the row keeps its own"),
    "ledger_amount_differs": (INFO, "no 835 adjustment of this row's line has its amount; the payer's reason was not taken over"),
    "not_listed": (INFO, "more issues of one kind were found than are listed for a file"),
}
"""Code -> severity and message. `docs` and tests read this table."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding: where (file, segment counted from 1, tag), what (code), how bad, in words.

    >>> Issue.of("se_count_wrong", "a.835", 33, "SE").severity
    'warning'
    """

    file: str
    segment: int | None
    tag: str
    code: str
    severity: str
    message: str

    @classmethod
    def of(cls, code: str, file: str, segment: int | None = None, tag: str = "", element: int | None = None) -> Issue:
        """Return the issue of that code; with `element`, its position (CAS03) goes before the message."""
        severity, message = KINDS[code]
        where = f"{tag}{element:02d}: " if element is not None else ""
        return cls(file, segment, tag, code, severity, where + message)


class IssueLog:
    """The issues of one file, at most `LISTED_PER_KIND` of a kind.

    >>> log = IssueLog("a.835")
    >>> log.add("unknown_segment", 4)
    >>> len(log.issues), log.issues[0].segment
    (1, 4)
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.issues: list[Issue] = []
        self._seen: Counter[str] = Counter()

    def add(self, code: str, segment: int | None = None, tag: str = "", element: int | None = None) -> None:
        """Note an issue; past the limit of its kind only that there are more."""
        self._seen[code] += 1
        if self._seen[code] <= LISTED_PER_KIND:
            self.issues.append(Issue.of(code, self.file, segment, tag, element))
        elif self._seen[code] == LISTED_PER_KIND + 1:
            self.issues.append(Issue.of("not_listed", self.file, segment, tag))

    def only(self, code: str) -> None:
        """Forget everything and say one thing about the file."""
        self.issues = [Issue.of(code, self.file)]
