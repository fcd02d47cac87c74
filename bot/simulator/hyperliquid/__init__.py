"""The embedded venue's Hyperliquid protocol: two HTTP addresses, one WebSocket, signed actions."""
