"""GET /static/{name}: scripts and stylesheets, which browsers keep for good.

Their names change with their content, so that no browser ever needs to ask again.
"""

from aiohttp import web

from ingest.http.encoded import takes_gzip
from ingest.web.assets import assets, by_served_name

_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


async def show_asset(request: web.Request) -> web.Response:
    """A script or stylesheet, compressed where the client takes that."""
    asset = by_served_name().get(request.match_info["name"])
    if asset is None:
        raise web.HTTPNotFound
    headers, body = dict(_HEADERS), asset.body
    if takes_gzip(request):
        headers["Content-Encoding"], body = "gzip", asset.compressed
    return web.Response(body=body, content_type=asset.media_type, charset="utf-8", headers=headers)


def asset_path(name: str) -> str | None:
    """The path of an asset by its plain name, such as `docs.css`; None where it is missing."""
    asset = assets().get(name)
    return None if asset is None else f"/static/{asset.name}"
