"""The extension's JSON, without I/O: bodies to values and values to bodies."""
