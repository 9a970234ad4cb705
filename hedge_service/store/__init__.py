"""Rows and transactions. No decisions.

Every function that takes a `Connection` is one part of a unit of work: synchronous, run by `Database.write`
(all or nothing, committed before its result is seen) or by `Database.read` (a snapshot, no writes).
"""
