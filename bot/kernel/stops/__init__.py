"""Where a stop may rest, when it may follow the price, and what speaks against where it lies."""
