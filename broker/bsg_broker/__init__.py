"""The queue, which only wakes workers: wake-ups, Celery's message, queue names and order, liveness, Celery settings."""
