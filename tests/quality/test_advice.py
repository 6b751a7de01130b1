"""Every figure that can warn or fail has a line of advice, and what the lines name exists."""

import re

from lyra_sim.quality.figures.advice import ADVICE, advice_on
from lyra_sim.quality.figures.limits import LIMITS, subject_of
from lyra_sim.quality.figures.metrics import measured
from lyra_sim.scene.spec import SceneSpec


def test_each_judged_figure_has_one_and_no_other():
    assert set(ADVICE) == {name for name, limit in LIMITS.items() if limit.good is not None}


def test_it_goes_with_what_is_no_pass():
    assert measured("witness.ghost", 0.5, n=9).advice == advice_on("witness.ghost") != ""
    assert measured("witness.ghost", 0.0, n=9).advice == ""
    assert measured("physics.newton.probes_fell", 3, n=9).advice == ADVICE["physics.*.probes_fell"]


def test_keys_that_it_names_are_keys_of_the_scene_file():
    known = {
        f"{section}.{key}"
        for section, field in SceneSpec.model_fields.items()
        if hasattr(field.annotation, "model_fields")
        for key in field.annotation.model_fields
    }
    sections = {key.partition(".")[0] for key in known}
    for line in ADVICE.values():
        for section, key in re.findall(r"\b([a-z_]+)\.([a-z_]+)\b", line):
            if section in sections and f"{section}.{key}" not in LIMITS:
                assert f"{section}.{key}" in known, line


def test_looks_have_no_say_in_driving():
    driving = {name for name in LIMITS if subject_of(name) == "driving"}
    assert {"witness.ghost", "physics.*.routes_driven", "collision.doorways_sealed", "truth.map.free_precision"} <= driving
    assert not driving & {"image.held_out.psnr", "mesh.seen_share", "isaac.receipt", "given.psnr", "depth.held_out.median"}
