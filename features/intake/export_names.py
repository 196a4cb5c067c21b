"""Column names that practice-management systems export, by what they are here."""

from __future__ import annotations

from collections.abc import Mapping

_NAMES = """
writeoff_id: transaction id, transaction number, trans id, trans no, posting id, adjustment id, adj id, write off id, ar activity
    id, sequence no, txn id, txn number, txn no, trx id
writeoff_date: write off date, wo date, adjustment date, adj date, posting date, posted date, post date, date posted, accounting
    date, transaction date, trans date, txn date
payer_id: payer, payer name, payer code, payor, payor name, insurance, insurance name, insurance company, carrier, carrier name,
    primary insurance, primary payer, ins name, ins co, insurer
writeoff_amount: write off amount, write off amt, wo amount, wo amt, adjustment amount, adj amount, adj amt, adjustment, write
    off, writeoff, amount adjusted, adjusted amount, transaction amount
posting_kind: transaction type, posting type, trans type
client_id: client, practice, practice id, practice name, tenant, organization, organisation
claim_id: claim, claim number, claim no, encounter, encounter number, encounter id, visit id, visit number, invoice, invoice
    number, voucher, voucher number, voucher no, patient control number
line_number: line, line no, claim line, service line, line item
payer_claim_number: icn, dcn, payer icn, payer claim control number, payer claim no, payer control number, internal control number
patient_id: patient, patient no, patient number, patient account, account, account number, account no, mrn, patient mrn, medical
    record number, chart number, chart no, pid
payer_type: insurance type, financial class, payer class, fin class, plan type
next_payer_id: secondary payer, secondary carrier, secondary insurance, secondary ins, next payer, next carrier, other payer
other_payer_paid_amount: other payer paid, other insurance paid, other ins paid, primary paid
payer_sequence: cob, cob order, insurance order, responsibility sequence
plan_id: plan, plan name, insurance plan, product
contract_id: contract, contract name, contract number
provider_id: provider, provider name, rendering provider, rendering prov, rendering, rendering npi, provider npi, npi, physician, doctor
facility_id: facility, facility name, location, service location, site
specialty: specialty, provider specialty, department
place_of_service: pos, pos code, place of svc
claim_type: form type, claim form
type_of_bill: tob, bill type
drg_code: drg, ms drg
procedure_code: cpt, cpt code, hcpcs, cpt hcpcs, procedure, proc code, proc, service code, code
modifiers: modifier, mod, mods, mod 1, modifier 1
revenue_code: rev code, revenue
diagnosis_code: dx, dx 1, dx code, icd, icd 10, icd10, diagnosis, primary diagnosis, primary dx
units: unit, qty, quantity, units billed, svc units
service_date: dos, date of service, service from, from date, dos from, from dos, svc date, service date from, service from date
service_date_to: dos to, to dos, service to, to date, thru date, service to date, service date to
submitted_date: claim date, billed date, bill date, submission date, date billed, filed date, date submitted
remit_date: era date, eob date, remittance date, check date, payment date, paid date, remit
initial_denial_date: denial date, first denial date, denied date
billed_amount: billed, charge, charges, charge amount, billed charges, total charge, amount billed, charge amt, fee
allowed_amount: allowed, allowed amt, amount allowed, allowable, ins allowed
paid_amount: paid, payment, payments, insurance paid, ins paid, amount paid, payment amount, paid amt, insurance payment, ins
    payment
patient_responsibility_amount: patient responsibility, pt resp, patient resp, pat resp, pr amount
expected_allowed_amount: expected, expected allowed, expected amount, contract allowed, contracted amount, expected reimbursement
group_code: group, adj group, adjustment group, adjustment group code, cas group, claim adjustment group code
carc: reason code, denial code, adjustment reason code, carc code, adj reason, adj reason code, denial reason code, reason, cas
    code, claim adjustment reason code
rarcs: rarc, remark code, remark codes, remarks, remittance remark, remark
adjustment_code: adj code, write off code, wo code, transaction code, trans code, adjustment type, adj type, write off reason,
    adjustment description, write off type
posting_source: source, posting method
posted_by: user, user name, entered by, posted by user, poster, operator
batch_id: batch, batch number, batch no, deposit id
approved_by: approver, approved
claim_status: claim status code
filing_indicator: filing code, claim filing indicator
denial_count: denials, number of denials, times denied
resubmission_count: resubmissions, times resubmitted, rebill count
authorization_on_file: auth, authorization, auth on file, prior auth, prior authorization
account_status: acct status, status of account
appeal_deadline: appeal by, appeal due, deadline, appeal limit date
effort_id: appeal id, task id, work item, work item id, follow up id, activity id, activity number
worked_date: date worked, work date, work start, start date, date started, appeal date, action date, opened, opened date, followup date
action: activity, activity type, work type, appeal type, action taken, action type, task type
level: appeal level
sent_date: date sent, mailed date, faxed date
reference_number: ref no, reference, call reference, tracking number
resolved_date: resolution date, closed date, date closed, closed, decision date, outcome date, date resolved
status: outcome, result, disposition, resolution, appeal status, appeal outcome
recovered_amount: recovered, recovery, recovery amount, amount recovered, appeal payment, recoveries
taken_back_amount: recouped, amount recouped, recouped amount, recoupment, take back, takeback amount
hours_spent: hours, time spent, hrs
explored: random sample, by lot
selection_probability: sample rate, selection rate
"""


def _table(text: str) -> Mapping[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    for line in text.replace("\n    ", " ").strip().splitlines():
        column, _, names = line.partition(": ")
        table[column] = tuple(names.split(", "))
    return table


EXPORT_NAMES = _table(_NAMES)
"""Our column to their names, as words in lower case."""
