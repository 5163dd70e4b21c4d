"""What people and programs ask about boot packages, and have made."""

from collections.abc import AsyncGenerator

from domain.caller import Role
from domain.events import Update
from domain.images.boot_package_files import OpenPackage
from domain.images.boot_package_states import BootPackageState
from resolvers.operation import Call, Effect, operation, watch


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.image")
async def get_boot_package(call: Call, *, name: str) -> BootPackageState:
    """Returns how it stands with an image's boot package."""
    return await call.station.boot_packages.state(name)


@operation(role=Role.OPERATOR, effect=Effect.CHANGE, graphql="Mutation.generateBootPackage")
async def generate_boot_package(call: Call, *, name: str) -> BootPackageState:
    """Has an image's boot package made, again if there is one."""
    return await call.station.boot_packages.generate(name, note=call.file_access)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.image")
async def open_boot_package(call: Call, *, name: str) -> OpenPackage:
    """Returns an image's boot package, open."""
    return await call.station.boot_packages.open(name, note=call.file_access)


@watch(role=Role.VIEWER, graphql="Subscription.bootPackageProgress")
def watch_boot_package(call: Call, *, name: str) -> AsyncGenerator[Update[BootPackageState], None]:
    """Yields how it stands with an image's boot package, then each change."""
    return call.station.boot_packages.watch(name)
