"""One account at Hyperliquid: signed actions, questions without a key, one WebSocket."""
