"""Stripe's wire: signatures, events and sessions, without I/O."""
