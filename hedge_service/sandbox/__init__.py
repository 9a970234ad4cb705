"""Stand-ins on loopback for Kalshi, Stripe and the model, for the demo and the tests."""
