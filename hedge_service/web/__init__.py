"""HTTP doors: verify, put, nudge, answer."""
