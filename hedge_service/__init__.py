"""Turn a confirmed parlay payment into hedge orders on Kalshi, exactly once or visibly not."""

__version__ = "0.1.0"
