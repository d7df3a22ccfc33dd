"""What configures every floor above: settings, Redis connections, Celery's configuration, the doorbell."""
