"""How a page of the dashboard is answered."""

from starlette.responses import Response

from dashboard.pages import Asset


def page_answer(page: Asset) -> Response:
    """Returns the page with its own policy and tag; browsers ask again each time."""
    headers = {
        "Content-Security-Policy": page.content_security_policy,
        "ETag": page.etag,
        "Cache-Control": "no-cache",
        "Vary": "Accept",
    }
    return Response(page.body, headers=headers, media_type=page.content_type)
