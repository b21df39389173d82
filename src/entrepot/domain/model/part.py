"""What all sections of the settings document are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Short = Annotated[str, Field(max_length=500)]


class Part(BaseModel):
    """A section: frozen, strict about names."""

    model_config = ConfigDict(extra="forbid", frozen=True)
