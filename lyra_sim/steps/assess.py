"""assess: every figure of the finished world, the physics gate, and the report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lyra_sim.data.report import Report
from lyra_sim.resources import resource_dir
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.step import Step

GATE_LIMIT_S = 900.0
"""Wall-clock time after which an engine is given up [s]; it never shortens an experiment. Convention."""


def run(inputs: Mapping[str, Any], cfg: SceneSpec, *, out: Path) -> Report:
    """Measure, write ``metrics.json``, ``gate_<engine>.json`` and ``report.html``. A bad world is a figure, not an error."""
    from lyra_sim.physics.gate import run_gates
    from lyra_sim.quality.assessment import Finished, geometry_metrics, ground_truth_metrics, load_truth, stage_metrics
    from lyra_sim.quality.depth import judged_views
    from lyra_sim.quality.physics import gate_metrics
    from lyra_sim.quality.receipt import receipt_metrics
    from lyra_sim.quality.report.world_report import World, driven_paths, dropped_probes, write_report
    from lyra_sim.usd.rules.validate import validate_stage

    stage, truth = inputs["author"].stage, load_truth(cfg.truth)
    finished = Finished(
        capture=inputs["depth"],
        video=inputs["generate"],
        world=inputs["align"],
        solid=inputs["mesh"],
        collision=inputs["collide"],
        seed=cfg.seed,
    )
    navigation = finished.collision.navigation
    isaac = receipt_metrics(cfg.assess.receipt, stage.parent)
    gates = run_gates(
        stage, navigation, engines=cfg.assess.engines, out=out, seed=cfg.seed, limit_s=GATE_LIMIT_S, robot_kind=cfg.robot.kind
    )
    metrics = geometry_metrics(finished)
    metrics += ground_truth_metrics(finished, truth, seed=cfg.seed)
    metrics += gate_metrics(gates, robot_radius=navigation.robot_radius)
    metrics += isaac
    metrics += stage_metrics(validate_stage(stage))
    report = Report(scene=cfg.name, metrics=tuple(metrics))
    judged = finished.with_all_views
    views = judged_views(len(judged.cameras), held_out=finished.capture.held_out, at_most=cfg.assess.pictures)
    shown = World(
        capture=finished.capture,
        video=finished.video,
        metric=judged,
        solid=finished.solid,
        colliders=finished.collision.colliders,
        navigation=navigation,
        drives=driven_paths(gates.results),
        probes=dropped_probes(gates.results),
        views=views.spread(cfg.assess.pictures),
        looks=finished.looks,
        gates=gates.results,
    )
    write_report(out / "report.html", report, shown, seed=cfg.seed)
    report.save(out / "metrics.json")
    return report


def load(folder: Path, inputs: Mapping[str, Any]) -> Report:
    """The figures as :func:`run` wrote them."""
    return Report.load(folder / "metrics.json")


def sources(cfg: SceneSpec) -> tuple[Path, ...]:
    """The robots that are driven, truth files if the scene names any, and Isaac Sim's receipt once there is one."""
    robots = resource_dir("usd_templates") / "robots"
    named = () if cfg.truth is None else (*cfg.truth.mesh, *cfg.truth.collision, cfg.truth.occupancy_map, cfg.truth.cameras)
    receipt = cfg.assess.receipt
    present = () if receipt is None or not receipt.is_file() else (receipt,)
    return (robots, *(path for path in named if path is not None), *present)


STEP = Step(
    name="assess",
    version=8,
    needs=("depth", "generate", "align", "mesh", "collide", "author"),
    reads=("assess", "truth", "robot"),
    run=run,
    load=load,
    sources=sources,
    plugins=lambda cfg: tuple(f"physics:{engine}" for engine in cfg.assess.engines),
)
