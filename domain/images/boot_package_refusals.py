"""Why a boot package is not made or not there (contract images 8)."""

from domain.errors import Invalid, NotFound, Unavailable


class BootPackageNameMissing(Invalid):
    """Nobody said of which image."""

    code = "MISSING_PARAMETER"
    title = "Bad Request"
    meaning = "The request does not say which image it is about."
    remedy = "Give the image's name as `name`; /images/list has all names."


class StyleUnsupported(Invalid):
    """Boards are provisioned in a style that has no boot packages."""

    code = "UNSUPPORTED_PROVISIONING_STYLE"
    title = "Bad Request"
    meaning = "Boot packages are signed boot files; only secure-boot and fde-only have them."
    remedy = "Set PROVISIONING_STYLE to secure-boot, then generate again."


class NotBootable(Invalid):
    """The image is no file that a package can be made of."""

    code = "BOOT_PACKAGE_NOT_POSSIBLE"
    title = "Bad Request"
    meaning = "Boot packages are made of traditional images; an IDP artefact has none."
    remedy = "Name an image that is a file."


class BootPackageNotFound(NotFound):
    """The image has no package."""

    code = "BOOT_PACKAGE_NOT_FOUND"
    title = "Not Found"
    meaning = "No boot package was made of this image."
    remedy = "Generate it: `generateBootPackage` or /generate-boot-package."


class BootPackageUnreadable(Unavailable):
    """The folder of packages cannot be read."""

    code = "BOOT_PACKAGE_CHECK_ERROR"
    title = "Internal Error"
    meaning = "The folder of boot packages cannot be read."
    remedy = "Look at the disk and at the rights of the folder bootimg-output among the images."


class GeneratorNotStarted(Unavailable):
    """systemd did not start the generator."""

    code = "BOOT_PACKAGE_START_ERROR"
    title = "Boot Package Not Started"
    meaning = "systemd does not answer, does not know the generator's unit, or refuses to start it."
    remedy = "Look at /readyz; `systemctl status` of the unit that the message names tells more."
