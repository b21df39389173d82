"""Several processes of one server: one works, the others answer; a line joins their services."""

from __future__ import annotations

import socket

from entrepot.adapters.siblings.desk import Desk
from entrepot.adapters.siblings.line import Line
from entrepot.adapters.siblings.words import Place, Present, Switched
from entrepot.application import Application
from entrepot.domain.model.suite import SuiteId
from entrepot.services.publish.gathering import Gathering
from entrepot.services.publish.presence import Presence
from entrepot.services.publish.service import Published


def work_for_others(application: Application, listener: socket.socket) -> Desk:
    """Of the process that works: goals come in, switches go out, publications wait for crowds that are elsewhere."""
    presence = Presence()

    def note(process: int, present: Present) -> None:
        told = presence.note_arriving if present.place is Place.ARRIVING else presence.note_waiting
        told(process, present.suite_id, present.count)

    desk = Desk(listener, application.queue.submit, note, presence.forget)

    def tell(published: Published) -> None:
        if published.generation is not None:
            desk.tell(Switched(published.suite_id, published.revision, published.generation))

    application.publisher.on_switch(tell)
    Gathering(presence, presence).gather(application.publisher)
    return desk


def leave_work_to_another(application: Application, line: Line) -> None:
    """Of a process that answers: who waits for a publication is woken by a word; the line is called."""

    def arriving(suite_id: SuiteId, count: int) -> None:
        line.note(Present(suite_id, Place.ARRIVING, count))

    def waiting(suite_id: SuiteId, count: int) -> None:
        line.note(Present(suite_id, Place.WAITING, count))

    def hear(switched: Switched) -> None:
        done = Published(switched.suite_id, switched.revision, changed=True, generation=switched.generation)
        application.publications.wake(done)

    application.intake.arrivals.report(arriving)
    application.publications.report(waiting)
    application.keeper.rely(line.ready)
    line.start(hear)
