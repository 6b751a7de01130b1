"""assess: every figure of the finished world, the physics gate, and the report."""

from pathlib import Path

from lyra_sim.data.colliders import Collision
from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.report import Report
from lyra_sim.data.solid import Solid
from lyra_sim.data.stage import StageBundle
from lyra_sim.data.video import WorldVideo
from lyra_sim.data.world import MetricWorld
from lyra_sim.resources import resource_dir
from lyra_sim.scene.sources import Source, SurfaceSource
from lyra_sim.scene.spec import AssessConfig, CaptureConfig, RobotConfig, Truth
from lyra_sim.steps.step import leave_notes, step

GATE_LIMIT_S = 900.0
"""Wall-clock time after which an engine is given up [s]; it never shortens an experiment. Convention."""


def sources(source: Source, assess: AssessConfig, truth: Truth | None) -> tuple[Path, ...]:
    """Given meshes, for they are read again; the robots that are driven, truth files if the scene names any, and Isaac Sim's
    receipt once there is one."""
    from lyra_sim.usd.any_mesh import files_beside

    robots = resource_dir("usd_templates") / "robots"
    meshes = source.files if isinstance(source, SurfaceSource) else ()
    meshes += () if truth is None else (*truth.mesh, *truth.collision)
    named: tuple[Path | None, ...] = (*meshes, *files_beside(meshes))
    named += () if truth is None else (truth.occupancy_map, truth.cameras)
    present = () if assess.receipt is None or not assess.receipt.is_file() else (assess.receipt,)
    return (robots, *(path for path in named if path is not None), *present)


def plugins(assess: AssessConfig) -> tuple[str, ...]:
    """The engines."""
    return tuple(f"physics:{engine}" for engine in assess.engines)


@step(version=11, sources=sources, plugins=plugins)
def assess(
    depth: PosedDepth,
    generate: WorldVideo,
    align: MetricWorld,
    mesh: Solid,
    collide: Collision,
    author: StageBundle,
    *,
    source: Source,
    capture: CaptureConfig,
    assess: AssessConfig,
    truth: Truth | None,
    robot: RobotConfig,
    name: str,
    seed: int,
    out: Path,
) -> Report:
    """Measure, write ``metrics.json``, ``gate_<engine>.json`` and ``report.html``. A bad world is a figure, not an error."""
    from lyra_sim.physics.gate import run_gates
    from lyra_sim.quality.assessment import (
        Finished,
        geometry_metrics,
        ground_truth_metrics,
        load_truth,
        stage_metrics,
        with_all_views,
    )
    from lyra_sim.quality.depth import judged_views
    from lyra_sim.quality.physics import gate_metrics
    from lyra_sim.quality.receipt import receipt_metrics
    from lyra_sim.quality.report.world_report import World, driven_paths, dropped_probes, write_report
    from lyra_sim.quality.witness.calling import call_witness
    from lyra_sim.store.digests import folder_digest
    from lyra_sim.usd.rules.validate import validate_stage

    stage, known = author.stage, load_truth(truth)
    leave_notes(out, known.told)
    finished = Finished(
        capture=depth,
        video=generate,
        world=align,
        solid=mesh,
        collision=collide,
        called=call_witness(source, depth, with_all_views(depth, align), reach=capture.given_max_depth, seed=seed),
        seed=seed,
    )
    navigation = finished.collision.navigation
    isaac = receipt_metrics(assess.receipt, stage.parent)
    gates = run_gates(
        stage, navigation, engines=assess.engines, out=out, seed=seed, limit_s=GATE_LIMIT_S, robot_kind=robot.kind
    )
    metrics = geometry_metrics(finished)
    metrics += ground_truth_metrics(finished, known, seed=seed)
    metrics += gate_metrics(gates, robot_radius=navigation.robot_radius)
    metrics += isaac
    metrics += stage_metrics(validate_stage(stage))
    report = Report(scene=name, metrics=tuple(metrics), world=folder_digest(stage.parent))
    judged = finished.with_all_views
    views = judged_views(len(judged.cameras), held_out=finished.capture.held_out, at_most=assess.pictures)
    shown = World(
        capture=finished.capture,
        video=finished.video,
        metric=judged,
        solid=finished.solid,
        colliders=finished.collision.colliders,
        navigation=navigation,
        drives=driven_paths(gates.results),
        probes=dropped_probes(gates.results),
        views=views.spread(assess.pictures),
        looks=finished.looks,
        gates=gates.results,
    )
    write_report(out / "report.html", report, shown, seed=seed)
    report.save(out)
    return report
