"""Inputs that no venue adapter gives: one file a source, each reading with origin and age."""
