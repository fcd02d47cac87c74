"""Verbs: the pure decision machine; no I/O, no clock, no dice, no logging."""
