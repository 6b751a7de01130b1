"""What a stage must keep: our rules and other people's, run on anybody's stage in a process with limits."""
