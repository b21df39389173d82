"""The part of the client about mail and webhooks: what became of them, and their texts."""

from __future__ import annotations

from entrepot.client.answers import shaped
from entrepot.client.answers_overview import Deliveries, Delivery, Template, TemplatePreview, Templates
from entrepot.client.segments import segment
from entrepot.client.wire import Wire, given, sent

_PER_PAGE = 200


class Notifications:
    """``Client.notifications``; needs an administrator."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def deliveries(
        self,
        page: int = 1,
        per_page: int = _PER_PAGE,
        *,
        channel: str | None = None,
        state: str | None = None,
        event: str | None = None,
    ) -> Deliveries:
        """``GET /notifications/deliveries``, one page, newest first.

        ``channel`` is mail or webhook, ``state`` is waiting, sent or failed.
        """
        params = given(channel=channel, state=state, event=event, page=page, per_page=per_page)
        return shaped(self._wire("GET", "/notifications/deliveries", params), Deliveries, items=list, total=int)

    def redeliver(self, ident: str) -> Delivery:
        """``POST /notifications/deliveries/{id}/redeliver``."""
        return shaped(self._wire("POST", f"/notifications/deliveries/{segment(ident)}/redeliver"), Delivery, id=str)


class TemplatesTheme:
    """``Client.templates``: texts of mails, one for each event.  Where a text is none, the one in force stays."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def all(self) -> Templates:
        """``GET /templates``."""
        return shaped(self._wire("GET", "/templates"), Templates, templates=list)

    def one(self, name: str) -> Template:
        """``GET /templates/{name}``."""
        return shaped(self._wire("GET", f"/templates/{segment(name)}"), Template, name=str, text=str)

    def change(
        self, name: str, *, subject: str | None = None, text: str | None = None, html: str | None = None
    ) -> Template:
        """``PUT /templates/{name}``: tried with sample values first."""
        payload = sent(subject=subject, text=text, html=html)
        return shaped(self._wire("PUT", f"/templates/{segment(name)}", payload=payload), Template, name=str, text=str)

    def reset(self, name: str) -> Template:
        """``POST /templates/{name}/reset``: back to the one that comes with the program."""
        return shaped(self._wire("POST", f"/templates/{segment(name)}/reset"), Template, name=str, text=str)

    def preview(
        self, name: str, *, subject: str | None = None, text: str | None = None, html: str | None = None
    ) -> TemplatePreview:
        """``POST /templates/{name}/preview``: with sample values; stores nothing."""
        payload = sent(subject=subject, text=text, html=html)
        body = self._wire("POST", f"/templates/{segment(name)}/preview", payload=payload)
        return shaped(body, TemplatePreview, subject=str, text=str)
