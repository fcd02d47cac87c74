"""Bybit's unified account, linear USDT perpetuals, behind the house's ports."""
