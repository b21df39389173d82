"""Upload a package and hear of every step (contract 4.4, ``POST /upload/stream``).

The stream begins when the whole file has arrived: what is wrong before is answered as by ``POST /upload/``.  From then
on the upload belongs to the server; a client that leaves loses the rest of the story, not the upload.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.storage.base import BlobWriter
from entrepot.application import Application
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.conclusion import conclusion, status_of
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.limits import Limited
from entrepot.entrypoints.api.problems import problem
from entrepot.entrypoints.api.streams import HEADERS
from entrepot.entrypoints.api.upload import FORM, Form, receive_form, request_of
from entrepot.entrypoints.api.upload_steps import (
    after_checks,
    after_publication,
    before_publication,
    contract_name,
    step_words,
)
from entrepot.entrypoints.observation import Observation
from entrepot.errors import CatalogUnavailable, EntrepotError, JobFailed
from entrepot.services.intake.receipts import Receipt, ReceiptStatus, UploadRequest
from entrepot.services.intake.steps import Step, StepStatus

_log = structlog.get_logger(__name__)

router = APIRouter(tags=["upload"])

Told = tuple[str, dict[str, Any]]
_HEARTBEAT_SECONDS = 15.0
_LOOK_SECONDS = 0.25
_MOST_STEPS = 10_000
_running: set[asyncio.Task[None]] = set()
"""The event loop itself keeps no task alive."""


@router.post(
    "/upload/stream",
    summary="Upload a package and watch its steps",
    dependencies=[Depends(requiring(Permission.PACKAGE_UPLOAD)), Depends(Limited("upload"))],
    openapi_extra=FORM,
    response_class=Response,
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "Server-sent events: `step`, as often as something happens, then `result`",
        }
    },
)
async def upload_stream(request: Request, app: App, who: Who) -> Response:
    """The same form as `POST /upload/`; the answer begins when the file has arrived.

    `event: step` has `name`, `label`, `status` (running, done, warn, error), `message` and `detail`.  `event: result`
    has the body that `POST /upload/` would have, also of a refusal, and its status as `status_code`; the last line is
    `data: done`.  Whoever leaves early finds the upload in the catalog all the same.
    """
    state = request.app.state
    with ExitStack() as staging:
        writer = staging.enter_context(app.intake.stage())
        form = Form(writer, state.max_upload_bytes)
        await receive_form(request, form)
        asked = replace(request_of(form), watched=True)
        story = _Story(app, who, asked, state.publish_wait_seconds, state.observation)
        task = asyncio.create_task(story.unfold(writer, staging.pop_all()))
    _running.add(task)
    task.add_done_callback(_running.discard)
    return StreamingResponse(story.events(), media_type="text/event-stream", headers=HEADERS)


@dataclass(slots=True)
class _Story:
    """What happens to one file that has arrived."""

    app: Application
    who: Actor
    asked: UploadRequest
    wait_seconds: int
    observation: Observation
    told: asyncio.Queue[Told | None] = field(default_factory=lambda: asyncio.Queue(_MOST_STEPS))
    seen: set[str] = field(default_factory=set)
    index: int = 0

    async def events(self) -> AsyncIterator[bytes]:
        """As they come, with heartbeats between."""
        while True:
            try:
                found = await asyncio.wait_for(self.told.get(), _HEARTBEAT_SECONDS)
            except TimeoutError:
                yield b": heartbeat\n\n"
                continue
            if found is None:
                yield b"data: done\n\n"
                return
            kind, data = found
            yield f"event: {kind}\ndata: {json.dumps(data, default=str)}\n\n".encode()

    async def unfold(self, writer: BlobWriter, staging: ExitStack) -> None:
        """All of it, whether somebody listens or not; the staged file goes when it ends."""
        try:
            with staging:
                size = f"{writer.size_bytes} bytes"
                self.tell(Step("reception", StepStatus.DONE, size, await run_in_threadpool(writer.digest)))
                self.tell(Step("validation", StepStatus.RUNNING))
                receipt = await run_in_threadpool(
                    self.app.intake.receive, self.who, writer, self.asked, self._from_thread()
                )
            self.observation.upload(receipt.status.value)
            await self._conclude(receipt)
        except EntrepotError as error:
            self._refuse(error)
        except Exception:  # noqa: BLE001 - the story has an end in any case
            _log.exception("upload.stream_failed")
            self._refuse(JobFailed("the upload failed for an unknown reason"))
        finally:
            self._put(None)

    def tell(self, step: Step) -> None:
        """One step, to whoever listens."""
        self.seen.add(contract_name(step.name))
        self._put(("step", step_words(step)))

    def _from_thread(self) -> Any:
        loop = asyncio.get_running_loop()

        def report(step: Step) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the program ends
                loop.call_soon_threadsafe(self.tell, step)

        return report

    async def _conclude(self, receipt: Receipt) -> None:
        deadline = time.monotonic() + self.wait_seconds
        if receipt.status is ReceiptStatus.INSPECTING:
            receipt = await self._inspected(receipt, deadline)
        for step in after_checks(receipt, self.seen):
            self.tell(step)
        published = receipt.status in {ReceiptStatus.ACCEPTED, ReceiptStatus.DUPLICATE} and receipt.revision is not None
        if published:
            for step in before_publication(receipt):
                self.tell(step)
        receipt, generation = await conclusion(self.app, receipt, max(0, round(deadline - time.monotonic())))
        if published:
            for step in after_publication(receipt, generation):
                self.tell(step)
        body = words.upload_body(receipt, generation, waiting=receipt.status is not ReceiptStatus.INSPECTING)
        self._put(("result", {**body, "job_id": receipt.job, "status_code": status_of(receipt, generation)}))

    async def _inspected(self, receipt: Receipt, deadline: float) -> Receipt:
        """Tell what workers say of its inspection, until it has a verdict, a scanner is away, or time is up."""
        job = receipt.job
        while receipt.status is ReceiptStatus.INSPECTING and receipt.admission_id is not None:
            with contextlib.suppress(CatalogUnavailable):
                receipt = await run_in_threadpool(self.app.intake.receipt, receipt.admission_id)
                await self._tell_job(replace(receipt, job=job))
            if receipt.status is ReceiptStatus.INSPECTING:
                if time.monotonic() > deadline or self.app.inspector.paused():
                    break
                await asyncio.sleep(_LOOK_SECONDS)
        return replace(receipt, job=job)

    async def _tell_job(self, receipt: Receipt) -> None:
        while receipt.job is not None:
            _, events = await run_in_threadpool(self.app.job_board.events, self.who, receipt.job, self.index)
            for event in events:
                self.index = event.index + 1
                if (step := Step.from_json(event.data)) is not None:
                    self.tell(step)
            if not events:
                return

    def _refuse(self, error: EntrepotError) -> None:
        answer = problem(error)
        body = json.loads(bytes(answer.body))
        self.tell(Step("validation", StepStatus.ERROR, str(body.get("detail"))))
        self._put(("result", {**body, "status_code": answer.status_code}))

    def _put(self, told: Told | None) -> None:
        with contextlib.suppress(asyncio.QueueFull):  # somebody who does not read; the last word always has room
            if told is None or self.told.qsize() < _MOST_STEPS - 2:
                self.told.put_nowait(told)
