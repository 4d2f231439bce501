from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from morphvec.errors import OptionError
from morphvec.features.space import BlockOptions
from morphvec.pipeline.options import (
    CountStage,
    FitStage,
    RunOptions,
    TextStage,
    WeighStage,
    all_options,
    check_names,
    machine_memory,
    make_stage,
    parse_memory,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1024", 1024),
        ("4k", 4096),
        ("500M", 500 << 20),
        ("4G", 4 << 30),
        ("2.5GB", 5 << 29),
        ("3GiB", 3 << 30),
        (" 1t ", 1 << 40),
    ],
)
def test_sizes_of_memory(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "0", "4 apples", "nan", "inf", "1e30", "4GG"])
def test_other_sizes_are_refused(text):
    with pytest.raises(OptionError, match=r"^memory="):
        parse_memory(text)


def test_memory_is_half_of_the_machine_where_nothing_is_said():
    assert RunOptions().budget == machine_memory() // 2
    assert RunOptions(memory=1 << 30).budget == 1 << 30


def test_one_set_of_lengths_serves_columns_and_parts():
    count, fit = CountStage(features="window,ngrams", ngrams="2-4", ngram_min_types=3), FitStage()
    assert (count.rule.ngrams, count.rule.ngram_min_types) == ((2, 4), 3)
    model = fit.model(count.config())
    assert (model.ngrams, model.ngram_min_types, model.pieces.composed) == ((2, 4), 3, True)
    assert not fit.model({"ngrams": "none", "ngram_min_types": 3}).pieces.composed
    assert FitStage(ngrams="5-6").model({"ngrams": "2-4", "ngram_min_types": 3}).ngrams == (5, 6)
    assert "ngrams" not in fit.config()
    assert FitStage(ngrams="5-6").config()["ngrams"] == "5-6"


def test_ngrams_none_leaves_the_other_blocks():
    assert CountStage(features="window,ngrams", ngrams="none").rule.blocks == (BlockOptions("window"),)


def test_units_are_read_for_ids_alone():
    assert CountStage(features="window,ids:2").units
    assert not CountStage().units


def test_ridges_fall_back_on_the_common_one_and_that_on_the_text():
    def ridges(composed=True, by_contexts=True, mass=100.0, **options):
        made = FitStage(**options).model({"ngrams": "none", "ngram_min_types": 5})
        return made.ridges(composed, by_contexts, mass)

    assert ridges(ridge=2.0, ridge_own=0.0) == (0.0, 2.0, 2.0)
    assert ridges(ridge=2.0, ridge_parts=3.0, ridge_features=4.0) == (2.0, 3.0, 4.0)
    assert ridges(composed=False) == ridges(composed=False, mass=1e6) == (1.0, 1.0, 1.0)
    assert ridges(composed=False, by_contexts=False) == (1.0, 1.0, 1.0)
    assert ridges(by_contexts=False) == ridges(by_contexts=False, mass=1e6) == (3.0, 3.0, 3.0)
    assert ridges() == ridges(mass=1.0) == ridges(mass=0.5) == (20.0, 20.0, 20.0)  # at most
    assert ridges(mass=400.0, ridge_features=7.0) == (5.75, 5.75, 7.0)  # 2300/mass


def test_a_manifest_names_files_without_their_folders():
    stage = make_stage(
        FitStage,
        {
            "unimorph": ["spa=/home/someone/spa.tsv", Path("/data/por.tsv")],
            "hold_out": "./x/held.txt",
            "edges": None,
        },
    )
    config = stage.config()
    assert config["unimorph"] == ["spa=spa.tsv", "por.tsv"]
    assert config["hold_out"] == ["held.txt"]
    assert config["edges"] == []


def test_numbers_become_those_of_python():
    stage = make_stage(FitStage, {"dim": np.int64(7), "ridge": 2, "power": np.float32(0.5)})
    assert (type(stage.dim), type(stage.ridge), type(stage.power)) == (int, float, float)
    assert (stage.dim, stage.ridge, stage.power) == (7, 2.0, 0.5)


@pytest.mark.parametrize(
    ("stage", "options"),
    [
        (TextStage, {"min_count": "5"}),
        (TextStage, {"join_hyphen": 1}),
        (TextStage, {"case": "upper"}),
        (CountStage, {"window": 2.5}),
        (CountStage, {"window": None}),
        (CountStage, {"features": "words"}),
        (WeighStage, {"smoothing": "0.75"}),
        (WeighStage, {"smoothing": 2.0}),
        (WeighStage, {"weight_max": -1}),
        (FitStage, {"seed": 1.5}),
        (FitStage, {"solver": "sgd?"}),
        (FitStage, {"output": "v"}),
        (FitStage, {"own_weight": 0}),
        (FitStage, {"power": 5}),
        (FitStage, {"ridge_own": -1}),
        (FitStage, {"graph": "nearest:0"}),
        (RunOptions, {"threads": 0}),
        (RunOptions, {"threads": "2"}),
    ],
)
def test_what_is_out_of_range_is_refused_when_the_stage_is_made(stage, options):
    with pytest.raises(OptionError):
        make_stage(stage, options)


def test_every_option_of_every_stage_is_known_once():
    known = all_options()
    assert {"min_count", "window", "smoothing", "dim", "threads", "unimorph", "seed"} <= set(known)
    assert known["ngrams"] == "3-6"  # the counts' own default, not the fit's None
    check_names(known, list(known))
    with pytest.raises(OptionError, match="did you mean 'smoothing'"):
        check_names({"smoothin": 1}, list(known))
    with pytest.raises(OptionError, match="known are"):
        check_names({"zzz": 1}, list(known))
