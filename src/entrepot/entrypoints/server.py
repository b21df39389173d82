"""The main API: every route, in one application.  ``front`` stands before it."""

from __future__ import annotations

from fastapi import FastAPI

from entrepot import __version__
from entrepot.application import Application
from entrepot.entrypoints.api import (
    antivirus,
    artifacts,
    audit,
    bundles,
    configuration,
    dashboard,
    decisions,
    description,
    directory,
    distributions,
    downloads,
    edition,
    environments,
    errata,
    events,
    exports,
    federation,
    feeds,
    forgotten,
    groups,
    grype,
    health,
    import_mirrors,
    imports,
    jobs,
    keys,
    logs,
    metrics,
    mirrors,
    notifications,
    policy,
    problems,
    promotions,
    provenance,
    recipes,
    retention,
    roles,
    sbom,
    second_factors,
    security,
    setup,
    sign_in,
    snapshots,
    sources,
    suites,
    tokens,
    upload,
    upload_stream,
    users,
    versions,
    vulnerabilities,
)
from entrepot.entrypoints.api.streams import Streams
from entrepot.entrypoints.dialects import aptly, dput, gitea
from entrepot.entrypoints.web import new_password, pages, signed_in

# In this order, so that literal paths win over places; first what comes in storms, as they are tried one by one.
_ROUTES = (
    upload,
    upload_stream,
    sign_in,
    federation,
    setup,
    users,
    tokens,
    audit,
    second_factors,
    forgotten,
    roles,
    groups,
    promotions,
    errata,
    snapshots,
    environments,
    retention,
    sources,
    mirrors,
    bundles,
    exports,
    vulnerabilities,
    keys,
    provenance,
    versions,
    artifacts,
    recipes,
    import_mirrors,
    imports,
    sbom,
    policy,
    decisions,
    security,
    antivirus,
    grype,
    feeds,
    distributions,
    suites,
    configuration,
    downloads,
    dashboard,
    events,
    logs,
    edition,
    notifications,
    directory,
    jobs,
    health,
    metrics,
    pages,
    new_password,
    signed_in,
    gitea,
    aptly,
    dput,
)


def make_api(
    application: Application,
    *,
    max_upload_bytes: int,
    publish_wait_seconds: int,
    public_url: str,
    metrics_token: str = "",
) -> FastAPI:
    """The main API at the root; ``Front`` adds its other addresses."""
    api = FastAPI(
        title="Entrepot",
        version=__version__,
        summary="Linux package repository server",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    api.state.application = application
    api.state.streams = Streams()
    api.state.job_watch = jobs.JobWatch()
    api.state.max_upload_bytes = max_upload_bytes
    api.state.publish_wait_seconds = publish_wait_seconds
    api.state.public_url = public_url
    api.state.metrics_token = metrics_token
    problems.install(api)
    for module in _ROUTES:
        api.include_router(module.router)
    description.install(api)
    return api
