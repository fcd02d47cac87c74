"""The venue contract by command: what must hold at a venue, tried with the smallest orders."""
