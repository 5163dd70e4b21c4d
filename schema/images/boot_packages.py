"""Boot packages as GraphQL clients see them, and have them made."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

import strawberry

from domain.images.boot_package_states import BootPackageState, BootPackageStatus
from resolvers.images.boot_packages import (
    generate_boot_package,
    get_boot_package,
    watch_boot_package,
)
from resolvers.parts import part_of
from schema.context import Info, who
from schema.enums import describe_enum
from schema.errors import Problem, Problems
from schema.images.analysis import Named
from schema.scalars import Long

describe_enum(
    BootPackageStatus,
    description="How it stands with the boot package of an image.",
    values={
        BootPackageStatus.UNSUPPORTED: "Boards are provisioned in a style that has none.",
        BootPackageStatus.NOT_FOUND: "None was made.",
        BootPackageStatus.GENERATING: "It is being made.",
        BootPackageStatus.AVAILABLE: "It can be downloaded.",
        BootPackageStatus.FAILED: "The generator's last run made none; the reason tells why.",
    },
)


@strawberry.type(description="A Debian package with signed boot files of an image.")
class BootPackageFile:
    """A package."""

    name: str = strawberry.field(description="The file's name.")
    path: str = strawberry.field(description="Where it is on the station.")
    version: str | None = strawberry.field(
        description="Its version; null where the generator's note does not say it."
    )
    size_bytes: Long = strawberry.field(description="Its size.")
    made_at: datetime = strawberry.field(description="When it was last written.")
    is_current: bool | None = strawberry.field(
        description="Whether it was made of the image as it is now; null where that is not known."
    )
    url: str = strawberry.field(description="The path to GET on this service, also in ranges.")


@strawberry.type(description="How it stands with the boot package of an image.")
class BootPackage:
    """A package's state."""

    image: str = strawberry.field(description="The image's name.")
    state: BootPackageStatus = strawberry.field(description="How it stands.")
    package: BootPackageFile | None = strawberry.field(
        description="The package that there is, also while another one is made or could not be; "
        "null when there is none."
    )
    reason: str | None = strawberry.field(
        description="Why, in a sentence; null unless UNSUPPORTED or FAILED."
    )
    since: datetime | None = strawberry.field(
        description="When the generator began, or failed; null unless GENERATING or FAILED."
    )


@strawberry.type(description="How it stands with one boot package at one moment.")
class BootPackageProgress:
    """One frame of `bootPackageProgress`."""

    sequence: int = strawberry.field(description="Grows with each frame; gaps are normal.")
    snapshot: bool = strawberry.field(
        description="True for the first frame, and after the client was too slow."
    )
    boot_package: BootPackage = strawberry.field(description="How it stands now.")


@strawberry.input(description="Of which image to make the boot package.")
class GenerateBootPackageInput:
    """Input of `generateBootPackage`."""

    name: str = strawberry.field(description="The image's name.")


GenerateBootPackageResult = Annotated[
    BootPackage | Problem,
    strawberry.union(
        "GenerateBootPackageResult", description="The package that is being made, or why not."
    ),
]


def boot_package_of(state: BootPackageState) -> BootPackage:
    """Returns a package's state as clients see it."""
    return BootPackage(
        image=state.image,
        state=state.status,
        package=_file(state),
        reason=state.reason,
        since=state.since,
    )


def _file(state: BootPackageState) -> BootPackageFile | None:
    package = state.package
    if package is None:
        return None
    return BootPackageFile(
        name=package.name,
        path=package.file.path,
        version=package.version,
        size_bytes=Long(package.file.size),
        made_at=package.file.modified_at,
        is_current=state.is_current,
        url=f"/download-boot-package?name={quote(state.image, safe='')}",
    )


async def boot_package_of_image(root: strawberry.Parent[Named], info: Info) -> BootPackage | None:
    """Resolves the boot package of an image."""
    name = root.name
    state = await part_of(
        get_boot_package.policy, *who(info), lambda call: get_boot_package.perform(call, name=name)
    )
    return boot_package_of(state)


@strawberry.type
class BootPackageMutations:
    """Changes of boot packages."""

    @strawberry.mutation(
        description="Has the boot package of an image made, again if there is one; "
        "bootPackageProgress tells when it is there or failed (role operator).",
        extensions=[Problems()],
    )
    async def generate_boot_package(
        self,
        info: Info,
        input: Annotated[GenerateBootPackageInput, strawberry.argument(description="Which image.")],
    ) -> GenerateBootPackageResult:
        """Begins."""
        return boot_package_of(await generate_boot_package(*who(info), name=input.name))


@strawberry.type
class BootPackageSubscriptions:
    """What one can watch of boot packages."""

    @strawberry.subscription(
        description="How it stands with the boot package of an image, then each change: being "
        "made, there, or failed with the reason. The image need not exist."
    )
    async def boot_package_progress(
        self, info: Info, name: Annotated[str, strawberry.argument(description="The image's name.")]
    ) -> AsyncGenerator[BootPackageProgress, None]:
        """Yields frames."""
        updates = watch_boot_package(*who(info), name=name)
        try:
            async for update in updates:
                yield BootPackageProgress(
                    sequence=update.sequence,
                    snapshot=update.snapshot,
                    boot_package=boot_package_of(update.value),
                )
        finally:
            await updates.aclose()
