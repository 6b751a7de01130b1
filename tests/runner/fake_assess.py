"""Last step: a report whose verdict the scene decides by ``assess.pictures``."""

from pathlib import Path

from fake_author import World

from lyra_sim.data.report import Metric, Report
from lyra_sim.scene.spec import AssessConfig
from lyra_sim.steps.step import step


@step(version=1)
def assess(author: World, *, assess: AssessConfig, name: str, out: Path) -> Report:
    verdict = "fail" if assess.pictures == 1 else "pass"
    metric = Metric(name="fake.pictures", value=assess.pictures, unit="", n=1, verdict=verdict)
    report = Report(scene=name, metrics=(metric,))
    report.save(out)
    (out / "report.html").write_text("<p>report</p>")
    return report
