"""The registry of trained models: MLflow keeps versions and aliases, one pointer file says which bundle serves."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.errors import BundleRefused, CheckFailed, StorageFailed, TryAgain, Unavailable, UsageError
from models.account import Account
from models.bundle import read_manifest
from models.pointer import Pointer, Promotion, read_pointer, write_pointer
from models.run import log_account, take_away_unfinished, texts
from models.saved import save_pyfunc

NAME = "recoup"
CHAMPION, CHALLENGER = "champion", "challenger"
GATES, HELD = "gates", "held"
"""Tag of a version that was judged, and its value where every gate held."""
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


@dataclass(frozen=True, slots=True)
class Version:
    """One registered model.

    Parameters
    ----------
    number
        Its version, counted from 1.
    bundle_hash, name, cut
        As its manifest states them; `cut` is the morning up to which it knew everything.
    created
        When it was registered, UTC.
    aliases
        champion is the one that serves, challenger the latest that was trained.
    metrics
        Numbers of its fit.
    tags
        What else is known of it: data cut, label maturity, commit, whether its gates held.
    """

    number: str
    bundle_hash: str
    name: str
    cut: str
    created: str
    aliases: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def doubt(self) -> str:
        """Why it may not be promoted without a word: which gates failed, or that none was asked; blank where all held."""
        told = self.tags.get(GATES)
        if told == HELD:
            return ""
        return f"gates that did not hold: {self.tags.get('gates_failed', '')}" if told else "no gate was asked of it"

    def as_json(self) -> dict[str, Any]:
        """Return the version as JSON can hold it."""
        return {**asdict(self), "aliases": list(self.aliases), "metrics": dict(self.metrics), "tags": dict(self.tags)}


class Registry:
    """The models of one home.

    Parameters
    ----------
    home
        RECOUP_HOME: promoted bundles, the pointer, and MLflow's own store where no other is named.
    tracking_uri
        Another MLflow (`MLFLOW_TRACKING_URI`); None keeps SQLite and files under the home.
    step
        Told the name of each step before it is taken.
    """

    def __init__(self, home: Path, tracking_uri: str | None = None, *, step: Callable[[str], None] | None = None) -> None:
        self._home = home
        self._tracking_uri = tracking_uri
        self._step = step or (lambda name: None)

    def register(self, folder: Path, account: Account | None = None, *, may_serve: bool = True) -> str:
        """Register a bundle as challenger and return its version.

        A bundle that is registered already keeps its version. A run that was cut off before it became a version is taken away.

        Parameters
        ----------
        account
            What is kept of the fit.
        may_serve
            Make it champion if nothing serves yet.

        Raises
        ------
        BundleRefused
            When the folder is no intact bundle.
        Unavailable
            When MLflow does not answer.
        """
        manifest = read_manifest(folder)
        with self._client() as client:
            known = next((v for v in self._read(client) if v.bundle_hash == manifest["bundle_hash"]), None)
            number = known.number if known else self._log(client, folder, manifest, account or Account())
            if known and account and (account.tags.get(GATES) == HELD or GATES not in known.tags):
                # The same model, judged since: what was asked of it first, or was found to hold, is what is known of it.
                for name, value in account.tags.items():
                    client.set_model_version_tag(NAME, number, name, value)
            self._step("alias")
            client.set_registered_model_alias(NAME, CHALLENGER, number)
        if may_serve and read_pointer(self._home) is None:
            self.promote(number)
        return number

    def note(self, bundle_hash: str, metrics: Mapping[str, float], *, step: int, files: Mapping[str, str]) -> bool:
        """Add numbers and files to the run of a registered bundle, as of a day; False where the bundle is not registered."""
        with self._client() as client:
            version = next((v for v in self._read(client) if v.bundle_hash == bundle_hash), None)
            run = client.get_model_version(NAME, version.number).run_id if version else None
            if run is None:
                return False
            for name, value in metrics.items():
                client.log_metric(run, name, float(value), step=step)
            for place, text in files.items():
                client.log_text(run, text, place)
            return True

    def versions(self) -> list[Version]:
        """Return every version, the latest first."""
        with self._client() as client:
            return sorted(self._read(client), key=lambda version: -int(version.number))

    def show(self, ref: str) -> Version:
        """Return one version by number or alias, with its metrics.

        Raises
        ------
        UsageError
            When there is none.
        """
        with self._client() as client:
            version = self._find(client, ref)
            run = client.get_model_version(NAME, version.number).run_id
            metrics = dict(client.get_run(run).data.metrics) if run else {}
            return Version(**{**asdict(version), "metrics": metrics})

    def promote(self, ref: str, *, tags: Mapping[str, str] | None = None) -> Promotion:
        """Make a version champion: copy its bundle under the home, move the alias, then write the pointer.

        Parameters
        ----------
        tags
            What is to be known of the version from now on.

        Raises
        ------
        UsageError
            When there is no such version.
        TryAgain
            When somebody else promotes at this moment.
        """
        with self._locked(), self._client() as client:
            version = self._find(client, ref)
            self._step("fetch")
            folder = self._fetch(client, version)
            promotion = Promotion(version.number, version.bundle_hash, folder.relative_to(self._home).as_posix())
            before = read_pointer(self._home)
            for name, value in (tags or {}).items():
                client.set_model_version_tag(NAME, version.number, name, value)
            self._step("champion alias")
            client.set_registered_model_alias(NAME, CHAMPION, version.number)
            self._step("pointer")
            write_pointer(self._home, before.promoted(promotion) if before else Pointer(promotion))
            self._step("promoted")
            return promotion

    def rollback(self) -> Promotion:
        """Make the one before champion again.

        Raises
        ------
        CheckFailed
            When there was none before.
        BundleRefused
            When its bundle is gone or altered; the champion stays.
        """
        with self._locked(), self._client() as client:
            before = read_pointer(self._home)
            after = before.rolled_back() if before else None
            if after is None:
                raise CheckFailed("there is no earlier champion to go back to")
            read_manifest(after.champion.folder(self._home))
            client.set_registered_model_alias(NAME, CHAMPION, after.champion.version)
            write_pointer(self._home, after)
            return after.champion

    def fetch(self, ref: str) -> Path:
        """Return the folder of a version's bundle under the home, fetched if it is not there yet.

        Raises
        ------
        UsageError
            When there is no such version or alias.
        """
        with self._client() as client:
            return self._fetch(client, self._find(client, ref))

    def check(self) -> str:
        """Return where the registry is, having asked it something; Unavailable when it does not answer."""
        with self._client() as client:
            count = len(self._read(client))
            return f"{count} versions at {self._uri()}"

    def _uri(self) -> str:
        return self._tracking_uri or f"sqlite:///{(self._home / 'mlflow' / 'mlflow.db').resolve()}"

    @contextmanager
    def _client(self) -> Iterator[Any]:
        """A client of the registry; whatever it raises becomes an error of ours."""
        os.environ.update({name: value for name, value in _QUIET.items() if name not in os.environ})
        with warnings.catch_warnings():
            # MLflow 3.17 warns about its own type hints and its own use of SQLAlchemy; nobody here can act on it.
            warnings.simplefilter("ignore")
            import mlflow
            from mlflow.exceptions import MlflowException

            logging.getLogger("mlflow").setLevel(logging.ERROR)
            logging.getLogger("alembic").setLevel(logging.ERROR)
            if self._tracking_uri is None:
                _make_folder(self._home / "mlflow")
            try:
                # Never `set_tracking_uri`: it would set an environment variable that the next call takes for the user's.
                yield mlflow.MlflowClient(self._uri(), self._uri())
            except MlflowException as error:
                raise Unavailable(f"the model registry does not answer: {error.error_code}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        _make_folder(self._home)
        with (self._home / ".registry.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise TryAgain("another promotion is under way; try again") from error
            yield

    def _read(self, client: Any) -> list[Version]:
        """All versions; the champion alias is the pointer's, because that is what serves."""
        found = [model for model in client.search_registered_models() if model.name == NAME]
        if not found:
            return []
        aliases: dict[str, list[str]] = {}
        for alias, number in client.get_registered_model(NAME).aliases.items():
            if alias != CHAMPION:
                aliases.setdefault(str(number), []).append(alias)
        pointer = read_pointer(self._home)
        if pointer is not None:
            aliases.setdefault(pointer.champion.version, []).insert(0, CHAMPION)
        return [
            Version(
                number=str(item.version),
                bundle_hash=item.tags.get("bundle_hash", ""),
                name=item.tags.get("name", ""),
                cut=item.tags.get("cut", ""),
                created=datetime.fromtimestamp(item.creation_timestamp / 1000, UTC).isoformat(timespec="seconds"),
                aliases=tuple(aliases.get(str(item.version), ())),
                tags={name: value for name, value in sorted(item.tags.items()) if name not in ("bundle_hash", "name", "cut")},
            )
            for item in client.search_model_versions(f"name='{NAME}'")
        ]

    def _find(self, client: Any, ref: str) -> Version:
        versions = self._read(client)
        for version in versions:
            if ref == version.number or ref in version.aliases:
                return version
        known = ", ".join(version.number for version in reversed(versions)) or "none"
        raise UsageError(f"there is no model version or alias {ref!r}; versions are {known}")

    def _log(self, client: Any, folder: Path, manifest: Mapping[str, Any], account: Account) -> str:
        """Log a run with its account and the bundle as a pyfunc model; the version comes last, so none is ever without a part."""
        tags = {name: str(manifest[name]) for name in ("bundle_hash", "name", "cut")} | dict(account.tags)
        _register_name(client)
        experiment = self._experiment(client)
        take_away_unfinished(client, experiment, tags["bundle_hash"])
        self._step("run")
        note = (folder / "card.md").read_text() if (folder / "card.md").is_file() else str(manifest["name"])
        run = client.create_run(experiment, run_name=tags["name"], tags={**tags, "mlflow.note.content": note})
        log_account(client, experiment, run.info.run_id, account, {"seed": str(manifest.get("seed")), **texts(account.settings)}, tags)
        self._step("artifacts")
        with tempfile.TemporaryDirectory(prefix="recoup-model-") as scratch:
            model = Path(scratch) / "model"
            save_pyfunc(model, folder)
            # A model of its own beside the run, as MLflow 3 shows it; its files are the version's source.
            logged = client.create_logged_model(
                experiment, name=NAME, source_run_id=run.info.run_id, tags=tags, params=texts(account.settings), model_type="ranking"
            )
            client.log_model_artifacts(logged.model_id, str(model))
        client.finalize_logged_model(logged.model_id, "READY")
        client.set_terminated(run.info.run_id)
        self._step("version")
        source = client.get_logged_model(logged.model_id).artifact_location
        version = client.create_model_version(NAME, source, run.info.run_id, tags=tags, description=note, model_id=logged.model_id)
        return str(version.version)

    def _experiment(self, client: Any) -> str:
        found = client.get_experiment_by_name(NAME)
        if found is not None:
            return str(found.experiment_id)
        place = None if self._tracking_uri else (self._home / "mlflow" / "artifacts").resolve().as_uri()
        return str(client.create_experiment(NAME, artifact_location=place, tags={"mlflow.experimentKind": "custom_model_development"}))

    def _fetch(self, client: Any, version: Version) -> Path:
        """Return the bundle's folder under the home, copied from the registry if need be, with every hash checked."""
        folder = self._home / "models" / version.bundle_hash
        if not folder.is_dir():
            _make_folder(folder.parent)
            with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder.parent) as scratch:
                settle(_bundle_in(self._download(client, version, Path(scratch)), version), folder)
        if read_manifest(folder)["bundle_hash"] != version.bundle_hash:
            raise BundleRefused(f"{folder}: not the bundle of version {version.number}")
        return folder

    def _download(self, client: Any, version: Version, place: Path) -> Path:
        from mlflow.artifacts import download_artifacts

        source = client.get_model_version_download_uri(NAME, version.number)
        return Path(download_artifacts(artifact_uri=source, dst_path=str(place), tracking_uri=self._uri()))


def keep(folder: Path, home: Path) -> Path:
    """Copy a bundle under the home by its hash, whole or not at all, and return its place."""
    place = home / "models" / str(read_manifest(folder)["bundle_hash"])
    if not place.is_dir():
        _make_folder(place.parent)
        with tempfile.TemporaryDirectory(prefix=".keep-", dir=place.parent) as scratch:
            settle(shutil.copytree(folder, Path(scratch) / "bundle"), place)
    return place


def settle(made: Path, place: Path) -> None:
    """Move a whole folder to the place that its hash names; where somebody else was quicker, theirs stays, which holds the same.

    Parameters
    ----------
    made
        On the same disk, in a scratch folder of the caller, with which it goes if it was not needed.
    """
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def _register_name(client: Any) -> None:
    if not any(model.name == NAME for model in client.search_registered_models()):
        client.create_registered_model(NAME, description="Write-off recovery scoring; each version is a bundle folder.")


def _bundle_in(model: Path, version: Version) -> Path:
    for manifest in sorted(model.glob("artifacts/*/manifest.json")):
        if read_manifest(manifest.parent)["bundle_hash"] == version.bundle_hash:
            return manifest.parent
    raise BundleRefused(f"version {version.number} of the registry holds no bundle {version.bundle_hash[:12]}")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(f"{folder} cannot be made: {error.strerror}") from error
