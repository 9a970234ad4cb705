"""The only place that sequences: gather, decide, apply."""
