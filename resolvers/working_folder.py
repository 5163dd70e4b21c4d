"""What people and programs ask about the working folder, and when it is emptied by hand."""

from domain.caller import Role
from domain.configuration.workdir import Cleared, WorkdirView
from resolvers.operation import Call, Effect, operation


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.workingFolder")
async def get_working_folder(call: Call) -> WorkdirView:
    """Returns the size and the age of what is prepared."""
    return await call.station.working_folder.view()


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.clearWorkingFolder")
async def clear_working_folder(call: Call) -> Cleared:
    """Empties the folder."""
    return await call.station.working_folder.clear(note=call.file_access)
