"""Typer's commands with a help that reads well: flowing paragraphs, and no type beside a switch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


def flowing(text: str | None) -> str | None:
    """The lines of each paragraph joined; Typer breaks them where the source does."""
    if text is None:
        return None
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def readable(params: list[Any]) -> list[Any]:
    """Parameters of which the switches show no type: a ``<bool>`` looks like a value that has to be given."""
    for param in params:
        if getattr(param, "is_flag", False) and param.metavar is None:
            param.metavar = ""
    return params


class Command(TyperCommand):
    """One command."""

    def __init__(self, name: str | None, **attributes: Any) -> None:
        super().__init__(name, **attributes)
        self.help = flowing(self.help)

    def get_params(self, ctx: Any) -> list[Any]:
        """Options and arguments, made readable."""
        return readable(super().get_params(ctx))


class Group(TyperGroup):
    """A command of commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        """As ``Command.get_params``."""
        return readable(super().get_params(ctx))


class Commands(typer.Typer):
    """A Typer application made of these."""

    def __init__(self, *, cls: type[TyperGroup] = Group, **attributes: Any) -> None:
        super().__init__(cls=cls, **attributes)

    def command(self, name: str | None = None, **attributes: Any) -> Callable[[Any], Any]:
        """Register a function as a command."""
        return super().command(name, **({"cls": Command} | attributes))
