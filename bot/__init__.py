"""Breakwater: a risk-first guard and trader for crypto perpetual futures."""

__version__ = "0.1.0"
