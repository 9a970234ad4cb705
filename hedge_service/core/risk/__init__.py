"""The risk of a parlay and its hedge: joint states, costs, strategies, and what a plan does in each state."""
