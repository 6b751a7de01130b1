"""Every figure's unit, limits and reason, and how a number becomes a judged metric.

- ``advice``: what to do about what is no pass
- ``intervals``: how sure a counted share is
- ``limits``: the one table
- ``metrics``: numbers judged by it
"""
