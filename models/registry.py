"""The registry of trained models: MLflow keeps versions and aliases, one pointer file says which bundle serves."""

from __future__ import annotations

import fcntl
import json
import logging
import math
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.errors import BundleRefused, CheckFailed, StorageFailed, TryAgain, Unavailable, UsageError
from models.bundle import read_manifest
from models.pointer import Pointer, Promotion, read_pointer, write_pointer

NAME = "recoup"
CHAMPION, CHALLENGER = "champion", "challenger"
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
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
    """

    number: str
    bundle_hash: str
    name: str
    cut: str
    created: str
    aliases: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the version as JSON can hold it."""
        return {**asdict(self), "aliases": list(self.aliases), "metrics": dict(self.metrics)}


class Registry:
    """The models of one home.

    Parameters
    ----------
    home
        RECOUP_HOME: promoted bundles, the pointer, and MLflow's own store where no other is named.
    tracking_uri
        Another MLflow (`MLFLOW_TRACKING_URI`); None keeps SQLite and files under the home.
    """

    def __init__(self, home: Path, tracking_uri: str | None = None) -> None:
        self._home = home
        self._tracking_uri = tracking_uri

    def register(self, folder: Path, metrics: Mapping[str, float]) -> str:
        """Register a bundle as challenger, as champion only if nothing serves yet, and return its version.

        A bundle that is registered already keeps its version.

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
            number = known.number if known else self._log(client, folder, manifest, metrics)
            client.set_registered_model_alias(NAME, CHALLENGER, number)
        if read_pointer(self._home) is None:
            self.promote(number)
        return number

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

    def promote(self, ref: str) -> Promotion:
        """Make a version champion: copy its bundle under the home, move the alias, then write the pointer.

        Raises
        ------
        UsageError
            When there is no such version.
        TryAgain
            When somebody else promotes at this moment.
        """
        with self._locked(), self._client() as client:
            version = self._find(client, ref)
            folder = self._fetch(client, version)
            promotion = Promotion(version.number, version.bundle_hash, folder.relative_to(self._home).as_posix())
            before = read_pointer(self._home)
            client.set_registered_model_alias(NAME, CHAMPION, version.number)
            write_pointer(self._home, before.promoted(promotion) if before else Pointer(promotion))
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

    def _log(self, client: Any, folder: Path, manifest: Mapping[str, Any], metrics: Mapping[str, float]) -> str:
        """Log the bundle as a pyfunc model and register it; the tags are set with the version, so none is ever without."""
        tags = {name: str(manifest[name]) for name in ("bundle_hash", "name", "cut")}
        _register_name(client)
        run = client.create_run(self._experiment(client), run_name=str(manifest["name"]))
        for name, value in metrics.items():
            if math.isfinite(value):
                client.log_metric(run.info.run_id, name, float(value))
        client.log_param(run.info.run_id, "seed", manifest.get("seed"))
        with tempfile.TemporaryDirectory(prefix="recoup-model-") as scratch:
            model = Path(scratch) / "model"
            save_pyfunc(model, folder)
            client.log_artifacts(run.info.run_id, str(model), "model")
        source = f"{client.get_run(run.info.run_id).info.artifact_uri}/model"
        version = client.create_model_version(NAME, source, run.info.run_id, tags=tags)
        client.set_terminated(run.info.run_id)
        return str(version.version)

    def _experiment(self, client: Any) -> str:
        found = client.get_experiment_by_name(NAME)
        if found is not None:
            return str(found.experiment_id)
        place = None if self._tracking_uri else (self._home / "mlflow" / "artifacts").resolve().as_uri()
        return str(client.create_experiment(NAME, artifact_location=place))

    def _fetch(self, client: Any, version: Version) -> Path:
        """Return the bundle's folder under the home, copied from the registry if need be, with every hash checked."""
        folder = self._home / "models" / version.bundle_hash
        if not folder.is_dir():
            _make_folder(folder.parent)
            with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder.parent) as scratch:
                _bundle_in(self._download(client, version, Path(scratch)), version).rename(folder)
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
            shutil.copytree(folder, Path(scratch) / "bundle").rename(place)
    return place


def resolve(ref: str, home: Path, tracking_uri: str | None = None) -> Path | None:
    """Return the folder that a model's name means: a folder with a manifest, else a version, else an alias.

    None for `champion` while nothing was promoted: then priors score. The champion is found without MLflow.

    Raises
    ------
    UsageError
        When the name means nothing.
    """
    if (Path(ref) / "manifest.json").is_file():
        return Path(ref)
    if ref == CHAMPION:
        pointer = read_pointer(home)
        return None if pointer is None else pointer.champion.folder(home)
    if not ref.isdigit() and ref != CHALLENGER and ("/" in ref or Path(ref).exists()):
        raise UsageError(f"{ref} is no model folder: it has no manifest.json")
    return Registry(home, tracking_uri).fetch(ref)


def _register_name(client: Any) -> None:
    if not any(model.name == NAME for model in client.search_registered_models()):
        client.create_registered_model(NAME, description="Write-off recovery scoring; each version is a bundle folder.")


def save_pyfunc(model: Path, bundle: Path) -> None:
    """Write the bundle as a models-from-code pyfunc with the packages that it needs, so that other tools can load it."""
    import mlflow.pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec

    here = Path(__file__).parent
    with tempfile.TemporaryDirectory(prefix="recoup-code-") as scratch:
        code = []
        for package in (here.parent / "features", here):
            shutil.copytree(package, Path(scratch) / package.name, ignore=shutil.ignore_patterns("__pycache__"))
            code.append(str(Path(scratch) / package.name))
        mlflow.pyfunc.save_model(
            path=str(model),
            python_model=str(here / "pyfunc.py"),
            artifacts={"bundle": str(bundle)},
            code_paths=code,
            pip_requirements=_requirements(bundle),
            signature=ModelSignature(params=ParamSchema([ParamSpec("as_of", "string", ""), ParamSpec("reasons", "boolean", True)])),
        )


def _requirements(bundle: Path) -> list[str]:
    """What the bundle was made with, pinned; inference of requirements would load the model to look."""
    from importlib import metadata

    libraries = dict(json.loads((bundle / "manifest.json").read_bytes()).get("libraries", {}))
    for name in ("mlflow", "pyarrow", "pandas"):
        try:
            libraries.setdefault(name, metadata.version(name))
        except metadata.PackageNotFoundError:
            continue
    return sorted(f"{name}=={version}" for name, version in libraries.items())


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
