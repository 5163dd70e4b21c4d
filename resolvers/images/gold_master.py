"""What people and programs ask about the gold master, and how they choose it."""

from domain.caller import Role
from domain.images.gold_master_choice import Selected, Terms
from domain.images.gold_master_preflight import Preflight
from domain.images.names import ImageName
from resolvers.operation import Call, Effect, operation


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.image")
async def preflight_gold_master(call: Call, *, name: str, terms: Terms) -> Preflight:
    """Returns what would be found if an image were selected."""
    return await call.station.gold_master.preflight(ImageName.asked(name), terms)


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.selectGoldMaster")
async def select_gold_master(call: Call, *, name: str, terms: Terms) -> Selected:
    """Makes an image the one that boards are provisioned with."""
    return await call.station.gold_master.select(
        ImageName.asked(name), terms, note=call.file_access
    )


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.clearGoldMaster")
async def clear_gold_master(call: Call) -> str:
    """Selects no image, and returns the path of the one before."""
    return await call.station.gold_master.clear(note=call.file_access)
