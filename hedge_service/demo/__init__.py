"""The demo: sandbox and service as two processes, and a script that acts as their users.

It talks to both by HTTP, signals and standard output alone, as anybody could.
"""
