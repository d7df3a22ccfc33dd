"""A Flask extension: one producer for each app, and a response for each exception of the producer.

    campaigns = BSGCampaigns()

    def create_app() -> Flask:
        app = Flask(__name__)
        campaigns.init_app(app)
        return app

In a request or an app context, `campaigns.producer` is the app's `Producer`. Settings come from the environment.
`app.config["BSG_CAMPAIGNS"]`, a mapping with the same names, has precedence.
"""

from __future__ import annotations

from typing import Any

from bsg_config.app_settings import read_app_settings
from bsg_messages.errors import BSGCampaignsError
from bsg_producer.callbacks import callbacks
from bsg_producer.http_statuses import http_status, log_failure
from bsg_producer.producer import Producer

try:
    from flask import Flask, current_app
    from flask.typing import ResponseReturnValue
    from werkzeug.exceptions import HTTPException, default_exceptions
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "bsg_producer.flask needs Flask: pip install 'bsg-campaigns[flask]'", name=missing.name
    ) from None

NAME = "bsg_campaigns"


class BSGCampaigns:
    """The extension.

    >>> app = Flask("shop")
    >>> campaigns = BSGCampaigns(app)
    >>> with app.app_context():
    ...     campaigns.producer.gate().open
    True
    """

    def __init__(self, app: Flask | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Make the app's producer, and respond to exceptions of the producer by `http_status` and their texts.

        The app renders these responses as it renders its other HTTP errors. Threads and forks share the producer.
        Raise `SettingsInvalid`. Redis is not connected to before the first call.

        >>> campaigns = BSGCampaigns()
        >>> app = Flask("shop")
        >>> campaigns.init_app(app)
        >>> app.extensions["bsg_campaigns"].gate().open
        True
        """
        app.extensions[NAME] = Producer(read_app_settings(app.config.get("BSG_CAMPAIGNS", {})))
        app.register_error_handler(BSGCampaignsError, _respond)

    def mount_callbacks(self, app: Flask, prefix: str, *, secret: str) -> None:
        """Receive the delivery reports that BSG pushes to `prefix`/`secret`. See `bsg_producer.callbacks`.

        The app's own code, such as a login or CSRF protection, does not run for these requests.

        >>> app = Flask("shop")
        >>> campaigns = BSGCampaigns(app)
        >>> campaigns.mount_callbacks(app, "/bsg", secret="k3Xw-1gH5_pQz8Lr2Vt9")
        >>> app.test_client().post("/bsg/k3Xw-1gH5_pQz8Lr2Vt9", data={"reference": "r1", "status": "read"}).status
        '200 OK'
        """
        application = callbacks(app.extensions[NAME], secret=secret)
        mounted: Any = DispatcherMiddleware(app.wsgi_app, {prefix: application})
        app.wsgi_app = mounted  # type: ignore[method-assign]  # as Flask's own documentation does it

    @property
    def producer(self) -> Producer:
        """Return the producer of the current app. Raise RuntimeError without one.

        >>> campaigns = BSGCampaigns()
        >>> app = Flask("shop")
        >>> campaigns.init_app(app)
        >>> with app.app_context():
        ...     receipt = campaigns.producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Hello!")
        """
        producer: Producer | None = current_app.extensions.get(NAME)
        if producer is None:
            raise RuntimeError("the app has no producer: call init_app(app) of BSGCampaigns when the app is made")
        return producer


def _respond(error: BSGCampaignsError) -> ResponseReturnValue | HTTPException:
    log_failure(error)
    return current_app.handle_http_exception(default_exceptions[http_status(error)](str(error)))
