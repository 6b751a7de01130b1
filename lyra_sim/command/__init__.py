"""The command line, what it prints, and what it checks of the machine.

- ``cli``: every command but ``weights``
- ``weights``: its own
- ``summary``: plans and results in a few lines
- ``doctor``: what the machine lacks
"""
