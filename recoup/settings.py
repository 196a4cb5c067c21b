"""Settings: flags, then ``RECOUP_*`` variables, then ``./recoup.toml``, then defaults."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from features.errors import Misconfigured

PREFIX = "RECOUP_"
FILE = "recoup.toml"
SHORTEST_KEY = 16

Value: TypeAlias = str | int | float | Path | None


def _folder(value: object) -> Path:
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError("a folder")
    return Path(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("text")
    return value.strip()


def _port(value: object) -> int:
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise ValueError("a number from 0 to 65535")
    return int(text)


def _count(value: object) -> int:
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or int(text) > 64:
        raise ValueError("a number from 0 to 64")
    return int(text)


def _seconds(value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = -1.0
    if isinstance(value, bool) or not 0.5 <= seconds <= 3600:
        raise ValueError("seconds, from 0.5 to 3600")
    return seconds


def _dollars(value: object) -> float:
    try:
        dollars = float(str(value))
    except ValueError:
        dollars = -1.0
    if isinstance(value, bool) or not 0 <= dollars < 1e6:
        raise ValueError("dollars, 0 or more")
    return dollars


def _key(value: object) -> str:
    text = _text(value)
    if len(text) < SHORTEST_KEY:
        raise ValueError(f"at least {SHORTEST_KEY} characters; `openssl rand -hex 32` makes one")
    return text


def _gates(value: object) -> str:
    """Read limits of gates, as a table of recoup.toml or as text like `gain_share=0.02, auc_least=0.65`; the gates check the names."""
    pairs = (
        list(value.items()) if isinstance(value, Mapping) else [part.partition("=")[::2] for part in str(value).split(",") if part.strip()]
    )
    try:
        return ", ".join(f"{str(name).strip()}={float(str(limit))!r}" for name, limit in pairs)
    except ValueError:
        raise ValueError("a table of gates and their limits, or text like gain_share=0.02, auc_least=0.65") from None


def _address(value: object) -> str:
    text = _text(value).rstrip("/")
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and text == f"{parts.scheme}://{parts.netloc}"
        is_address = is_address and "@" not in parts.netloc and (parts.port is None or parts.port > 0)
        is_address = is_address and (parts.scheme == "https" or parts.hostname in ("127.0.0.1", "localhost", "::1"))
    except ValueError:
        is_address = False
    if not is_address:
        raise ValueError("an address like https://recoup.example, without a path; http is for this machine only")
    return text


def _setting(default: Value, read: Callable[[object], Value], meaning: str, *, secret: bool = False) -> Any:
    """Declare a setting; Any, as `dataclasses.field` is, so that the fields below carry their own types."""
    return field(default=default, repr=not secret, metadata={"read": read, "meaning": meaning, "secret": secret})


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run of recoup may be told, once, from outside; read it with `Settings.read`.

    Examples
    --------
    >>> Settings.read({"port": "9000"}, {"RECOUP_PORT": "9001", "RECOUP_HOST": "::1"}, folder=None).port
    9000
    >>> Settings.read({}, {"RECOUP_PROT": "9001"}, folder=None)
    Traceback (most recent call last):
    features.errors.Misconfigured: RECOUP_PROT is not a setting; did you mean RECOUP_PORT?
    """

    home: Path = _setting(Path("var"), _folder, "folder of models, registry, keys and caches")
    host: str = _setting("127.0.0.1", _text, "address that `recoup serve` listens on")
    port: int = _setting(8734, _port, "port that `recoup serve` and `recoup demo` listen on; 0 takes a free one")
    api_key: str | None = _setting(None, _key, "key that programs send as a bearer; without it one is made at each start", secret=True)
    database_url: str | None = _setting(
        None, _text, "database of the service, like postgresql://user:password@host/recoup; without it a SQLite file in `home`", secret=True
    )
    public_url: str | None = _setting(None, _address, "address by which browsers reach the service, like https://recoup.example")
    oidc_issuer: str | None = _setting(None, _text, "address of the identity provider that people may sign in with, as its tokens name it")
    oidc_client_id: str | None = _setting(None, _text, "what this service is called there")
    oidc_client_secret: str | None = _setting(None, _text, "how this service proves that", secret=True)
    oidc_roles: str | None = _setting(
        None, _text, "claim, and which of its values give which role, like `groups: Billing Leads=lead, Billing=worker`"
    )
    oidc_client_claim: str | None = _setting(None, _text, "claim that names the organisation; without it everybody is of `default`")
    oidc_facility_claim: str | None = _setting(None, _text, "claim that names the facilities to see; without it all")
    trail_head: Path | None = _setting(
        None, _folder, "file that the end of the access log is copied to, best on another disk; default keys/trail.head in `home`"
    )
    identity_key: str | None = _setting(None, _key, "key of the vault of patients' identities; keep it apart from `home`", secret=True)
    hourly_cost: float = _setting(40.0, _dollars, "dollars that an hour of staff costs, for the net recovery")
    action_outlay: float = _setting(0.0, _dollars, "dollars that an action costs beside the hours")
    gates: str | None = _setting(
        None, _gates, "limits of the gates of `recoup retrain` in place of the usual ones; `[gates]` in recoup.toml"
    )
    workers: int = _setting(1, _count, "jobs that `recoup serve` works on beside answering; 0 leaves them to `recoup worker`")
    job_lease: float = _setting(30.0, _seconds, "seconds after which a worker that was not heard of has lost its job")
    public_data: Path | None = _setting(None, _folder, "folder of public remits and outcomes, for development and tests")
    sources: Mapping[str, str] = field(default_factory=dict, metadata={"read": None})

    @classmethod
    def read(cls, flags: Mapping[str, object], environment: Mapping[str, str], *, folder: Path | None) -> Settings:
        """Read the settings from flags (None: not given), variables and `folder`/recoup.toml; None reads no file.

        Raises
        ------
        Misconfigured
            When a key is unknown, or a value is not what the setting holds.
        """
        values: dict[str, object] = {}
        sources: dict[str, str] = {}
        for source, given in _layers(flags, environment, folder):
            for name, (label, raw) in given.items():
                values[name] = _read(name, label, raw)
                sources[name] = source
        return cls(**values, sources=sources)  # type: ignore[arg-type]

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return name, value, source and meaning of every setting; secrets are masked."""
        table = []
        for item in _declared():
            value = getattr(self, item.name)
            shown = "" if value is None else "(set)" if item.metadata["secret"] else str(value)
            table.append((item.name, shown, self.sources.get(item.name, "default"), item.metadata["meaning"]))
        return table

    @property
    def models(self) -> Path:
        """Folder of bundles that were trained or promoted here."""
        return self.home / "models"


Layer: TypeAlias = dict[str, tuple[str, object]]
"""Setting name to how the user wrote the name, and the raw value."""


def _layers(flags: Mapping[str, object], environment: Mapping[str, str], folder: Path | None) -> list[tuple[str, Layer]]:
    """The sources from the weakest to the strongest."""
    path = None if folder is None else folder / FILE
    file: Layer = {} if path is None or not path.is_file() else {name: (f"{FILE}: {name}", value) for name, value in _file(path).items()}
    variables: Layer = {
        name.removeprefix(PREFIX).lower(): (name, value) for name, value in environment.items() if name.startswith(PREFIX) and value != ""
    }
    given: Layer = {name: (f"--{name.replace('_', '-')}", value) for name, value in flags.items() if value is not None}
    return [(FILE, file), ("environment", variables), ("flag", given)]


def _file(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path.name} is not TOML: {error}") from error
    except OSError as error:
        raise Misconfigured(f"{path.name} cannot be read: {error.strerror}") from error


def _read(name: str, label: str, raw: object) -> Value:
    known = {item.name: item for item in _declared()}
    if name not in known:
        close = get_close_matches(name, known, n=1, cutoff=0.6)
        asked = f"{PREFIX}{close[0].upper()}" if close and label.startswith(PREFIX) else close[0] if close else ""
        hint = f"did you mean {asked}?" if asked else f"settings are {', '.join(known)}"
        raise Misconfigured(f"{label} is not a setting; {hint}")
    read: Callable[[object], Value] = known[name].metadata["read"]
    try:
        return read(raw)
    except ValueError as error:
        raise Misconfigured(f"{label} must be {error}") from error


def _declared() -> list[Field[object]]:
    return [item for item in fields(Settings) if item.metadata["read"] is not None]
