"""Mail and webhooks: trying them out, what became of messages, texts of mails (contract 4.12, 4.13)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from entrepot.adapters.catalog.messages import Medium, Message, MessageFilter, MessageState
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.services.notify.templates import Template
from entrepot.services.notify.texts import DEFAULTS, VARIABLES

Body = dict[str, Any]
_READ = [Depends(requiring(Permission.SETTING_READ))]
_WRITE = [Depends(requiring(Permission.SETTING_WRITE))]
_NONE: dict[int | str, dict[str, Any]] = {404: {"description": "There is none of that name"}}
_REFUSED: dict[int | str, dict[str, Any]] = {400: {"description": "The text has mistakes, or wants to run code"}}

router = APIRouter()


class WebhookTrial(BaseModel):
    """Where to, if not to the URL in force."""

    model_config = ConfigDict(strict=True)

    url: str | None = Field(None, max_length=2000, examples=["https://receiver.example.org/hook"])


class MailTrial(BaseModel):
    """To whom, if not to those in force."""

    model_config = ConfigDict(strict=True)

    to_override: str | None = Field(None, max_length=320, examples=["ada@example.org"])


class TemplateTexts(BaseModel):
    """Texts with places; what is left out stays as it is."""

    model_config = ConfigDict(strict=True)

    subject: str | None = Field(None, max_length=300, examples=["{{ count }} new in {{ distribution }}"])
    text: str | None = Field(None, max_length=16384, examples=["{{ headline }}: {{ what }}"])
    html: str | None = Field(None, max_length=16384, examples=["<p>{{ headline }}</p>"])


@router.post(
    "/settings/test-webhook",
    tags=["settings"],
    summary="Send a test to the webhook",
    dependencies=_WRITE,
    openapi_extra=described(WebhookTrial),
    responses={
        400: {"description": "No webhook is configured, or its address is not allowed"},
        502: {"description": "The receiver gave no answer, or another one than 2xx"},
    },
)
def test_webhook(app: App, who: Who, given: Annotated[WebhookTrial, Depends(json_body(WebhookTrial))]) -> Body:
    """One signed event of type `test`, sent now; works while the webhook is still switched off."""
    status = app.notifications.test_webhook(who, given.url)
    return {"status": "ok", "http_status": status, "message": f"the receiver answered {status}"}


@router.post(
    "/settings/test-email",
    tags=["settings"],
    summary="Send a test mail",
    dependencies=_WRITE,
    openapi_extra=described(MailTrial),
    responses={400: {"description": "Mail is switched off or not configured, or the server did not take it"}},
)
def test_email(app: App, who: Who, given: Annotated[MailTrial, Depends(json_body(MailTrial))]) -> Body:
    """One mail, sent now, to the addresses of the section `email` or to another one."""
    recipients = app.notifications.test_email(who, given.to_override)
    return {"status": "ok", "message": f"sent to {', '.join(recipients)}"}


@router.get("/notifications/deliveries", tags=["notifications"], summary="Delivery log", dependencies=_READ)
def deliveries(
    app: App,
    who: Who,
    medium: Annotated[Medium | None, Query(alias="channel")] = None,
    state: MessageState | None = None,
    event: Annotated[str, Query(max_length=48)] = "",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Body:
    """Mails and webhooks of the last 30 days with what became of them, newest first; never their text."""
    conditions = MessageFilter(medium, state, event)
    found, total = app.notifications.deliveries(who, conditions, (page - 1) * per_page, per_page)
    return words.page([_delivery(each) for each in found], total, page, per_page)


@router.post(
    "/notifications/deliveries/{id}/redeliver",
    tags=["notifications"],
    summary="Send a message again",
    dependencies=_WRITE,
    responses={404: _NONE[404], 409: {"description": "Its text was not kept"}},
)
def redeliver(id: str, app: App, who: Who) -> Body:  # noqa: A002 - the name of the place
    """Whatever became of it; the receiver knows it by the same id."""
    return _delivery(app.notifications.redeliver(who, id))


@router.get("/templates", tags=["templates"], summary="Texts of mails", dependencies=_READ)
def templates(app: App, who: Who) -> Body:
    """One for each event, and the one of the test mail; with the places that texts may have."""
    rows = [_summary(each) for each in app.templates.all(who)]
    return {"templates": rows, "total": len(rows), "variables": dict(VARIABLES)}


@router.get("/templates/{name}", tags=["templates"], summary="One text", dependencies=_READ, responses=_NONE)
def template(name: str, app: App, who: Who) -> Body:
    """What is in force, and what comes with the program."""
    return _template(app.templates.one(who, name))


@router.put(
    "/templates/{name}",
    tags=["templates"],
    summary="Change a text",
    dependencies=_WRITE,
    openapi_extra=described(TemplateTexts),
    responses={**_NONE, **_REFUSED},
)
def change_template(
    name: str, app: App, who: Who, given: Annotated[TemplateTexts, Depends(json_body(TemplateTexts))]
) -> Body:
    """Tried with sample values first.  A text may show values, choose and repeat, and nothing else."""
    return _template(app.templates.change(who, name, given.subject, given.text, given.html))


@router.post(
    "/templates/{name}/reset", tags=["templates"], summary="Reset a text", dependencies=_WRITE, responses=_NONE
)
def reset_template(name: str, app: App, who: Who) -> Body:
    """Back to the one that comes with the program."""
    return _template(app.templates.reset(who, name))


@router.post(
    "/templates/{name}/preview",
    tags=["templates"],
    summary="Preview a text",
    dependencies=_READ,
    openapi_extra=described(TemplateTexts),
    responses={**_NONE, **_REFUSED},
)
def preview_template(
    name: str, app: App, who: Who, given: Annotated[TemplateTexts, Depends(json_body(TemplateTexts))]
) -> Body:
    """The mail with sample values in its places; from texts in the body, or from those in force.  Stores nothing."""
    mail = app.templates.preview(who, name, given.subject, given.text, given.html)
    return {"name": name, "subject": mail.subject, "text": mail.text, "html": mail.html}


def _delivery(message: Message) -> Body:
    return {
        "id": message.ident,
        "channel": message.medium.value,
        "event": message.event or None,
        "subject": message.subject,
        "recipient": message.recipient,
        "state": message.state.value,
        "attempts": message.attempts,
        "created_at": words.when(message.created_at),
        "next_at": words.when(message.next_at) if message.state is MessageState.WAITING else None,
        "finished_at": words.when(message.finished_at),
        "last_error": message.last_error or None,
        "http_status": message.http_status,
    }


def _summary(found: Template) -> Body:
    return {
        "name": found.name,
        "subject": found.texts.subject,
        "customized": found.changed is not None,
        "changed_by": found.changed.changed_by if found.changed else None,
        "changed_at": words.when(found.changed.changed_at) if found.changed else None,
    }


def _template(found: Template) -> Body:
    default = DEFAULTS[found.name]
    return {
        **_summary(found),
        "text": found.texts.text,
        "html": found.texts.html,
        "default": {"subject": default.subject, "text": default.text, "html": default.html},
        "variables": dict(VARIABLES),
    }
