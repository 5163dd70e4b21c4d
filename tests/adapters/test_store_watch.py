"""The kernel's word about the folder of images."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from adapters.store_watch import StoreWatch
from domain.images.looking import StoreChange


async def _next(changes: AsyncGenerator[StoreChange, None]) -> StoreChange:
    return await asyncio.wait_for(anext(changes), 10)


def _copy(folder: Path) -> None:
    (folder / "a.img").write_bytes(b"x")


def _move(folder: Path) -> None:
    (folder / ".hidden").write_bytes(b"x")
    (folder / ".hidden").rename(folder / "a.img")


def _upload(folder: Path) -> None:
    (folder / ".a.img.1.uploading").write_bytes(b"x")
    (folder / "bootimg-output").mkdir()
    _copy(folder)


@pytest.mark.parametrize("act", [_copy, _move, _upload])
async def test_a_file_is_written_when_its_writer_has_closed_it(
    tmp_path: Path, act: Callable[[Path], None]
) -> None:
    async with aclosing(StoreWatch(lambda: tmp_path).changes()) as changes:
        began = await _next(changes)
        act(tmp_path)
        seen = [await _next(changes)]
        while not seen[-1].is_written:
            seen.append(await _next(changes))
    assert began == StoreChange("", is_written=False)
    assert {change.name for change in seen} == {"a.img"}


async def test_an_open_file_is_not_written_yet(tmp_path: Path) -> None:
    async with aclosing(StoreWatch(lambda: tmp_path).changes()) as changes:
        await _next(changes)
        with (tmp_path / "a.img").open("wb", buffering=0) as file:
            file.write(b"x")
            (tmp_path / "b.img").mkdir()
            seen = [await _next(changes), await _next(changes)]
    assert seen == [StoreChange("a.img", is_written=False), StoreChange("b.img", is_written=False)]


@pytest.mark.parametrize("name", ["a.img", "a.img.sha256"])
async def test_what_goes_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    async with aclosing(StoreWatch(lambda: tmp_path).changes()) as changes:
        await _next(changes)
        (tmp_path / name).unlink()
        assert await _next(changes) == StoreChange(name, is_written=False)


async def test_it_ends_with_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    assert [change async for change in StoreWatch(lambda: folder).changes()] == []
    folder.mkdir()
    async with aclosing(StoreWatch(lambda: folder).changes()) as changes:
        await _next(changes)
        folder.rename(tmp_path / "elsewhere")
        with pytest.raises(StopAsyncIteration):
            await _next(changes)
