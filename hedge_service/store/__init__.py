"""Rows and transactions. No decisions."""
