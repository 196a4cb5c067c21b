"""Pages from templates, with the headers that a page has."""

from __future__ import annotations

from functools import cache

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from serving import numbers
from serving.web import figures
from serving.web.words import family_of, spoken

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    # With `no-referrer` browsers send `Origin: null` from our own forms.
    "referrer-policy": "same-origin",
    "vary": "HX-Request, Cookie",
}
"""Beside those that every answer has: scripts and forms of our own only."""


def page(template: str, status: int = 200, **values: object) -> HTMLResponse:
    """Return a page."""
    return HTMLResponse(environment().get_template(template).render(**values), status, HEADERS)


@cache
def environment() -> Environment:
    """Return the templates of all pages; a name that a page was not given is an error."""
    loader = PackageLoader("serving.web")
    templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    templates.filters.update(
        dollars=numbers.dollars,
        cents=figures.cents,
        exact=figures.exact,
        count=numbers.count,
        hours=figures.hours,
        percent=numbers.percent,
        sentence=figures.sentence,
        words=spoken,
        family=family_of,
    )
    return templates
