"""Trees scored and explained without LightGBM, against LightGBM."""

from __future__ import annotations

from pathlib import Path

import lightgbm
import numpy as np
import pytest

from features.errors import BundleRefused
from features.feature import Floats
from features.native import private_folder
from models.compiled import SOURCE, CompiledTrees
from models.explainer import Explainer
from models.forest import Forest
from models.tabled import TabledTrees
from training.trees import predict

FEATURES = 12


def data(rows: int = 1500) -> tuple[Floats, Floats]:
    """Return rows with nulls, zeros, a category column, and a target that depends on all of them."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(rows, FEATURES))
    x[:, 3] = rng.integers(0, 70, rows)
    x[:, 5] = np.where(rng.random(rows) < 0.5, 0.0, x[:, 5])
    x[:, :9][rng.random((rows, 9)) < 0.1] = np.nan
    z = np.nan_to_num(x)
    return x, (z[:, 0] + z[:, 3] % 3 + z[:, 7] * z[:, 5] + rng.normal(size=rows) > 1).astype(float)


def strange(x: Floats) -> Floats:
    """Return rows with what training never saw: unknown and negative codes, infinities, all null."""
    out = x[:40].copy()
    out[0, 3], out[1, 3], out[2, 0], out[3, 1] = 7000.0, -1.0, np.inf, -np.inf
    out[4], out[5] = np.nan, 0.0
    return out


@pytest.fixture(scope="module", params=["binary", "cross_entropy", "gamma", "zero_as_missing", "no_missing"])
def booster(request: pytest.FixtureRequest) -> lightgbm.Booster:
    """Return a fitted booster of eight leaves."""
    x, y = data()
    parameters = {"objective": "binary", "num_leaves": 8, "verbose": -1, "num_threads": 1, "learning_rate": 0.1}
    if request.param == "zero_as_missing":
        parameters["zero_as_missing"] = True
    elif request.param == "no_missing":
        parameters["use_missing"] = False
    else:
        parameters["objective"] = request.param
    target = y + 1.0 if request.param == "gamma" else y
    return lightgbm.train(parameters, lightgbm.Dataset(x, target, categorical_feature=[3]), 60)


def forest_of(booster: lightgbm.Booster, folder: Path) -> Forest:
    """Return the forest of a booster's text."""
    path = folder / "trees.txt"
    path.write_text(booster.model_to_string())
    return Forest(path)


def test_raw_scores_have_the_bits_of_lightgbm(booster: lightgbm.Booster, tmp_path: Path) -> None:
    x, _ = data()
    rows = np.vstack([x, strange(x)])
    assert forest_of(booster, tmp_path).raw(rows).tobytes() == predict(booster, rows, raw=True).tobytes()


def test_one_row_has_the_bits_of_many(booster: lightgbm.Booster, tmp_path: Path) -> None:
    # More than a block of them: few rows are compared one by one, many looked up in tables.
    known, _ = data(1100)
    x = np.vstack([known, strange(known)])
    forest = forest_of(booster, tmp_path)
    explainer = Explainer(forest, np.arange(FEATURES), FEATURES)
    raw, parts = forest.raw(x), explainer.contributions(x)
    for i in [*range(0, 1100, 13), *range(1100, len(x))]:
        assert forest.raw(x[i : i + 1])[0] == raw[i]
        assert explainer.contributions(x[i : i + 1]).tobytes() == parts[i : i + 1].tobytes()


def test_contributions_equal_lightgbms(booster: lightgbm.Booster, tmp_path: Path) -> None:
    x, _ = data()
    rows = np.vstack([x[:300], strange(x)])
    forest = forest_of(booster, tmp_path)
    theirs = np.asarray(booster.predict(rows, pred_contrib=True), dtype=np.float64)
    ours = Explainer(forest, np.arange(FEATURES), FEATURES).contributions(rows)
    # Both add some hundred terms of size one in different order.
    np.testing.assert_allclose(ours, theirs[:, :-1], atol=1e-11)
    assert forest.expected == pytest.approx(theirs[0, -1], abs=1e-11)


def test_groups_sum_their_features(booster: lightgbm.Booster, tmp_path: Path) -> None:
    x, _ = data(200)
    forest = forest_of(booster, tmp_path)
    single = Explainer(forest, np.arange(FEATURES), FEATURES).contributions(x)
    grouped = Explainer(forest, np.arange(FEATURES) % 3, 3).contributions(x)
    np.testing.assert_allclose(grouped, np.stack([single[:, g::3].sum(axis=1) for g in range(3)], axis=1), atol=1e-12)
    np.testing.assert_allclose(grouped.sum(axis=1) + forest.expected, forest.raw(x), atol=1e-10)


def test_a_tree_of_more_than_eight_leaves_is_refused(tmp_path: Path) -> None:
    x, y = data()
    wide = lightgbm.train({"objective": "binary", "num_leaves": 31, "verbose": -1, "num_threads": 1}, lightgbm.Dataset(x, y), 2)
    with pytest.raises(BundleRefused, match="at most 8 are allowed"):
        Explainer(forest_of(wide, tmp_path), np.arange(FEATURES), FEATURES)


def test_compiled_trees_have_the_bits_of_interpreted_ones(booster: lightgbm.Booster, tmp_path: Path) -> None:
    x, _ = data()
    rows = np.vstack([x, strange(x)])
    forest = forest_of(booster, tmp_path)
    expected = forest.raw(rows)
    assert forest.prepare(tmp_path / "cache" / "trees")
    assert forest.raw(rows).tobytes() == expected.tobytes()
    assert (tmp_path / "cache" / "trees").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("width", [16, 32, 64])
def test_compiled_trees_have_these_bits_on_every_processor(width: int, tmp_path: Path) -> None:
    # Categories of few codes and of many are looked up in different ways.
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.integers(0, known, 4000) for known in (9, 70, 250, 900)] + [rng.normal(size=4000)]).astype(np.float64)
    x[rng.random(x.shape) < 0.05] = np.nan
    y = np.nan_to_num(x[:, :4] % 3).sum(axis=1) + x[:, 2] % 7 + rng.normal(size=4000)
    parameters = {"objective": "regression", "num_leaves": 8, "verbose": -1, "num_threads": 1, "min_data_per_group": 2, "cat_smooth": 1}
    forest = forest_of(lightgbm.train(parameters, lightgbm.Dataset(x, np.nan_to_num(y), categorical_feature=[0, 1, 2, 3]), 80), tmp_path)
    expected = forest.raw(x)
    trees = CompiledTrees.of(forest.trees, private_folder(tmp_path / "cache"), flags=(f"-DWIDTH={width}",))
    assert trees is not None
    assert trees.raw(x).tobytes() == trees.raw(np.asfortranarray(x)).tobytes() == expected.tobytes()
    assert trees.raw(x[5::17]).tobytes() == expected[5::17].tobytes()


def test_code_is_only_run_from_a_private_folder(booster: lightgbm.Booster, tmp_path: Path) -> None:
    forest = forest_of(booster, tmp_path)
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(BundleRefused, match="ours alone"):
        forest.prepare(tmp_path / "open")


def test_without_a_compiler_tables_have_the_bits_of_interpreted_trees(
    booster: lightgbm.Booster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    x, _ = data()
    rows = np.vstack([x, strange(x)])
    forest = forest_of(booster, tmp_path)
    expected = forest.raw(rows)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert forest.prepare(tmp_path / "cache")
    assert isinstance(forest._many, TabledTrees)
    assert forest.raw(rows).tobytes() == forest.raw(np.asfortranarray(rows)).tobytes() == expected.tobytes()
    at = np.arange(5, len(rows), 17)
    assert forest.raw(rows, at).tobytes() == expected[at].tobytes()
    assert not recwarn.list


def test_compiled_code_with_other_bits_is_not_used(booster: lightgbm.Booster, tmp_path: Path) -> None:
    x, _ = data()
    forest = forest_of(booster, tmp_path)
    expected = forest.raw(x)
    # A compiler that adds one tree too few.
    source = tmp_path / "trees.c"
    source.write_text(SOURCE.read_text().replace("tree < forest->trees", "tree < forest->trees - 1"))
    assert CompiledTrees.of(forest.trees, private_folder(tmp_path / "code"), source) is not None
    assert forest.prepare(tmp_path / "cache", source)
    assert isinstance(forest._many, TabledTrees)
    assert forest.raw(x).tobytes() == expected.tobytes()


def test_trees_of_more_leaves_are_interpreted(tmp_path: Path) -> None:
    x, y = data()
    wide = lightgbm.train({"objective": "binary", "num_leaves": 31, "verbose": -1, "num_threads": 1}, lightgbm.Dataset(x, y), 2)
    forest = forest_of(wide, tmp_path)
    assert not forest.prepare(tmp_path / "cache")
    assert np.array_equal(forest.raw(x), predict(wide, x, raw=True))
