"""Every figure's unit, limits and reason, and how a number becomes a judged metric.

- ``limits``: the one table
- ``metrics``: numbers judged by it
"""
