"""Where `celery -A bsg_monitor flower` looks: the workers' own application, with Flower's options and our tab set."""

from bsg_config.connection_names import name_of_process
from bsg_config.settings import Settings
from bsg_monitor.campaigns_tab import add_campaigns_tab
from bsg_monitor.flower_options import apply_safe_options
from bsg_worker.application import app, name_process

name_process(name_of_process("flower"))
apply_safe_options()
add_campaigns_tab(Settings.from_environment())

__all__ = ["app"]
