"""How much of what is cut, which first, and by which orders."""
