"""The operators' own listener: pages, acts and an interface for programs, behind operators' tokens."""
