"""The part of aptly's HTTP API that pushes packages: files, repos, publish (aptly 1.5 and 1.6).

A repo is a distribution of ours, published all the time: adding to it publishes, and ``publish`` waits for that.
Answers keep aptly's field names and its way to report single files.
"""

from fastapi import APIRouter

from entrepot.entrypoints.dialects.aptly import additions, files, publications, repos

router = APIRouter()
for part in (files, repos, additions, publications):
    router.include_router(part.router)

__all__ = ["router"]
