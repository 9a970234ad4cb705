"""Protocols without I/O: bytes and dicts to values and back."""
