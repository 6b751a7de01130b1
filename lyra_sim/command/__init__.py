"""The command line, what it prints, and what it checks of the machine.

- ``cli``: every command of ours
- ``installed``: commands that other packages add
- ``assess``: a package measured anew
- ``convert``: files of splats into each other
- ``inspect``: what a path is and what a build would make of it
- ``formats``: what is read and written
- ``marker``: a sheet to print
- ``summary``: plans and results in a few lines
- ``doctor``: what the machine lacks
"""
