"""Figures for monitoring: events counted as they are logged, times measured, state read at a scrape."""
