"""What if: the plans of one parlay beside each other, and a simulated book of many parlays. Pure, no I/O.

Randomness comes in as a numpy Generator. Money is exact (int64 micros in arrays); prices that move,
probabilities and statistics are floating point.
"""
