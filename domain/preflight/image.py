"""The gold master as boards will get it: the image's own preflight, told among all the rest."""

from collections.abc import Iterator, Mapping

from domain.errors import Invalid, NotFound
from domain.images.gold_master import VARIABLE
from domain.images.gold_master_choice import GoldMasterChoice
from domain.images.gold_master_preflight import Preflight as ImagePreflight
from domain.images.gold_master_preflight import Topic as ImageTopic
from domain.images.image import Image
from domain.images.images import Images
from domain.images.names import ImageName
from domain.images.store_folder import ImageUnreadable, StoreSpace
from domain.preflight.findings import Finding, Outcome, Topic


class ImageLook:
    """Looks at the image that the configuration names."""

    def __init__(self, images: Images, choice: GoldMasterChoice) -> None:
        self._images = images
        self._choice = choice

    async def find(self, path: str) -> Image | None:
        """Returns the image at this path, None where it is not in the store."""
        try:
            name = ImageName.asked(path.rpartition("/")[2])
            image = await self._images.get(name)
        except (Invalid, NotFound, ImageUnreadable):
            return None
        return image if image.path == path else None

    async def space(self) -> StoreSpace:
        """Returns the room in the store."""
        return await self._images.space()

    async def findings(self, image: Image | None, values: Mapping[str, str]) -> list[Finding]:
        """Returns what speaks against boards being made with it; raises `ImageUnreadable` and
        `ImageNotFound`."""
        path = values.get(VARIABLE, "")
        if image is not None:
            return list(_told(await self._choice.preflight(image.name), values))
        if not path:
            # The settings' own check says so.
            return []
        because = f"The gold master {path} does not lie in the image store, so nobody examined it."
        remedy = "Upload it to the store and select it there."
        return [Finding(Topic.IMAGE, Outcome.WARNING, because, remedy, (VARIABLE,))]


def _told(preflight: ImagePreflight, values: Mapping[str, str]) -> Iterator[Finding]:
    for finding in preflight.findings:
        if finding.variable and not values.get(finding.variable):
            # What is not set at all, the settings' own check says.
            continue
        outcome = Outcome.FAILED if finding.blocks else Outcome.WARNING
        topic = Topic.SPACE if finding.topic is ImageTopic.SPACE else Topic.IMAGE
        variables = (finding.variable,) if finding.variable else (VARIABLE,)
        yield Finding(topic, outcome, finding.because, finding.remedy, variables)
