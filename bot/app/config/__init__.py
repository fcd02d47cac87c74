"""The configuration: its shape, its faults, and what the kernel makes of it."""
