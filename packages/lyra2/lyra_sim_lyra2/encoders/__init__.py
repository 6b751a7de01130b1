"""Words and the first picture as the network takes them."""
