"""Last step: a report whose verdict the scene decides by ``assess.pictures``."""

from pathlib import Path

from lyra_sim.data.report import Metric, Report
from lyra_sim.steps.step import Step


def run(inputs, cfg, *, out: Path):
    verdict = "fail" if cfg.assess.pictures == 1 else "pass"
    Report(
        scene=cfg.name, metrics=(Metric(name="fake.pictures", value=cfg.assess.pictures, unit="", n=1, verdict=verdict),)
    ).save(out / "metrics.json")
    (out / "report.html").write_text("<p>report</p>")


def load(folder: Path, inputs):
    return Report.load(folder / "metrics.json")


STEP = Step(name="assess", version=1, needs=("author",), reads=("assess",), run=run, load=load)
