"""``entrepot audit verify``: the log of an installation, on the server itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def verify(data: Path | None) -> Mapping[str, object]:
    """A report on the log in a data folder, or in the database that the settings name."""
    from entrepot.domain.model.actor import SYSTEM
    from entrepot.main import assemble, real_parts
    from entrepot.settings import load_settings

    settings = load_settings(data=data)
    application = assemble(settings, real_parts(settings))
    try:
        return application.audit.integrity.verify(SYSTEM).words()
    finally:
        application.catalog.close()
