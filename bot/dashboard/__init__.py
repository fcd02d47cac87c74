"""The web page and the REST API of a running daemon, on loopback unless told otherwise."""
