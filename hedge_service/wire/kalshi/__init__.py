"""Kalshi's wire format: bytes and dicts to values and back, without I/O.

Facts and their sources: the exchange's OpenAPI 3.34.0 and recorded traffic of 2026.
"""
