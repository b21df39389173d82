"""How an upload ends for the client that waits for it."""

from __future__ import annotations

import asyncio
import time

from entrepot.application import Application
from entrepot.domain.model.generation import Generation
from entrepot.services.intake.receipts import Receipt, ReceiptStatus

_FIRST_LOOK_SECONDS, _LAST_LOOK_SECONDS = 0.03, 0.5


async def conclusion(app: Application, receipt: Receipt, seconds: int) -> tuple[Receipt, Generation | None]:
    """Wait until clients can install what was accepted; no generation when that takes longer.

    What is being inspected is waited for as well, unless a scanner is away.
    """
    deadline = time.monotonic() + seconds
    if receipt.status is ReceiptStatus.INSPECTING:
        receipt = await _verdict(app, receipt, deadline)
    if receipt.status not in (ReceiptStatus.ACCEPTED, ReceiptStatus.DUPLICATE) or receipt.revision is None:
        return receipt, None
    left = max(0.0, deadline - time.monotonic())
    return receipt, await app.publications.until(receipt.suite.id, receipt.revision, left)


async def _verdict(app: Application, receipt: Receipt, deadline: float) -> Receipt:
    pause = _FIRST_LOOK_SECONDS
    while receipt.status is ReceiptStatus.INSPECTING and receipt.admission_id is not None:
        if time.monotonic() + pause > deadline or app.inspector.paused():
            break
        await asyncio.sleep(pause)
        pause = min(_LAST_LOOK_SECONDS, pause * 1.5)
        receipt = await asyncio.to_thread(app.intake.receipt, receipt.admission_id)
    return receipt


def status_of(receipt: Receipt, generation: Generation | None) -> int:
    """The HTTP status (contract 4.4)."""
    match receipt.status:
        case ReceiptStatus.REFUSED:
            return 422
        case ReceiptStatus.HELD:
            return 201
        case ReceiptStatus.INSPECTING:
            return 202
        case ReceiptStatus.DUPLICATE:
            return 200 if generation is not None else 202
        case ReceiptStatus.ACCEPTED:
            return 201 if generation is not None else 202
