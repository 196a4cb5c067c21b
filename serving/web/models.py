"""The analyst's pages: the model that serves, how well it is calibrated, whether payers have changed, and making another one serve."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Path, Request
from fastapi.responses import Response

from features.errors import RecoupError, Unavailable, UsageError
from serving.candidates import LONGEST_PURPOSE, SHORTEST_PURPOSE, Candidate, Candidates
from serving.identity.visits import Visit
from serving.web.cards import marks
from serving.web.site import Site
from serving.web.visitors import Form, visitor

Number = Annotated[str, Path(pattern=r"^[0-9]{1,9}$")]

FIGURES = (
    ("labels", "Decided efforts learned from", "{:,.0f}"),
    ("auc_out_of_fold", "AUC, out of fold", "{:.3f}"),
    ("brier_out_of_fold", "Brier score, out of fold", "{:.4f}"),
    ("ece_out_of_fold", "Calibration error, out of fold", "{:.3f}"),
)
"""What is shown of a model beside the one that serves: name of the number, its words, how it is written."""

GATES = {"held": "all gates held", "failed": "gates failed", "": "never stood before gates"}


def add_models(app: FastAPI, site: Site) -> None:
    """Add the pages."""

    @app.get("/models", include_in_schema=False)
    def models(request: Request, visit: Annotated[Visit, visitor("model.read")]) -> Response:
        card = site.card()
        return site.page(
            request, visit, "models.html.j2", card=card, marks=marks(card.dots), may_promote=visit.identity.may("model.promote")
        )

    @app.get("/models/registered", include_in_schema=False)
    def registered(request: Request, visit: Annotated[Visit, visitor("model.promote")]) -> Response:
        try:
            listed = needed().listed()
        except RecoupError as error:
            return refused(request, visit, error)
        return site.page(request, visit, "registered.html.j2", listed=listed, gates=GATES)

    @app.get("/models/registered/{number}", include_in_schema=False)
    def ask(request: Request, number: Number, visit: Annotated[Visit, visitor("model.promote")]) -> Response:
        try:
            candidate, serving = needed().pair(number)
        except RecoupError as error:
            return refused(request, visit, error)
        return site.page(
            request,
            visit,
            "promote.html.j2",
            candidate=candidate,
            serving=serving,
            figures=compared(candidate, serving),
            gates=GATES,
            shortest=SHORTEST_PURPOSE,
            longest=LONGEST_PURPOSE,
        )

    @app.post("/models/registered/{number}", include_in_schema=False)
    def promote(request: Request, number: Number, visit: Annotated[Visit, visitor("model.promote")], form: Form) -> Response:
        purpose = " ".join(form.text("purpose", LONGEST_PURPOSE).split())
        try:
            if len(purpose) < SHORTEST_PURPOSE:
                raise UsageError(f"say why in at least {SHORTEST_PURPOSE} characters; it stands in the access log")
            needed().promote(visit.identity, number, purpose, past_gates=form.is_on("sure"))
        except RecoupError as error:
            return refused(request, visit, error, back=f"/models/registered/{number}")
        return site.go("/models", "promoted")

    def needed() -> Candidates:
        if site.candidates is None:
            raise Unavailable("no registry of models is at hand")
        return site.candidates

    def refused(request: Request, visit: Visit, error: RecoupError, back: str = "/models") -> Response:
        return site.message(request, visit, error.http_status, str(error), heading="The model was not changed", back=back)


def compared(candidate: Candidate, serving: Candidate | None) -> list[tuple[str, str, str]]:
    """Return the figures of two models side by side; a dash where one has none.

    >>> compared(Candidate("2", "n", "h", "c", "d", figures={"auc_out_of_fold": 0.91}), None)
    [('AUC, out of fold', '0.910', '–')]
    """
    rows = []
    for name, words, form in FIGURES:
        told = [one.figures.get(name) if one is not None else None for one in (candidate, serving)]
        if any(value is not None for value in told):
            rows.append((words, *("–" if value is None else form.format(value) for value in told)))
    return rows  # type: ignore[return-value]
