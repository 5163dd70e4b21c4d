"""What people and programs ask about the contents of images."""

from domain.caller import Role
from domain.images.analyses import Analysis
from domain.images.names import ImageName
from resolvers.operation import Call, Effect, operation


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.image")
async def analyse_image(call: Call, *, name: str) -> Analysis:
    """Returns what an image holds: partitions, file systems, what its description says."""
    return await call.station.analyses.get(ImageName.asked(name))
