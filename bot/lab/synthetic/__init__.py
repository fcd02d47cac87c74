"""Generated cascades, and what many of them say of a guard."""
