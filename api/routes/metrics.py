"""What the service counted, for Prometheus."""

from fastapi import APIRouter, Request, Response

from api.dependencies import Nothing
from api.metrics import MEDIA_TYPE, text_of

router = APIRouter()


@router.get("/metrics", dependencies=[Nothing])
async def metrics(request: Request) -> Response:
    """Return what all processes of the service counted."""
    samples = request.app.state.desk.samples()
    return Response(text_of(samples), headers={"Cache-Control": "no-store"}, media_type=MEDIA_TYPE)
