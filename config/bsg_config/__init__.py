"""What every floor above gets from its surroundings: settings, accounts, connections to Redis, the clock."""
