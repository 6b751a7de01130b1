"""What the network is told besides words: where pixels of known frames go, cameras, and the history, packed."""
