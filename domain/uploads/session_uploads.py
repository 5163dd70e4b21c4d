"""Kept sessions of resumable uploads, as uploads that can be shown."""

from dataclasses import replace

from domain.uploads.kinds import UploadKind, plan_of
from domain.uploads.progress import Upload, UploadPhase
from domain.uploads.sessions import UploadSession


def upload_of(session: UploadSession, kind: UploadKind, *, received: int) -> Upload:
    """Returns an upload that waits for its next part; `received` bytes are there."""
    return Upload(
        id=session.id,
        filename=session.filename,
        kind=kind,
        phase=UploadPhase.WAITING,
        began_at=session.began_at,
        total_bytes=session.size,
        received_bytes=received,
        is_resumable=True,
        expires_at=session.expires_at,
    )


def finished_upload(session: UploadSession) -> Upload:
    """Returns an upload that is an image by now."""
    kind = plan_of(session.filename).kind
    waiting = upload_of(session, kind, received=session.size)
    return replace(waiting, phase=UploadPhase.COMPLETE, image=session.image)
