"""Peers over the network. No decisions, no database."""
