"""Prometheus metrics of a running daemon, made from its answers at the moment of the scrape."""
