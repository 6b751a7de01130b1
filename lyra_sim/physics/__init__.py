"""The physics gate: drop balls and boxes on a world, drive a robot through it, in two independent engines.

:func:`lyra_sim.physics.gate.run_gates` is the way in. Engines run in processes of their own
(:mod:`lyra_sim.physics.worker`), so neither an engine's crash nor its libraries reach the program.

- ``gate``: one process an engine, each failure one clear error
- ``gate_stage``: the stages it simulates: the user's, with bodies and robots
- ``half_spaces``: its hulls, and rays through them
- ``shots``: fast balls
- ``robots``: stock robots
- ``request``: what is asked
- ``worker``: the process: both experiments
- ``engine``: what is asked of an engine
- ``newton_engine``: Newton with MuJoCo
- ``physx_engine``: PhysX
- ``clock``: time in it
- ``drop``: what falls
- ``drive``: what drives
- ``controller``: how it steers
- ``result``: what was found
"""
