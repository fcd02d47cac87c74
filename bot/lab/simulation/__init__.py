"""Deterministic simulation: the production runtime in virtual time against a faulty world."""
