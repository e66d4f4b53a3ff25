"""The demo: the real system beside a provider sandbox and a shop with people in it."""
