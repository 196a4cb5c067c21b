"""Making another model serve from a page: looked at, confirmed with a reason, told with who did it, past gates only when it is said so."""

from __future__ import annotations

import pytest

from features.errors import UsageError
from serving.access import Identity, Role
from tests.serving.web.practice import Practice
from tests.serving.web.promoted import practice_with_models, serves

WHY = "its months look better by far"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Practice:
    return practice_with_models(tmp_path_factory.mktemp("home"))


def test_an_analyst_looks_confirms_and_is_named_in_the_access_log(office: Practice) -> None:
    ann = office.client("ann")
    assert '<a href="/models/registered">' in ann.read("/models")
    listed = ann.read("/models/registered")
    assert 'href="/models/registered/2"' in listed and 'href="/models/registered/1"' not in listed and "all gates held" in listed
    page = ann.read("/models/registered/2")
    assert "Make version 2 the one that serves?" in page and "0.700" in page and "Version 1, which serves" in page
    assert ann.send("/models/registered/2", purpose="short").status_code == 400 and serves(office) == "1"
    assert ann.send("/models/registered/2", purpose=WHY).headers["location"] == "/models"
    assert serves(office) == "2"
    with office.gate.store.read() as unit:
        told = [act for act in (line.act() for line in office.gate.log.lines(unit)) if act.action == "model.promote"]
    assert [(act.subject, act.purpose, act.ids[0]) for act in told] == [("person:ann", WHY, "model:2")]


def test_a_model_that_failed_its_gates_serves_only_when_that_is_said(office: Practice) -> None:
    ann, before = office.client("ann"), serves(office)
    page = ann.read("/models/registered/3")
    assert "gates failed: calibration" in page and "although it did not pass its gates" in page
    refused = ann.send("/models/registered/3", purpose=WHY)
    assert refused.status_code == 409 and "gates that did not hold: calibration" in refused.text and serves(office) == before


def test_who_may_not_promote_sees_no_way_to(office: Practice) -> None:
    lea, before = office.client("lea"), serves(office)
    assert "/models/registered" not in lea.read("/models")
    assert lea.client.get("/models/registered").status_code == 403
    assert lea.send("/models/registered/1", purpose=WHY).status_code == 403 and serves(office) == before


def test_a_model_that_is_not_there_changes_nothing(office: Practice) -> None:
    told = office.client("ann").client.get("/models/registered/77")
    assert told.status_code == 400 and "77" in told.text
    with pytest.raises(UsageError):
        office.site.candidates.promote(Identity("person:ann", "session", Role.ANALYST), "77", WHY)  # type: ignore[union-attr]
