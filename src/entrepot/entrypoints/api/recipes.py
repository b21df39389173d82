"""What recipes of images install (contract 4.5)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, StrictStr

from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.limits import Limited
from entrepot.services.imports.importing import MOST_ASKED
from entrepot.services.imports.recipes import Availability, Ingredient, Recipe

router = APIRouter(tags=["import"], prefix="/import")

Body = dict[str, Any]
_MOST_BODY_BYTES = 4 << 20  # half a million characters, each as six of JSON, and some


class RecipeRequest(BaseModel):
    """A Dockerfile as it is."""

    content: StrictStr = Field(examples=["FROM ubuntu:22.04\nRUN apt-get update && apt-get install -y curl\n"])
    distribution: StrictStr | None = Field(
        None, max_length=200, description="Where to look for all of it, instead of that of the base image"
    )


@router.post(
    "/analyze-dockerfile",
    summary="What a Dockerfile installs, and where it can be had",
    dependencies=[Depends(requiring(Permission.IMPORT_FETCH)), Depends(Limited("import"))],
    openapi_extra=described(RecipeRequest),
    responses={400: {"description": "It is empty, larger than 500 kB, or installs more than 500 packages"}},
)
def analyze_dockerfile(
    app: App, who: Who, given: Annotated[RecipeRequest, Depends(json_body(RecipeRequest, _MOST_BODY_BYTES))]
) -> Body:
    """It is read, not run: what only a run could name is in ``unresolved``.

    ``import_batches`` are bodies for ``POST /import/batch`` that bring what is importable.
    """
    return recipe_words(app.recipes.read(who, given.content, given.distribution or ""))


def recipe_words(recipe: Recipe) -> Body:
    """In the words of the contract, and more."""
    rows = [_ingredient_words(each) for each in recipe.ingredients]
    importable, unknown = (recipe.count(each) for each in (Availability.IMPORTABLE, Availability.UNKNOWN))
    wanted = [_item(each) for each in recipe.ingredients if each.status is Availability.IMPORTABLE]
    return {
        "packages_found": rows,
        "total": len(rows),
        "available": recipe.count(Availability.AVAILABLE),
        "missing": importable + unknown,
        "importable": importable,
        "unknown": unknown,
        "distribution": recipe.distribution or None,
        "base_image": {
            "image": recipe.base.image,
            "pkg_manager": recipe.base.manager or None,
            "distribution": next(iter(recipe.base.distributions), None),
        },
        "stages": [
            {"name": each.name, "image": each.base.image, "pkg_manager": each.base.manager or None}
            for each in recipe.stages
        ],
        "unresolved": [
            {"text": each.text, "pkg_manager": each.manager, "command": each.command} for each in recipe.riddles
        ],
        "import_batches": [
            {"packages": wanted[start : start + MOST_ASKED]} for start in range(0, len(wanted), MOST_ASKED)
        ],
    }


def _ingredient_words(each: Ingredient) -> Body:
    upstream = None
    if each.choice is not None:
        package, source = each.choice.package, each.choice.source
        upstream = {
            "version": package.key.version,
            "arch": package.key.architecture,
            "section": package.section,
            "size": package.size_bytes,
            "source_id": source.name,
            "distribution": source.distribution,
        }
    return {
        "name": each.name,
        "version": each.version or None,
        "arch": each.wish.architecture or None,
        "status": each.status.value,
        "pkg_manager": each.wish.manager,
        "command": each.wish.command,
        "stage": each.stage,
        "distribution": each.distribution or None,
        "upstream_info": upstream,
    }


def _item(each: Ingredient) -> Body:
    """As an import is asked for; without a distribution where there is none here of that name."""
    item: Body = {"name": each.name}
    if each.choice is not None:
        item["source_id"] = each.choice.source.name
        if each.version:
            item["version"] = each.choice.package.key.version
        if each.choice.suite is not None:
            item["distribution"] = each.choice.suite.codename
    if each.wish.architecture:
        item["arch"] = each.wish.architecture
    return item
