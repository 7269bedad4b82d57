"""The map page: files that the browser loads, from the service itself."""

from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.responses import RedirectResponse
from starlette.staticfiles import StaticFiles

from api import html
from api.links import base
from api.render import page


def install(app: FastAPI, folder: Path) -> None:
    """Serve the built map page under ``/map/``, or say how to build it."""
    app.add_api_route("/map", _to_the_map, methods=["GET"])
    if (folder / "index.html").is_file():
        app.mount("/map", StaticFiles(directory=folder, html=True))
    else:
        app.add_api_route("/map/{path:path}", _not_built, methods=["GET"])


async def _to_the_map(request: Request) -> Response:
    return RedirectResponse(f"{base(request)}/map/", status_code=308)


async def _not_built(request: Request, path: str) -> Response:
    said = html.message(
        base(request),
        zh="地图页面尚未构建",
        en="The map page is not built yet",
        detail_zh="请用 ./run 启动服务（会自动构建），或在 web 目录运行 npm ci && npm run build。",
        detail_en="Start the service by ./run, or run npm ci && npm run build in the folder web.",
    )
    return page(request, said)
