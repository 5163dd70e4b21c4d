"""What schemathesis loads for the REST surface: bodies of a type that it does not know."""

import schemathesis


@schemathesis.serializer("application/offset+octet-stream")
def part_of_an_upload(ctx: schemathesis.SerializationContext, value: object) -> bytes:
    """Returns the bytes of one part (tus 1.0)."""
    del ctx
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
