"""Shapes and look-ups that all of aptly's routes need."""

from __future__ import annotations

from fastapi import Request
from pydantic import BaseModel, ConfigDict

from entrepot.application import Application
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.suite import Suite
from entrepot.entrypoints.api.bodies import bounded, json_of


class Body(BaseModel):
    """aptly's clients send more than is read here."""

    model_config = ConfigDict(extra="ignore")


async def sent_json(request: Request) -> object:
    """The body; read after the caller is known."""
    return json_of(await bounded(request))


def suite_of(app: Application, who: Actor, repo: str) -> Suite:
    """The distribution that a repo stands for: ``codename`` or ``archive:codename``."""
    return app.suites.find(who, repo.replace(":", "/", 1))
