"""One photo: a room as a box, called a guess."""
