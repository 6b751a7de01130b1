"""Runs steps: what must run and why, one scene or many, each result whole or absent."""

from lyra_sim.runner.building import BuildResult, SceneResult, build
from lyra_sim.runner.planning import ScenePlan, Selection, StepPlan, plan, step_table

__all__ = ["BuildResult", "ScenePlan", "SceneResult", "Selection", "StepPlan", "build", "plan", "step_table"]
