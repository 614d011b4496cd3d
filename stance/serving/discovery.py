"""The discovery document of the Perspective API, from which clients are built.

References
----------
https://developers.google.com/discovery/v1/reference/apis for the format.
"""

import copy
from typing import Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import JSONResponse, Response

from stance.serving.perspective_models import document
from stance.serving.routes import ERRORS

VERSION = "v1alpha1"
router = APIRouter(tags=["Perspective API"])


def discovery_document(root: str) -> dict[str, Any]:
    """Return the document of a server.

    Parameters
    ----------
    root : str
        The URL that the server is reached at, with a slash at its end.
    """
    return {**copy.deepcopy(document()), "rootUrl": root, "baseUrl": root}


@router.get(
    "/$discovery/rest",
    summary="The document that clients are built from",
    response_model=None,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}, **ERRORS},
)
async def rest(request: Request, version: str = Query(default=VERSION)) -> Response:
    """Return the discovery document, with the address that the request came to."""
    if version != VERSION:
        raise HTTPException(400, f"version: expected {VERSION}")
    return JSONResponse(discovery_document(str(request.base_url)))
