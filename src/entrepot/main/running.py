"""Begin to work, and end."""

from __future__ import annotations

from entrepot.application import Application
from entrepot.entrypoints.worker.dispatch import Dispatch, Watch
from entrepot.services.access import SetupState
from entrepot.settings import Settings


def start(application: Application, *, works: bool, watch: Watch | None = None) -> None:
    """Prepare an installation and begin to work: distributions, keys, unmet goals, heartbeat.

    ``watch`` is told of every goal that is pursued here.
    """
    application.blobs.sweep()
    application.suites.prepare()
    application.sources.prepare()
    dispatch = Dispatch(application, watch)
    application.queue.start(dispatch if works else None)
    application.keeper.start(works=works)


def stop(application: Application) -> None:
    """End in the reverse order; what is unfinished is found again at the next start."""
    application.jobs.stop()
    application.keeper.stop()
    application.notifications.stop()
    application.compositions.stop()
    application.queue.stop()
    application.on_demand.stop()
    application.courier.close()
    application.audit.seals.seal_at_end()
    application.catalog.close()


def prepare_access(application: Application, settings: Settings) -> SetupState:
    """The first administrator, from the settings or by a one-time link."""
    password = settings.admin_password.get_secret_value() if settings.admin_password else None
    return application.access.prepare(settings.admin_username, password)
