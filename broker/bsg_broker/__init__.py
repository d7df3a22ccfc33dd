"""The queue, which only wakes workers: wake-ups, Celery messages, queue names, liveness pings, Celery settings."""
