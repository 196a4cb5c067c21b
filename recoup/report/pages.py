"""The templates of reports, with the words that all of them share."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from recoup.report import figures
from recoup.report.words import authority, named, plain, sentence, titled


def pages() -> Environment:
    """Return the templates; a name that a report was not given is an error."""
    loader = PackageLoader("recoup.report")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters.update(
        dollars=figures.dollars, percent=figures.percent, decimal=figures.decimal, count=figures.count, measure=figures.measure
    )
    made.filters.update(plain=plain, titled=titled, named=named, sentence=sentence, authority=authority)
    return made
