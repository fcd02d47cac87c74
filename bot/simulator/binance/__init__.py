"""Binance USD-M's HTTP and WebSocket protocol over the pure exchange."""
