"""Nouns: frozen values with units, known to everybody and knowing nobody."""
