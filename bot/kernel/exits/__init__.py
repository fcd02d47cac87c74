"""How a trade is left besides its stop: targets, its time, and its exits without the guard."""
