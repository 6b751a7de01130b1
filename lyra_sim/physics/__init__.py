"""The physics gate: drop balls and boxes on a world, drive a robot through it, in two independent engines.

:func:`lyra_sim.physics.gate.run_gates` is the way in. Engines run in processes of their own
(:mod:`lyra_sim.physics.worker`), so neither an engine's crash nor its libraries reach the program.
"""
