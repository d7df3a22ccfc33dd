"""Settings, accounts, connections to Redis, and the clock. All other packages use them."""
