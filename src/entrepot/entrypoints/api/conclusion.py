"""How an upload ends for the client that waits for it."""

from __future__ import annotations

from entrepot.application import Application
from entrepot.domain.model.generation import Generation
from entrepot.services.intake.receipts import Receipt, ReceiptStatus


async def conclusion(app: Application, receipt: Receipt, seconds: int) -> tuple[Receipt, Generation | None]:
    """Wait until clients can install what was accepted; no generation when that takes longer."""
    if receipt.status not in (ReceiptStatus.ACCEPTED, ReceiptStatus.DUPLICATE) or receipt.revision is None:
        return receipt, None
    return receipt, await app.publications.until(receipt.suite.id, receipt.revision, seconds)


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
