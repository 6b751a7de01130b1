"""The command line, what it prints, and what it checks of the machine."""
