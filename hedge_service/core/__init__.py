"""Pure decisions and exact values: no await, no clock, no randomness, no logging, no I/O."""
