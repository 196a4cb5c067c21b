"""The model that serves: loaded once, swapped when the pointer changes, priors while there is none."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from features.batch import Batch
from features.errors import BundleRefused, RecoupError, Unavailable
from features.vocabulary import Vocabulary
from models.pointer import FILE, Pointer, read_pointer
from serving.log import logger, where

log = logger("recoup.champion")

NO_MODEL = "no model was promoted yet; `recoup train` makes one"


class Scored(Protocol):
    """What scoring gives; `models.scores.Scores` is one."""

    def records(self) -> list[dict[str, Any]]:
        """Return one dictionary per row, as JSON can hold it."""


class BatchScorer(Protocol):
    """What serving needs of a scorer; `models.scorer.Scorer` is one."""

    version: str
    cut: int | None
    vocabulary: Vocabulary

    def score(self, batch: Batch, *, as_of: int, reasons: int | None = None, apart: bool = False) -> Scored:
        """Score rows in their order; `reasons` is for how many ranks, None for all; `apart`: each as if it were alone."""


S = TypeVar("S", bound=BatchScorer)
S_co = TypeVar("S_co", bound=BatchScorer, covariant=True)
"""Whose news is told must be of one kind with the champion; who asks the champion needs only that it scores."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S_co]):
    """One scorer with what is said about it; a request keeps the one it began with, so no answer mixes two models.

    Parameters
    ----------
    scorer
        The scorer.
    registry_version
        Its version in the registry; None for priors.
    problem
        Why there is no model, or why the latest promotion is not served; None when all is well.
    apart
        The same for clients with outcomes of their own since the data cut, by client: each knows its own and nobody else's.
    """

    scorer: S_co
    registry_version: str | None
    problem: str | None = None
    apart: Mapping[str, Loaded[S_co]] = field(default_factory=dict)

    @property
    def is_prior(self) -> bool:
        """Whether priors score because no model could be loaded."""
        return self.registry_version is None

    @property
    def is_refused(self) -> bool:
        """Whether a model was promoted that does not serve; before the first promotion nothing is wrong."""
        return self.problem not in (None, NO_MODEL)

    def of(self, client_id: str | None) -> Loaded[S_co]:
        """Return what answers a client."""
        return self if client_id is None else self.apart.get(client_id, self)


class News(Protocol[S]):
    """What became known since a bundle was made; `recoup.news.News` is one."""

    def mark(self) -> object:
        """Return something that changes when there may be news."""

    def told(self, scorer: S) -> Mapping[str, S]:
        """Return a scorer with the news of today, by client that has any; the scorer itself stays as it is."""

    def told_by(self, scorer: S, client_id: str, as_of: int) -> S:
        """Return a scorer with what a client knew on the morning of a day (days since 1970-01-01)."""


Mark = tuple[int, int, int] | None

MOST_PAST = 8
"""Past mornings of which the state is remembered: who recomputes old scores asks for one day after the other."""


class Champion(Generic[S_co]):
    """Holds the loaded champion of a home and swaps it when its pointer file changes.

    Until `follow` is entered, the file's state is looked at on every call (some microseconds), and who sees a change loads the new bundle
    while others go on with the old one. Within `follow` a thread of its own looks, so that no request ever loads. A bundle that cannot be
    loaded leaves the old one in place, and is named in `problem`. One that is refused is left alone until the next promotion; after any
    other failure, such as too few open files, the next look tries again.

    Parameters
    ----------
    home
        RECOUP_HOME.
    load
        Makes a scorer of a bundle's folder, or raises a RecoupError.
    prior
        Makes the scorer that needs no bundle.
    news
        What became known since; None leaves the model at its data cut. Only within `follow` is it asked.
    """

    def __init__(self, home: Path, *, load: Callable[[Path], S_co], prior: Callable[[], S_co], news: News[S_co] | None = None) -> None:
        self._home, self._load, self._news = home, load, news
        self._told: tuple[S_co, object] | None = None
        self._past: OrderedDict[tuple[str, int], tuple[object, Loaded[S_co]]] = OrderedDict()
        self._swap = threading.Lock()
        self._deaf_for: tuple[str, str] | None = None
        self._mark: Mark = None
        self._is_followed = False
        self._loaded: Loaded[S_co] = Loaded(prior(), None, NO_MODEL)
        self._look()

    def current(self, client_id: str | None = None) -> Loaded[S_co]:
        """Return the champion as of now, or as of the last look of the thread that follows; with what a client knows, if one is named."""
        return (self._loaded if self._is_followed else self._look()).of(client_id)

    def on(self, client_id: str, as_of: int) -> Loaded[S_co]:
        """Return the champion as a client knew it on the morning of a past day (days since 1970-01-01): it has seen nothing since.

        The store is read for a day that was not asked for lately.

        Raises
        ------
        RecoupError
            When the store is away.
        """
        loaded = self.current()
        if self._news is None or loaded.is_prior or loaded.scorer.cut is None or as_of < loaded.scorer.cut:
            return loaded
        key, mark = (client_id, as_of), (loaded.scorer, self._news.mark())
        with self._swap:
            held = self._past.get(key)
        if held is not None and held[0] == mark:
            return held[1]
        found = replace(loaded, scorer=self._news.told_by(loaded.scorer, client_id, as_of), apart={})
        with self._swap:
            self._past[key] = mark, found
            while len(self._past) > MOST_PAST:
                self._past.popitem(last=False)
        return found

    @contextmanager
    def follow(self, every: float = 1.0) -> Iterator[None]:
        """Look for a change every so many seconds, in a thread that ends with this block."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(every):
                self._look()
                self._hear()

        # Who asks first is to know what is known; a store that is away is asked again later.
        self._hear()
        thread = threading.Thread(target=watch, name="champion", daemon=True)
        thread.start()
        self._is_followed = True
        try:
            yield
        finally:
            self._is_followed = False
            done.set()
            thread.join()

    def _look(self) -> Loaded[S_co]:
        mark = self._seen()
        if mark != self._mark and self._swap.acquire(blocking=False):
            try:
                self._loaded, is_settled = self._read(self._loaded)
                if is_settled:
                    self._mark = mark
            finally:
                self._swap.release()
        return self._loaded

    def _hear(self) -> None:
        """Bring the model's history up to what each client knows, if there may be news of it."""
        if self._news is None or self._loaded.is_prior:
            return
        try:
            bundled = self._loaded.scorer
            mark = self._news.mark()
            if self._told is None or self._told[0] is not bundled or self._told[1] != mark:
                # Always from the bundle's own state: what is told late or corrected falls into its place.
                told = self._news.told(bundled)
                with self._swap:
                    plain = replace(self._loaded, apart={})
                    if plain.scorer is bundled:
                        self._loaded = replace(plain, apart={client: replace(plain, scorer=scorer) for client, scorer in told.items()})
                        self._told = bundled, mark
            self._deaf_for = None
        except Exception as error:
            # It is asked each second: what lasts is told once, and of a database that is away the store tells.
            reason = type(error).__name__, where(error)
            if reason != self._deaf_for and not isinstance(error, Unavailable):
                log.warning("the outcomes since the data cut could not be read", kind=reason[0], where=reason[1])
            self._deaf_for = reason

    def _seen(self) -> Mark:
        try:
            state = (self._home / FILE).stat()
        except OSError:
            return None
        return state.st_ino, state.st_mtime_ns, state.st_size

    def _read(self, before: Loaded[S_co]) -> tuple[Loaded[S_co], bool]:
        """Return what serves from now on, and whether that is settled until the next promotion; what may pass is tried again."""
        try:
            pointer = read_pointer(self._home)
            return before if pointer is None else Loaded(self._bundle(pointer), pointer.champion.version), True
        except Exception as error:  # whatever is wrong with a bundle, the model that serves goes on
            reason = str(error) if isinstance(error, RecoupError) else f"the bundle cannot be read: {type(error).__name__}"
            return replace(before, problem=reason), isinstance(error, BundleRefused)

    def _bundle(self, pointer: Pointer) -> S_co:
        folder = pointer.champion.folder(self._home)
        if not folder.is_dir():
            raise BundleRefused(f"the bundle of version {pointer.champion.version} is gone; promote it again")
        if _stated_hash(folder) != pointer.champion.bundle_hash:
            raise BundleRefused(f"the bundle of version {pointer.champion.version} is not the one that was promoted")
        return self._load(folder)


def _stated_hash(folder: Path) -> object:
    """The hash that a manifest states; loading checks that the files agree with it."""
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
    except ValueError:
        return None
    return manifest.get("bundle_hash") if isinstance(manifest, dict) else None
