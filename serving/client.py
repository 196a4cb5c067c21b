"""A client of the service for Python programs: typed requests and answers over the standard library's HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel

from features.errors import RecoupError, Unavailable
from serving.wire.items import DispositionAsked, ItemTold, NextTold, QueueTold, Taken, WireItem
from serving.wire.models import ModelsTold, PromotionTold
from serving.wire.outcomes import OutcomesTold
from serving.wire.reports import OpportunityTold
from serving.wire.steering import (
    OverviewTold,
    ProjectsTold,
    ProjectTold,
    SettingsTold,
    ViewsTold,
    ViewTold,
    WireProject,
    WireView,
)
from serving.wire.writeoffs import DetailTold

SECONDS = 30.0

Transport: TypeAlias = Callable[[str, str, Mapping[str, str], bytes], tuple[int, bytes]]
"""Sends method, path, headers and body, and returns status and body."""

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Refused(RecoupError):
    """The service answered that it will not; `status` is that of HTTP, `detail` its words.

    Parameters
    ----------
    places
        Where in the request, and by which rule.
    """

    status: int
    detail: str
    places: tuple[tuple[tuple[str | int, ...], str], ...] = ()

    def __str__(self) -> str:
        return f"{self.status}: {self.detail}"


def over_http(url: str, *, seconds: float = SECONDS) -> Transport:
    """Return a transport to a service at an address like http://127.0.0.1:8734."""

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        request = urllib.request.Request(url.rstrip("/") + path, body or None, dict(headers), method=method)
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return int(answer.status), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return int(error.code), error.read()
        except OSError as error:
            raise Unavailable(f"{url} does not answer") from error

    return send


class Service:
    """The service as a program sees it.

    A change may be sent with a key of the caller's own (`once`): sent again with the same key it is answered as the first time, and made
    only once.

    Parameters
    ----------
    send
        How requests travel; `over_http(url)` by default of a program.
    key
        The program's key.

    Examples
    --------
    >>> def send(method, path, headers, body):
    ...     return 200, b'{"taken": []}'
    >>> Service(send, "k").take_next() is None
    True
    """

    def __init__(self, send: Transport, key: str) -> None:
        self._send, self._key = send, key

    def score(self, writeoffs: list[dict[str, Any]], *, as_of: str | None = None) -> dict[str, Any]:
        """Score write-offs; rows in the columns of the data dictionary."""
        body: dict[str, Any] = {"writeoffs": writeoffs} | ({} if as_of is None else {"as_of": as_of})
        found: dict[str, Any] = json.loads(self._ask("POST", "/v1/scores", body))
        return found

    def queue(self, **asked: str | int | bool) -> QueueTold:
        """Return one page of a list; words as in `GET /v1/queue`."""
        words = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in asked.items()}
        path = "/v1/queue" + (f"?{urlencode(words)}" if words else "")
        return self._read(QueueTold, self._ask("GET", path))

    def every_item(self, **asked: str | int | bool) -> Iterator[WireItem]:
        """Yield all items of a list, page by page."""
        page = self.queue(**asked)
        yield from page.items
        while page.next is not None:
            page = self.queue(**asked, after=page.next)
            yield from page.items

    def item(self, item_id: str) -> DetailTold:
        """Return an item with all that belongs to it."""
        return self._read(DetailTold, self._ask("GET", f"/v1/queue/{quote(item_id, safe='')}"))

    def writeoff(self, writeoff_id: str) -> DetailTold:
        """Return a write-off with all that belongs to it."""
        return self._read(DetailTold, self._ask("GET", f"/v1/writeoffs/{quote(writeoff_id, safe='')}"))

    def take_next(self, *, once: str | None = None, **narrowed: str) -> Taken | None:
        """Take the item to work next; None when nothing waits."""
        taken = self._read(NextTold, self._ask("POST", "/v1/queue/next", narrowed, once)).taken
        return taken[0] if taken else None

    def take_batch(self, payer_id: str, size: int, *, same_reason: bool = False, once: str | None = None) -> list[Taken]:
        """Take the best items of one payer."""
        body = {"payer_id": payer_id, "batch": size, "same_reason": same_reason}
        return self._read(NextTold, self._ask("POST", "/v1/queue/next", body, once)).taken

    def release(self, item: WireItem, *, once: str | None = None) -> WireItem:
        """Give an item back."""
        return self._change(item, "release", {}, once)

    def assign(self, item: WireItem, to: str | None, *, once: str | None = None) -> WireItem:
        """Give an item to somebody."""
        return self._change(item, "assign", {"to": to}, once)

    def skip(self, item: WireItem, reason: str, note: str = "", *, once: str | None = None) -> WireItem:
        """Leave an item out of the queue."""
        return self._change(item, "skip", {"reason": reason, "note": note}, once)

    def snooze(self, item: WireItem, until: str, note: str = "", *, once: str | None = None) -> WireItem:
        """Offer an item again from a day on."""
        return self._change(item, "snooze", {"until": until, "note": note}, once)

    def wake(self, item: WireItem, *, once: str | None = None) -> WireItem:
        """Offer an item that was put off again at once."""
        return self._change(item, "wake", {}, once)

    def dispose(self, item: WireItem, act: str, *, once: str | None = None, **said: Any) -> WireItem:
        """Say what was done with an item, or what came of it; fields as in `DispositionAsked`."""
        strange = sorted(set(said) - set(DispositionAsked.model_fields))
        if strange:
            raise TypeError(f"a disposition has no {strange[0]}; it has {', '.join(DispositionAsked.model_fields)}")
        return self._change(item, "disposition", {"act": act, **said}, once)

    def record(self, outcomes: list[dict[str, Any]], *, once: str | None = None) -> OutcomesTold:
        """State what came of efforts; rows in the columns of the data dictionary."""
        return self._read(OutcomesTold, self._ask("POST", "/v1/outcomes", {"outcomes": outcomes}, once))

    def note(self, item_id: str, text: str, *, is_call: bool = False, once: str | None = None) -> WireItem:
        """Add a line to an item's story."""
        path = f"/v1/queue/{quote(item_id, safe='')}/notes"
        return self._read(ItemTold, self._ask("POST", path, {"text": text, "is_call": is_call}, once)).item

    def place(self, item: WireItem, project_id: str | None, *, once: str | None = None) -> WireItem:
        """Put an item into a project, or out of the one that it is in."""
        return self._change(item, "project", {"project_id": project_id}, once)

    def overview(self) -> OverviewTold:
        """Return counts of all lists, and what a week's hours would bring."""
        return self._read(OverviewTold, self._ask("GET", "/v1/overview"))

    def settings(self) -> SettingsTold:
        """Return how the queue is run."""
        return self._read(SettingsTold, self._ask("GET", "/v1/settings"))

    def change_settings(self, seen: SettingsTold, *, once: str | None = None, **changed: float | str) -> SettingsTold:
        """Change settings, as they were seen; fields as in `SettingsAsked`."""
        return self._read(SettingsTold, self._ask("PATCH", "/v1/settings", {"version": seen.version, **changed}, once))

    def projects(self) -> list[WireProject]:
        """Return the latest projects."""
        return self._read(ProjectsTold, self._ask("GET", "/v1/projects")).projects

    def project(self, project_id: str) -> ProjectTold:
        """Return a project and the sums of its items."""
        return self._read(ProjectTold, self._ask("GET", f"/v1/projects/{quote(project_id, safe='')}"))

    def begin_project(self, name: str, *, once: str | None = None, **said: Any) -> ProjectTold:
        """Begin a project; `cause`, `template` and `items` as in `ProjectAsked`."""
        return self._read(ProjectTold, self._ask("POST", "/v1/projects", {"name": name, **said}, once))

    def change_project(self, seen: WireProject, *, once: str | None = None, **changed: Any) -> WireProject:
        """Change or end a project, as it was seen; fields as in `ProjectChangeAsked`."""
        path, body = f"/v1/projects/{quote(seen.project_id, safe='')}", {"version": seen.version, **changed}
        return self._read(ProjectTold, self._ask("PATCH", path, body, once)).project

    def views(self) -> list[WireView]:
        """Return one's own saved views and shared ones."""
        return self._read(ViewsTold, self._ask("GET", "/v1/views")).views

    def save_view(
        self, name: str, query: Mapping[str, str], *, is_shared: bool = False, seen: WireView | None = None, once: str | None = None
    ) -> WireView:
        """Save a filter and an order under a name; `seen` is the view that stands there."""
        body = {"query": dict(query), "is_shared": is_shared, "version": None if seen is None else seen.version}
        return self._read(ViewTold, self._ask("PUT", f"/v1/views/{quote(name, safe='')}", body, once)).view

    def remove_view(self, name: str) -> None:
        """Remove a view of one's own."""
        self._ask("DELETE", f"/v1/views/{quote(name, safe='')}")

    def models(self) -> ModelsTold:
        """Return the models that are registered, and which of them answers."""
        return self._read(ModelsTold, self._ask("GET", "/v1/models"))

    def promote(self, version: str, purpose: str, *, past_gates: bool = False, once: str | None = None) -> PromotionTold:
        """Make a model serve."""
        said = {"purpose": purpose, "past_gates": past_gates}
        return self._read(PromotionTold, self._ask("POST", f"/v1/models/{quote(version, safe='')}/promote", said, once))

    def opportunity(self) -> OpportunityTold:
        """Return what the latest audit says may still be collected."""
        return self._read(OpportunityTold, self._ask("GET", "/v1/reports/opportunity"))

    def _change(self, item: WireItem, act: str, said: dict[str, Any], once: str | None) -> WireItem:
        path = f"/v1/queue/{quote(item.item_id, safe='')}/{act}"
        return self._read(ItemTold, self._ask("POST", path, {"version": item.version, **said}, once)).item

    def _ask(self, method: str, path: str, body: object = None, once: str | None = None) -> bytes:
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        content = b"" if body is None else json.dumps(body, allow_nan=False).encode()
        if body is not None:
            headers["Content-Type"] = "application/json"
        if once is not None:
            headers["Idempotency-Key"] = once
        status, answer = self._send(method, path, headers, content)
        if status >= 400:
            raise _refusal(status, answer)
        return answer

    @staticmethod
    def _read(kind: type[Answer], answer: bytes) -> Answer:
        return kind.model_validate_json(answer)


def _refusal(status: int, answer: bytes) -> Refused:
    try:
        told = json.loads(answer)
        places = tuple((tuple(place["loc"]), str(place["type"])) for place in told.get("errors", ()))
        return Refused(status, str(told["detail"]), places)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Refused(status, "no words were given")
