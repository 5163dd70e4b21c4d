"""The legacy route of an image's analysis (contract images 6)."""

from starlette.responses import Response

from domain.images.analyses import Analysis
from domain.images.artefacts import Artefact
from domain.images.disks import Disk, DiskPartition
from domain.images.image import ImageKind
from domain.images.names import ImageNameMissing, ImageNotFound
from domain.images.store_folder import ImageUnreadable
from resolvers.images.analysis import analyse_image
from rest_compat.encoding import json_answer
from rest_compat.images.images import NAME, TEXT, name_of
from rest_compat.route import Answer, Fault, Json, Route, Schema, served


def _analysis(found: Analysis) -> Response:
    told: dict[str, Json] = {"name": found.name.text, "path": found.path}
    return json_answer(told | analysis_of(found))


def analysis_of(found: Analysis) -> dict[str, Json]:
    """Returns an analysis without name and path, as uploads of artefacts answer it too (contract
    images 4.4)."""
    told: dict[str, Json] = {"type": found.kind.value}
    if found.error is not None:
        return told | {"error": found.error}
    if found.artefact is not None:
        return told | _artefact(found.artefact)
    return told | _disk(found.disk) if found.disk is not None else told


def _artefact(artefact: Artefact) -> dict[str, Json]:
    """Returns the members of contract images 6.1; what the description does not say is absent."""
    told, said = artefact.descriptor, artefact.descriptor.map
    named: dict[str, Json] = {
        "device_class_raw": told.device_class,
        "device_class": told.family,
        "storage_type_raw": told.storage_type,
        "storage_type": told.storage_type,
        "image_version": told.image_version,
        "image_name": told.image_name,
        "cipher": said.cipher,
    }
    members: dict[str, Json] = {
        "schema_valid": told.is_valid,
        "encryption": bool(said.encryptions),
        "simg_file_count": artefact.file_count,
    }
    if not told.is_valid:
        members["schema_errors"] = [
            {"path": fault.path, "description": fault.description} for fault in told.faults
        ]
    if told.partitions is not None:
        members["partition_count"] = len(told.partitions)
    return members | {name: value for name, value in named.items() if value is not None}


def _disk(disk: Disk) -> dict[str, Json]:
    """Returns the old member `size_bytes` and ours behind it (design 2.1: a superset)."""
    return {
        "size_bytes": disk.size_bytes,
        "size_is_multiple_of_512": disk.is_whole_sectors,
        "contents": disk.contents.value,
        "partition_table": disk.table.kind.value if disk.table else None,
        "partition_count": len(disk.partitions),
        "partitions": [_partition(one) for one in disk.partitions],
        "boot_partition": disk.boot.partition.number if disk.boot else None,
        "root_partition": disk.root.partition.number if disk.root else None,
        "faults": [{"code": one.kind.value, "description": one.sentence} for one in disk.faults],
    }


def _partition(one: DiskPartition) -> dict[str, Json]:
    return {
        "number": one.partition.number,
        "start_bytes": one.partition.start,
        "size_bytes": one.partition.size,
        "type": one.partition.type,
        "file_system": one.file_system.kind.value,
        "label": one.file_system.label,
    }


NUMBER: Schema = {"type": "integer"}
ANALYSIS: Schema = {
    "type": "object",
    "required": ["name", "path", "type"],
    "properties": {
        "name": TEXT,
        "path": TEXT,
        "type": {"enum": [kind.value for kind in ImageKind]},
        "error": {
            "type": "string",
            "description": "Why nothing is known of an artefact; then all else is absent.",
        },
        "size_bytes": {"type": "integer", "description": "Of a traditional image."},
        "size_is_multiple_of_512": {"type": "boolean"},
        "contents": {"type": "string", "description": "What the file is, such as `disk`."},
        "partition_table": {"type": ["string", "null"], "description": "`mbr`, `gpt` or null."},
        "partitions": {"type": "array", "items": {"type": "object"}},
        "boot_partition": {"type": ["integer", "null"]},
        "root_partition": {"type": ["integer", "null"]},
        "faults": {"type": "array", "items": {"type": "object"}},
        "schema_valid": {"type": "boolean", "description": "Of an artefact, as all below."},
        "schema_errors": {"type": "array", "items": {"type": "object"}},
        "device_class_raw": TEXT,
        "device_class": {"type": "string", "description": "As RPI_DEVICE_FAMILY names it."},
        "storage_type_raw": TEXT,
        "storage_type": TEXT,
        "image_version": TEXT,
        "image_name": TEXT,
        "encryption": {"type": "boolean"},
        "cipher": TEXT,
        "partition_count": NUMBER,
        "simg_file_count": NUMBER,
    },
}

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/analyze-image",
        summary="What an image holds: of an artefact what its description says, else partitions.",
        contract="images 6",
        serves=served(analyse_image, _analysis, name_of),
        parameters=(NAME,),
        answers=(Answer(200, "What is known of it.", schema=ANALYSIS),),
        # 404 here, 400 elsewhere (contract images 6).
        faults=(Fault(ImageNameMissing), Fault(ImageNotFound, 404), Fault(ImageUnreadable, 500)),
    ),
)
