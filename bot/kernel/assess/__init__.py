"""Judges a market from its senses: Pulse, Stress, Threat, cascade, flush, with the evidence."""
