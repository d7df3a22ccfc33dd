# ruff: noqa: F401 - importing is all that it is for
"""What the processes under test import, so that each begins as a fork that has imported it: a start takes tenths of a
second instead of seconds, and a run with more than a thousand of them is over in minutes.

Nothing of this may connect, read settings or start a thread.
"""

import celery.__main__
import celery.app.amqp
import celery.app.control
import celery.app.events
import celery.app.log
import celery.app.routes
import celery.apps.beat
import celery.apps.worker
import celery.bin.beat
import celery.bin.celery
import celery.bin.worker
import celery.concurrency.thread
import celery.worker.autoscale
import celery.worker.components
import celery.worker.consumer
import celery.worker.consumer.delayed_delivery
import celery.worker.pidbox
import celery.worker.strategy
import kombu.transport.redis

import bsg_worker.poll.poll
import bsg_worker.submit.dispatch
import bsg_worker.upkeep.probe
import bsg_worker.upkeep.purge
import bsg_worker.upkeep.sweep
import bsg_worker.watch
import tests.failpoints.programs
