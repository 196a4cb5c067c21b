"""What a claim's later answers and take-backs did to its write-offs: who is credited, who loses, who was refused."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from features.intake.remits.answers import CLAIM, Answer, Picture, Reason
from features.intake.remits.candidates import remit_id
from features.intake.remits.causes import has_cause
from features.intake.remits.events import Event, begin_event, is_replacement
from features.intake.remits.shares import shares
from features.intake.remits.take_backs import TakeBack
from features.intake.remits.written_off import WrittenOff


class ClaimOutcomes:
    """The write-offs of one claim, and what later remits did to them so far."""

    def __init__(self, postings: Sequence[WrittenOff]) -> None:
        self.events: list[Event] = []
        self.loose_recovered = 0
        self.loose_taken_back = 0
        self._postings = postings
        self._returned = 0
        self._first: Picture = {}
        self._nets: defaultdict[str, int] = defaultdict(int)
        self._won: set[str] = set()
        self._open: list[Event] = []
        """Recoveries of which something is left, in their order."""
        self._ids: defaultdict[tuple[str, str], int] = defaultdict(int)

    def replay(self, steps: Iterable[Answer], held: Iterable[TakeBack]) -> None:
        """Go through answers and take-backs by day; on one day claims come before what is held back at the end of the remit."""
        moves: list[tuple[str, int, Answer | TakeBack]] = [(step.remit.remit_date, 0, step) for step in steps]
        moves += [(one.day, 1, one) for one in held]
        for _, _, move in sorted(moves, key=lambda item: item[:2]):
            if isinstance(move, TakeBack):
                self._hold(move)
            else:
                self._answer(move)

    # ---- answers ----------------------------------------------------------------------------------------------------

    def _answer(self, step: Answer) -> None:
        self._first = self._first or step.was
        postings = [one for one in self._postings if one.is_before(step.remit)]
        if step.is_open:
            self._reverse(step, postings)
            return
        if step.is_other_payer:
            self._credit(step, postings)
            return
        gains = self._gains(step)
        told: dict[str, Event] = {}
        for line, cents in gains.items():
            self._place(step, line, cents, postings, told)
        self._shift(step, postings, told)
        for event in told.values():
            event.status = self._status(event, step)
        if not gains:
            self._refuse(step, postings, told)
        self._keep(told.values())

    def _credit(self, step: Answer, postings: Sequence[WrittenOff]) -> None:
        """Credit what another payer paid to what was written off for it, each up to its amount; what is over is in the usual course."""
        told: dict[str, Event] = {}
        for line in sorted(step.answered):
            cents = _paid(step, line, now=True) - _paid(step, line, now=False)
            if cents < 0:
                self._take_back(-cents, step.remit.remit_date, line=line)
            for reason in _freed(step, line) if cents > 0 else ():
                for one in postings:
                    if one.reason == reason and one.line in (line, CLAIM) and not one.is_reversed:
                        part = cents if one.cents is None else min(cents, max(0, one.cents - self._net(one, told)))
                        self._pay(step, one, part, told)
                        cents -= part
        for event in told.values():
            event.status = self._status(event, step)
        self._keep(told.values())

    def _keep(self, told: Iterable[Event]) -> None:
        for event in told:
            self.events.append(event)
            if event.recovered > 0:
                self._open.append(event)
                self._won.add(event.writeoff.writeoff_id)
                self._nets[event.writeoff.writeoff_id] += event.recovered

    def _gains(self, step: Answer) -> dict[int, int]:
        """Return what each line gained, after what others lost.

        A line's loss takes back the line's own recoveries first; the rest of the losses is set against the gains, so that money that
        only moved between lines is no recovery, and what is left of it takes back the claim's other recoveries.
        """
        moved = {line: _paid(step, line, now=True) - _paid(step, line, now=False) for line in (*step.was, *step.now)}
        loss = 0
        for line, cents in moved.items():
            if cents < 0:
                loss += self._take_back(-cents, step.remit.remit_date, line=line)
        gains = {line: cents for line, cents in moved.items() if cents > 0}
        gained = sum(gains.values())
        if gained <= loss:
            self.loose_taken_back += self._take_back(loss - gained, step.remit.remit_date)
            return {}
        return dict(zip(gains, shares(gained - loss, list(gains.values())), strict=True))

    def _place(self, step: Answer, line: int, cents: int, postings: Sequence[WrittenOff], told: dict[str, Event]) -> None:
        """Divide what a line gained over the reasons that gave way, and each part over the write-offs for that reason."""
        freed = _freed(step, line)
        if line not in step.was or (not freed and line == CLAIM):
            # a new line, or the claim as a whole: it pays for what was written off anywhere on the claim
            self._spread(step, cents, _own(postings), told)
        elif not freed:
            self._spread(step, cents, [one for one in postings if one.line == line] or [one for one in postings if one.line == CLAIM], told)
        else:
            for reason, part in zip(freed, shares(cents, list(freed.values())), strict=True):
                found = _fitting(postings, line, reason)
                heirs = _own([one for one in postings if one.line == line]) if self._has_grown(step, line, reason) else []
                self._fill(step, part, [*found, *(one for one in heirs if one not in found)], told)

    def _has_grown(self, step: Answer, line: int, reason: Reason) -> bool:
        """Whether an earlier correction moved money of other reasons here: what it gives way is what they were written off for."""
        first = self._first.get(line)
        return first is None or step.was[line].reasons.get(reason, 0) > first.reasons.get(reason, 0)

    def _fill(self, step: Answer, cents: int, postings: Sequence[WrittenOff], told: dict[str, Event]) -> None:
        """Pay the postings of one reason one after the other, each up to its amount; what is over goes to the first."""
        for one in postings:
            part = cents if one.cents is None else min(cents, max(0, one.cents - self._net(one, told)))
            self._pay(step, one, part, told)
            cents -= part
        if postings:
            self._pay(step, postings[0], cents, told)
        else:
            self.loose_recovered += cents

    def _spread(self, step: Answer, cents: int, postings: Sequence[WrittenOff], told: dict[str, Event]) -> None:
        """Divide over postings by what is open of each."""
        if not postings:
            self.loose_recovered += cents
            return
        is_known = all(one.cents is not None for one in postings)
        weights = [max(0, (one.cents or 0) - self._net(one, told)) if is_known else 1 for one in postings]
        for one, part in zip(postings, shares(cents, weights), strict=True):
            self._pay(step, one, part, told)

    def _pay(self, step: Answer, posting: WrittenOff, cents: int, told: dict[str, Event]) -> None:
        if cents > 0:
            self._event(step, posting, told).recovered += cents

    def _shift(self, step: Answer, postings: Sequence[WrittenOff], told: dict[str, Event]) -> None:
        """Note what the answer moved to the patient, on the posting of the line that was paid most, else on the first for its reason."""
        for line in step.now:
            cents = step.now[line].patient - (step.was[line].patient if line in step.was else 0)
            freed = {reason: part for reason, part in _freed(step, line).items() if reason[0] != "PR"}
            found = [one for reason in freed for one in _fitting(postings, line, reason)] or [
                one for one in _own(postings) if line not in step.was
            ]
            if cents > 0 and found:
                best = max(found, key=lambda one: told[one.writeoff_id].recovered if one.writeoff_id in told else 0)
                self._event(step, best, told).shifted += cents

    def _refuse(self, step: Answer, postings: Sequence[WrittenOff], told: dict[str, Event]) -> None:
        """Note a refusal: the claim was answered again and brought nothing more."""
        asked = _asked(step)
        lines = {one.line for one in postings if asked is None or one.line in asked or (one.line == CLAIM and asked)}
        for line in sorted(lines):
            for one in _disputed([one for one in postings if one.line == line]):
                if one.writeoff_id not in told and one.writeoff_id not in self._won:
                    self._event(step, one, told)

    def _reverse(self, step: Answer, postings: Sequence[WrittenOff]) -> None:
        """A reversal without correction takes back what had come; where nothing had, and it says why, an answer is pending."""
        cents = sum(state.paid for state in step.was.values())
        self.loose_taken_back += self._take_back(max(cents, 0), step.remit.remit_date)
        if cents > 0 or not has_cause(step.all_remarks):
            return
        told: dict[str, Event] = {}
        for line in sorted({one.line for one in postings}):
            for one in _disputed([one for one in postings if one.line == line]):
                event = self._event(step, one, told)
                event.status, event.resolved_date = "pending", ""
        self._keep(told.values())

    def _event(self, step: Answer, posting: WrittenOff, told: dict[str, Event]) -> Event:
        if posting.writeoff_id not in told:
            told[posting.writeoff_id] = begin_event(step, posting, self._effort_id(step, posting))
        return told[posting.writeoff_id]

    def _effort_id(self, step: Answer, posting: WrittenOff) -> str:
        name = posting.writeoff_id, remit_id(step.said[-1])
        occurrence = self._ids[name]
        self._ids[name] += 1
        return hashlib.sha256("\x1f".join((*name, str(occurrence))).encode()).hexdigest()[:16]

    def _net(self, posting: WrittenOff, told: Mapping[str, Event]) -> int:
        news = told.get(posting.writeoff_id)
        return self._nets[posting.writeoff_id] + (news.net if news else 0)

    def _status(self, event: Event, step: Answer) -> str:
        """Return recovered where nothing is left of the reason, partially_recovered where some is, denied where nothing came."""
        posting = event.writeoff
        if event.recovered == 0:
            return "denied"
        state = step.now.get(posting.line)
        if state is not None and posting.reason is not None:
            return "recovered" if state.reasons.get(posting.reason, 0) <= 0 else "partially_recovered"
        came = self._nets[posting.writeoff_id] + event.net
        return "recovered" if posting.cents is None or came >= posting.cents else "partially_recovered"

    # ---- take-backs -------------------------------------------------------------------------------------------------

    def _hold(self, held: TakeBack) -> None:
        """Take back what PLB pairs say.

        A negative pair gives the money of a reversal back for now, a later positive one then takes it (TR3 1.10.2.17); a return that
        is acknowledged takes back only what nothing else did.
        """
        if held.cents > 0:
            self.loose_taken_back += self._take_back(held.cents, held.day)
        elif held.cents < 0:
            self._give_back(-held.cents)
        if held.returned:
            self._returned += held.returned
            taken = sum(event.taken_back for event in self.events)
            self.loose_taken_back += self._take_back(max(0, self._returned - taken), held.day)

    def _take_back(self, cents: int, day: str, *, line: int | None = None) -> int:
        """Take cents of what came on a line, or on any: a recovery of just that much first, then the latest; return the rest."""
        open_ = [event for event in self._open if line is None or event.writeoff.line in (line, CLAIM)]
        order = sorted(range(len(open_)), key=lambda i: (open_[i].net != cents, -i))
        for i in order:
            part = min(cents, open_[i].net)
            if part > 0:
                open_[i].taken_back_on.append((day, part))
                self._nets[open_[i].writeoff.writeoff_id] -= part
                cents -= part
        self._open = [event for event in self._open if event.net > 0]
        return cents

    def _give_back(self, cents: int) -> None:
        for event in reversed(self.events):
            while cents > 0 and event.taken_back_on:
                day, last = event.taken_back_on.pop()
                part = min(cents, last)
                cents -= part
                self._nets[event.writeoff.writeoff_id] += part
                if part < last:
                    event.taken_back_on.append((day, last - part))
        self._open = [event for event in self.events if event.net > 0]


def _paid(step: Answer, line: int, *, now: bool) -> int:
    state = (step.now if now else step.was).get(line)
    return state.paid if state else 0


def _freed(step: Answer, line: int) -> dict[Reason, int]:
    """Return by how much each adjustment of a line shrank."""
    if line not in step.was:
        return {}
    was, now = step.was[line].reasons, step.now[line].reasons if line in step.now else {}
    found = {reason: cents - max(0, now.get(reason, 0)) for reason, cents in was.items()}
    return {reason: cents for reason, cents in found.items() if cents > 0}


def _fitting(postings: Sequence[WrittenOff], line: int, reason: Reason) -> list[WrittenOff]:
    """Return the postings of that line and reason, else of that line, else of the claim, where they name no other reason."""
    for wanted in ((line, reason), (line, None), (CLAIM, reason), (CLAIM, None)):
        found = [one for one in postings if (one.line, one.reason) == wanted]
        if found:
            standing = [one for one in found if not one.is_reversed]
            return standing or found
    return []


def _own(postings: Sequence[WrittenOff]) -> list[WrittenOff]:
    """Return the postings of the provider's own share, else all."""
    for found in (
        [one for one in postings if not one.is_reversed and not (one.reason and one.reason[0] == "PR")],
        [one for one in postings if not one.is_reversed],
    ):
        if found:
            return found
    return list(postings)


_PRICE = frozenset((("CO", "45"), ("CO", "253")))


def _disputed(postings: Sequence[WrittenOff]) -> list[WrittenOff]:
    """Return which postings of one line a refusal is about.

    Nobody asks the payer for the patient's share or for what another payer paid (OA-23), and where a line was refused, its price under
    the contract (CO-45) or sequestration (CO-253) is not what was asked about.
    """
    coded = [one for one in postings if one.reason]
    own = [one for one in coded if one.reason and one.reason[0] != "PR" and one.reason != ("OA", "23")]
    return [one for one in own if one.reason not in _PRICE] or (own if coded else list(postings))


def _asked(step: Answer) -> set[int] | None:
    """Return the lines that a refusal is about, None for all.

    They are those whose remark gives a cause and those that are paid less than before. Where a remark on the claim or a new frequency
    says that somebody had asked, they are those that changed, or all where nothing did. A claim that a payer settles anew on its own
    account, at no less, refuses nobody.
    """
    if step.is_new_claim:
        return set(step.answered) or None
    lines = [line for line in step.was if line != CLAIM]
    by_line = {line for line in lines if has_cause(step.remarks.get(line, ()))}
    fell = {line for line in step.was if _paid(step, line, now=True) < _paid(step, line, now=False)}
    if by_line or not (has_cause(step.remarks[CLAIM]) or is_replacement(step)):
        return by_line | fell
    return {line for line in lines if step.was[line] != step.now.get(line)} | fell or None
