"""Runs steps: what must run and why, one scene or many, each result whole or absent.

- ``planning``: what is due, and why
- ``building``: scenes built, the world published
- ``execute``: one step folder made
- ``worker``: one step in a process of its own
- ``publish``: results where users look
- ``events``: what happened, as lines of JSON
- ``progress``: the same for people
"""

from lyra_sim.runner.building import BuildResult, SceneResult, build
from lyra_sim.runner.planning import ScenePlan, Selection, StepPlan, plan, step_table

__all__ = ["BuildResult", "ScenePlan", "SceneResult", "Selection", "StepPlan", "build", "plan", "step_table"]
