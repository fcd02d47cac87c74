"""The embedded venue: a pure exchange and the protocol it speaks."""
