"""What changes in the city, told while it happens."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from api.dependencies import CityParam, LastEventParam, Nothing
from api.pushed import MEDIA_TYPE
from twin.changes import Change, Position, since

router = APIRouter()


@router.get("/events", dependencies=[Nothing])
async def events(request: Request, city: CityParam, last: LastEventParam) -> Response:
    """Stream each commit's changed layers, features and boxes as server-sent events."""
    state = request.app.state
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if request.scope.get("bodiless"):
        return Response(headers=headers, media_type=MEDIA_TYPE)

    def replay(position: Position, most: int) -> Sequence[Change]:
        with state.readers() as session:
            return since(session, position, most=most)

    stream = state.pushed.stream(last, lambda: state.tiles.position, replay, city.frame)
    return StreamingResponse(stream, headers=headers, media_type=MEDIA_TYPE)
