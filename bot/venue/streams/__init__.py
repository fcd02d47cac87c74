"""Typed decoders of hot public streams, one file a venue."""
