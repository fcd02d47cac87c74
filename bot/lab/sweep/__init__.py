"""Sweep: many sets of parameters over recorded time, each recorded, judged with all of them."""
