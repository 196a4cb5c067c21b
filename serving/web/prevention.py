"""Pages behind the audit's sums: payers for the next negotiation, posters for training, key figures by month and payer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.responses import Response

from features.errors import NotFound
from serving.findings.figures import FIGURES
from serving.identity.gate import Gate
from serving.identity.visits import Visit
from serving.web.figures import figure
from serving.web.lists import address
from serving.web.opportunity import audit_of, page_of
from serving.web.site import Site
from serving.web.visitors import visitor
from serving.web.words import in_words
from serving.worklist.listing import Query

PAYERS, POSTING, KPIS = "/opportunity/payers", "/opportunity/posting", "/opportunity/figures"
MOST, MOST_PAIRS, MOST_ERRORS = 30, 20, 12
MONTHS = 6


@dataclass(frozen=True, slots=True)
class Row:
    """A key figure in words: of everything, then of each column of the page."""

    name: str
    definition: str
    whole: str
    parts: tuple[str, ...]


def add_prevention(app: FastAPI, site: Site, gate: Gate) -> None:
    """Add the pages."""

    @app.get(PAYERS, include_in_schema=False)
    def payers(request: Request, visit: Annotated[Visit, visitor("report.read")]) -> Response:
        kept = audit_of(site, gate, visit.identity)
        can_open = visit.identity.may("queue.read")
        return page_of(
            kept,
            site,
            request,
            visit,
            "scorecard.html.j2",
            payers=[
                (one, address(Query(payer_id=one["payer"])) if can_open else "") for one in kept.document["prevention"]["scorecard"][:MOST]
            ],
            count=len(kept.document["prevention"]["scorecard"]),
            short=kept.document.get("underpayments", [])[:MOST_PAIRS],
        )

    @app.get(POSTING, include_in_schema=False)
    def posting(request: Request, visit: Annotated[Visit, visitor("posting.read")]) -> Response:
        kept = audit_of(site, gate, visit.identity)
        told = kept.document
        with gate.store.write() as unit:
            gate.log.tell(unit, visit.identity, "posting.read", [kept.as_of.isoformat()])
        sentences = {rule["rule"]: rule["sentence"] for rule in told["rules"]}
        return page_of(
            kept,
            site,
            request,
            visit,
            "posting.html.j2",
            posters=[
                (one, in_words(one.get("cell") or {"posted_by": one["posted_by"]}), sentences.get(one["rule"], one["rule"]))
                for one in told["prevention"]["posters"][:MOST]
            ],
            errors=[(title, key, rows) for title, key in ERRORS if (rows := errors_of(told["kpis"], key))],
        )

    @app.get(KPIS, include_in_schema=False)
    def key_figures(request: Request, visit: Annotated[Visit, visitor("report.read")], payer: str = "") -> Response:
        kept = audit_of(site, gate, visit.identity)
        told = kept.document["kpis"]
        names = [one["payer"] for one in told["by_payer"]]
        if payer and payer not in names:
            raise NotFound("the audit tells no figures of such a payer")
        months = [one for one in told["by_month"] if one["month"] < kept.document["as_of"][:7]][-MONTHS:]
        parts = [one for one in told["by_payer"] if one["payer"] == payer] if payer else months
        return page_of(
            kept,
            site,
            request,
            visit,
            "key_figures.html.j2",
            heads=[payer] if payer else [one["month"] for one in months],
            rows=rows_of(told, parts),
            elsewhere=told.get("elsewhere", {}),
            payers=names,
            payer=payer,
        )


ERRORS = (("Poster", "posted_by"), ("Reason", "carc"), ("Adjustment code", "adjustment_code"))


def errors_of(kpis: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return the posters, reasons or codes with most errors; those without any are not told.

    >>> told = [{"carc": "45", "with_an_error": 0}, {"carc": "2", "with_an_error": 9}]
    >>> [one["carc"] for one in errors_of({"errors": {"carc": told}}, "carc")]
    ['2']
    """
    wrong = [one for one in kpis.get("errors", {}).get(key, []) if one["with_an_error"]]
    return sorted(wrong, key=lambda one: -one["with_an_error"])[:MOST_ERRORS]


def rows_of(told: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return the figures in words, of everything and of each part; one that nothing says anything of is left out."""
    found = []
    for name, definition in told["definitions"].items():
        values = [told["all"].get(name), *(part.get(name) for part in parts)]
        if any(value is not None for value in values):
            known = FIGURES.get(name)
            unit = known.unit if known is not None else "share"
            whole, *rest = (figure(value, unit) for value in values)
            found.append(Row(known.name if known is not None else name.replace("_", " "), definition, whole, tuple(rest)))
    return found
