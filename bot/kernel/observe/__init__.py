"""Folds of market events into rolling state, O(1) each."""
