"""Binance USD-M: requests, streams and rows as domain values."""
