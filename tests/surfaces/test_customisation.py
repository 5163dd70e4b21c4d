"""Hook scripts through both surfaces (contract customisation)."""

import asyncio
import os
import stat
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.caller import Role
from server.settings import Token
from tests.surfaces.conftest import Service, running
from tests.surfaces.image_store import subscribed
from tests.surfaces.test_story import Socket

FOLDER = "etc/rpi-sb-provisioner/scripts"
NAME = "sb-provisioner-post-flash"
PATH = f"/{FOLDER}/{NAME}.sh"
TEXT = "#!/bin/sh\necho hé\n"
SHA256 = sha256(TEXT.encode()).hexdigest()
SCRIPT = "filename exists enabled mode sha256 hook { name stage } content"
SAVE = (
    "mutation($name: String!, $content: String!, $expected: String) { saveScript(input: "
    "{name: $name, content: $content, expectedSha256: $expected}) "
    "{ ... on Script { filename sha256 enabled } ... on Problem { code field } } }"
)


def put(root: Path, name: str, content: bytes | str = TEXT, mode: int = 0o644) -> Path:
    path = root / FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def files(rows: list[Any]) -> list[tuple[str, str, int, str]]:
    return [
        (row["operation"], row["target_path"], row["success"], row["additional_info"])
        for row in rows
        if row["event_type"] == "FILE_ACCESS"
    ]


async def test_a_script_is_saved_on_one_surface_and_read_on_the_other(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        body = {"filename": NAME, "content": TEXT}
        saved = (await service.client.post("/customisation/save-script", json=body)).json()
        answer = await service.graphql(f'{{ script(name: "{NAME}.sh") {{ {SCRIPT} }} }}')
        changed = await service.graphql(SAVE, name=NAME, content="new", expected=SHA256)
        old = await service.graphql(SAVE, name=NAME, content="mine", expected=SHA256)
        read = await service.client.get("/customisation/get-script", params={"script": NAME})
        rows = await service.audit_rows()
    assert saved == {
        "filename": f"{NAME}.sh",
        "executable": False,
        "enabled": False,
        "sha256": SHA256,
        "provisioner": "sb-provisioner",
        "stage": "post-flash",
        "description": saved["description"],
    }
    assert answer["data"]["script"] == {
        "filename": f"{NAME}.sh",
        "exists": True,
        "enabled": False,
        "mode": "0644",
        "sha256": SHA256,
        "hook": {"name": NAME, "stage": "POST_FLASH"},
        "content": TEXT,
    }
    assert read.json() == {"content": "new", "enabled": False, "exists": True, "filename": NAME}
    assert old["data"]["saveScript"] == {"code": "SCRIPT_CHANGED", "field": "expectedSha256"}
    new = changed["data"]["saveScript"]["sha256"]
    assert files(rows) == [
        ("SAVE_SCRIPT", PATH, 1, f"sha256 before none, after {SHA256}"),
        ("SAVE_SCRIPT", PATH, 1, f"sha256 before {SHA256}, after {new}"),
        ("SAVE_SCRIPT", PATH, 0, f"sha256 before {new}: SCRIPT_CHANGED"),
    ]
    assert {row["caller"] for row in rows} == {"local"}


async def test_both_surfaces_list_the_same_hook_points(service: Service) -> None:
    rest = (await service.client.get("/customisation/list-hooks")).json()
    listed = (await service.client.get("/customisation/list-scripts")).json()["scripts"]
    answer = await service.graphql(
        "{ hooks { name provisioner stage script { filename exists enabled sha256 } } "
        "scripts { totalCount nodes { filename } } }"
    )
    hooks = answer["data"]["hooks"]
    assert len(hooks) == 21
    for old, new in zip(rest["hooks"], hooks, strict=True):
        assert old["filename"] == new["script"]["filename"] == f"{new['name']}.sh"
        assert old["exists"] is new["script"]["exists"]
        assert old["enabled"] is new["script"]["enabled"]
        assert old["stage"].replace("-", "_").upper() == new["stage"]
    there = [script["filename"] for script in listed if script["exists"]]
    assert there == [node["filename"] for node in answer["data"]["scripts"]["nodes"]]
    assert len(listed) == 21
    shas = {s["filename"]: s.get("sha256") for s in listed}
    assert shas == {new["script"]["filename"]: new["script"]["sha256"] for new in hooks}


async def test_a_folder_that_cannot_be_read_is_told_on_both_surfaces(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.parent.mkdir(parents=True)
    folder.touch()
    queries = (
        "{ hooks { name } }",
        "{ scripts { totalCount } }",
        f'{{ script(name: "{NAME}") {{ content }} }}',
    )
    seen = {}
    async with running(tmp_path) as service:
        for word in ("list-scripts", "list-hooks", "get-script", "enable-script", "delete-script"):
            asked = f"/customisation/{word}?script={NAME}"
            rest = await service.client.get(asked)
            seen[word] = (rest.status_code, rest.json()["error_code"])
        body = {"filename": NAME, "content": TEXT}
        rest = await service.client.post("/customisation/save-script", json=body)
        seen["save-script"] = (rest.status_code, rest.json()["error_code"])
        answers = [await service.graphql(query) for query in queries]
    assert {answer["errors"][0]["extensions"]["code"] for answer in answers} == {
        "SCRIPTS_UNREADABLE"
    }
    assert seen == {
        "list-scripts": (503, "SCRIPTS_UNREADABLE"),
        "list-hooks": (503, "SCRIPTS_UNREADABLE"),
        "get-script": (503, "SCRIPTS_UNREADABLE"),
        "enable-script": (503, "SCRIPTS_UNREADABLE"),
        "delete-script": (500, "SCRIPT_DELETE_ERROR"),
        "save-script": (500, "DIR_CREATE_ERROR"),
    }


async def test_what_is_there_and_cannot_be_opened_is_not_said_to_be_missing(tmp_path: Path) -> None:
    put(tmp_path, "other.sh")
    (tmp_path / FOLDER / f"{NAME}.sh").symlink_to("nowhere")
    mutation = f'mutation {{ %s(input: {{name: "{NAME}"}}) {{ ... on Problem {{ code }} }} }}'
    seen = {}
    async with running(tmp_path) as service:
        for word in ("get-script", "enable-script", "disable-script"):
            rest = await service.client.get(f"/customisation/{word}?script={NAME}")
            seen[word] = (rest.status_code, rest.json()["error_code"])
        asked = await service.graphql(f'{{ script(name: "{NAME}") {{ content }} }}')
        enabled = (await service.graphql(mutation % "enableScript"))["data"]["enableScript"]
    # The file is there and does not open (contract customisation 4.2, 4.6).
    assert seen == {
        "get-script": (400, "SCRIPT_NOT_FOUND"),
        "enable-script": (500, "SCRIPT_PERMISSION_ERROR"),
        "disable-script": (500, "SCRIPT_PERMISSION_ERROR"),
    }
    assert asked["errors"][0]["extensions"]["code"] == "SCRIPT_UNREADABLE"
    assert enabled == {"code": "SCRIPT_UNREADABLE"}


async def test_a_script_that_is_too_large_to_read_spoils_no_list(tmp_path: Path) -> None:
    put(tmp_path, "a.sh", b"echo a\n")
    os.truncate(put(tmp_path, f"{NAME}.sh"), (8 << 20) + 1)
    query = "{ scripts { nodes { filename content syntax { readable } } } }"
    async with running(tmp_path) as service:
        answer = await service.graphql(query)
        rest = await service.client.get(f"/customisation/get-script?script={NAME}")
    assert answer["data"]["scripts"]["nodes"] == [
        {"filename": "a.sh", "content": "echo a\n", "syntax": {"readable": True}},
        {"filename": f"{NAME}.sh", "content": None, "syntax": None},
    ]
    told = {(error["path"][-1], error["extensions"]["code"]) for error in answer["errors"]}
    assert told == {(name, "SCRIPT_TOO_LARGE_TO_READ") for name in ("content", "syntax")}
    assert (rest.status_code, rest.json()["error_code"]) == (400, "SCRIPT_TOO_LARGE_TO_READ")


async def test_a_viewer_gets_the_list_without_what_is_not_for_viewers(tmp_path: Path) -> None:
    put(tmp_path, f"{NAME}.sh")
    token = Token("eve", Role.VIEWER, sha256(b"eve").hexdigest())
    asked = {"query": "{ scripts { nodes { filename content } } }"}
    async with running(tmp_path, tokens=(token,)) as service:
        who = {"Authorization": "Bearer eve"}
        answer = (await service.client.post("/graphql", json=asked, headers=who)).json()
    assert answer["data"]["scripts"]["nodes"] == [{"filename": f"{NAME}.sh", "content": None}]
    assert len(answer["errors"]) == 1


async def test_a_template_is_the_same_everywhere(tmp_path: Path) -> None:
    name = "idp-provisioner-post-flash"
    query = (
        f'{{ scriptTemplate(name: "{name}") script(name: "{name}") {{ content exists }} '
        "hooks(provisioner: IDP, stage: POST_FLASH) "
        "{ template arguments { position variable } environment { name } } }"
    )
    async with running(tmp_path) as service:
        got = await service.client.get("/customisation/get-script", params={"script": name})
        made = await service.client.get("/customisation/create-script", params={"script": name})
        answer = (await service.graphql(query))["data"]
    hook = answer["hooks"][0]
    assert got.json() == made.json()
    assert got.json()["content"] == answer["scriptTemplate"] == answer["script"]["content"]
    assert hook["template"] == answer["scriptTemplate"]
    assert [argument["position"] for argument in hook["arguments"]] == [1, 2, 3]
    assert "OS_IMAGE_SHA256" in {variable["name"] for variable in hook["environment"]}
    assert not (tmp_path / FOLDER).exists()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_old_clients_enable_disable_and_delete(tmp_path: Path, method: str) -> None:
    path = put(tmp_path, f"{NAME}.sh")
    async with running(tmp_path) as service:

        async def ask(word: str) -> tuple[int, str, str]:
            asked = f"/customisation/{word}-script?script={NAME}"
            answer = await service.client.request(method, asked)
            return answer.status_code, answer.text, answer.headers["content-type"]

        kind = "text/html; charset=utf-8"
        assert await ask("enable") == (200, "Script enabled successfully", kind)
        assert stat.S_IMODE(path.stat().st_mode) == 0o755
        assert await ask("disable") == (200, "Script disabled successfully", kind)
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        assert await ask("delete") == (200, "Script deleted successfully", kind)
        again = await service.client.request(method, f"/customisation/delete-script?script={NAME}")
        rows = await service.audit_rows()
    assert (again.status_code, again.json()["error_code"]) == (404, "SCRIPT_DELETE_ERROR")
    same = f"sha256 before {SHA256}, after {SHA256}"
    assert files(rows)[:3] == [
        ("ENABLE_SCRIPT", PATH, 1, same),
        ("DISABLE_SCRIPT", PATH, 1, same),
        ("DELETE_SCRIPT", PATH, 1, f"sha256 before {SHA256}, after none"),
    ]


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil"}])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_a_page_of_another_site_cannot_enable_a_script(
    tmp_path: Path, method: str, headers: dict[str, str]
) -> None:
    path = put(tmp_path, f"{NAME}.sh")
    for asked in ("/customisation/enable-script", "/Customisation/enable%2Dscript"):
        async with running(tmp_path) as service:
            answer = await service.client.request(method, f"{asked}?script={NAME}", headers=headers)
        assert answer.status_code == 403
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


async def test_the_shells_complaint_comes_back_on_both_surfaces(tmp_path: Path) -> None:
    path = put(tmp_path, f"{NAME}.sh", "#!/bin/sh\nif true; then\n")
    mutation = (
        f'mutation {{ enableScript(input: {{name: "{NAME}"}}) '
        "{ ... on Problem { code detail } } }"
    )
    query = f'{{ script(name: "{NAME}") {{ syntax {{ shell readable complaint }} }} }}'
    async with running(tmp_path) as service:
        rest = await service.client.post(f"/customisation/enable-script?script={NAME}")
        problem = (await service.graphql(mutation))["data"]["enableScript"]
        seen = (await service.graphql(query))["data"]["script"]["syntax"]
    assert (rest.status_code, rest.json()["error_code"]) == (400, "SCRIPT_SYNTAX_ERROR")
    assert rest.json()["details"] == seen["complaint"]
    assert 'expecting "fi"' in problem["detail"]
    assert (problem["code"], seen["shell"], seen["readable"]) == (
        "SCRIPT_SYNTAX_ERROR",
        "SH",
        False,
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


async def test_an_enabled_script_is_not_replaced_by_a_broken_one_unless_by_the_old_path(
    tmp_path: Path,
) -> None:
    path = put(tmp_path, f"{NAME}.sh", mode=0o755)
    save = SAVE.replace("code field", "code field detail")
    async with running(tmp_path) as service:
        refused = (await service.graphql(save, name=NAME, content="if"))["data"]["saveScript"]
        before = path.read_text()
        body = {"filename": NAME, "content": "if"}
        rest = await service.client.post("/customisation/save-script", json=body)
        rows = await service.audit_rows()
    assert (refused["code"], refused["field"]) == ("SCRIPT_SYNTAX_ERROR", "content")
    assert "end of file" in refused["detail"]
    assert before == TEXT
    # The old path answers as it always did (contract customisation 4.4); the audit log has it.
    assert (rest.status_code, rest.json()["enabled"], path.read_text()) == (200, True, "if")
    assert "end of file" in files(rows)[-1][3]


async def test_an_upload_is_live_at_once_on_both_surfaces(tmp_path: Path) -> None:
    mutation = (
        f'mutation {{ uploadScript(input: {{name: "{NAME}", content: "exit 0"}}) '
        "{ ... on Script { enabled mode } } }"
    )
    async with running(tmp_path) as service:
        form = {"script": ("dir/x.bash", b"exit 0\r\n")}
        rest = await service.client.post("/customisation/upload-script", files=form)
        answer = await service.graphql(mutation)
        broken = await service.client.post(
            "/customisation/upload-script", files={"script": ("y.sh", b"if")}
        )
        page = await service.client.post(
            "/customisation/upload-script", files=form, headers={"Accept": "text/html"}
        )
    path = tmp_path / FOLDER / "dir_x_bash.sh"
    assert (rest.status_code, rest.text) == (200, "Script file uploaded successfully")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"exit 0\r\n", 0o755)
    assert answer["data"]["uploadScript"] == {"enabled": True, "mode": "0755"}
    assert (broken.status_code, broken.json()["error_code"]) == (400, "SCRIPT_SYNTAX_ERROR")
    assert page.text.startswith("<!")
    assert not (tmp_path / FOLDER / "y.sh").exists()


PART = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\nexit 0\r\n--b--\r\n'
MULTIPART = "multipart/form-data; boundary=b"
WHOLE = PART % (b"script", b'; filename="a.sh"')
OPEN = WHOLE.removesuffix(b"--\r\n")
OTHER = PART % (b"other", b'; filename="b.sh"')


@pytest.mark.parametrize(
    ("kind", "body", "status", "code"),
    [
        ("application/json", b"{}", 400, "INVALID_CONTENT_TYPE"),
        ("", b"", 400, "INVALID_CONTENT_TYPE"),
        ("multipart/form-data", b"x", 400, "FORM_PARSE_ERROR"),
        (MULTIPART, b"", 400, "FORM_PARSE_ERROR"),
        (MULTIPART, b"garbage", 400, "FORM_PARSE_ERROR"),
        (MULTIPART, PART % (b"script", b""), 400, "FORM_PARSE_ERROR"),
        (MULTIPART, PART % (b"script", b'; filename=""'), 400, "FORM_PARSE_ERROR"),
        (MULTIPART, WHOLE.removesuffix(b"\r\n--b--\r\n"), 400, "FORM_PARSE_ERROR"),
        (MULTIPART, OPEN, 400, "FORM_PARSE_ERROR"),
        (MULTIPART, OPEN + WHOLE.removeprefix(b"--b"), 400, "FORM_PARSE_ERROR"),
        (MULTIPART, OPEN + OTHER.removeprefix(b"--b"), 400, "FORM_PARSE_ERROR"),
        (MULTIPART, PART % (b"file", b'; filename="a.sh"'), 400, "MISSING_SCRIPT_FILE"),
        (
            MULTIPART,
            PART % (b"script", b'; filename="' + b"x" * 300 + b'"'),
            400,
            "INVALID_SCRIPT_NAME",
        ),
        (MULTIPART, b"x" * (2 << 20), 413, "BODY_TOO_LARGE"),
    ],
)
async def test_a_bad_upload_changes_nothing(
    tmp_path: Path, kind: str, body: bytes, status: int, code: str
) -> None:
    async with running(tmp_path) as service:
        answer = await service.client.post(
            "/customisation/upload-script", content=body, headers={"Content-Type": kind}
        )
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert not (tmp_path / FOLDER).exists()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "INVALID_JSON"),
        (b"{x", 400, "INVALID_JSON"),
        (b"[]", 400, "INVALID_JSON"),
        (b'"text"', 400, "INVALID_JSON"),
        (b'{"filename": "a", "content": "\xff"}', 400, "INVALID_JSON"),
        (b'{"filename": "a", "content": "\\ud800"}', 400, "INVALID_JSON"),
        (b'{"filename": "a", "content": NaN}', 400, "INVALID_JSON"),
        (b'{"filename": "a", "content": "x",}', 400, "INVALID_JSON"),
        (b'{"filename": [], "content": "x"}', 400, "INVALID_JSON"),
        (b'{"filename": "a", "content": {}}', 400, "INVALID_JSON"),
        (b"null", 400, "MISSING_REQUIRED_FIELDS"),
        (b'{"filename": "a"}', 400, "MISSING_REQUIRED_FIELDS"),
        (b'{"filename": "", "content": "x"}', 400, "MISSING_SCRIPT_NAME"),
        (b'{"filename": null, "content": "x"}', 400, "MISSING_SCRIPT_NAME"),
        (b'{"filename": "%s", "content": "x"}' % (b"x" * 300), 400, "INVALID_SCRIPT_NAME"),
        (b'{"filename": "a", "content": "%s"}' % (b"x" * (1 << 21)), 400, "SCRIPT_TOO_LARGE"),
        (b'{"filename": "a", "content": "%s"}' % (b"x" * (7 << 20)), 413, "BODY_TOO_LARGE"),
    ],
)
async def test_a_bad_save_changes_nothing(
    tmp_path: Path, body: bytes, status: int, code: str
) -> None:
    async with running(tmp_path) as service:
        answer = await service.client.post(
            "/customisation/save-script", content=body, headers={"Content-Type": "application/json"}
        )
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert not (tmp_path / FOLDER).exists()


@pytest.mark.parametrize("word", ["get", "create", "enable", "disable", "delete"])
async def test_no_name_is_missing(tmp_path: Path, word: str) -> None:
    async with running(tmp_path) as service:
        for query in ("", "?script=", "?script=a&script="):
            answer = await service.client.get(f"/customisation/{word}-script{query}")
            assert answer.json()["error_code"] == "MISSING_SCRIPT_NAME"


async def test_bytes_that_are_no_text_are_shown_replaced(tmp_path: Path) -> None:
    put(tmp_path, f"{NAME}.sh", b"#!/bin/sh\n# \xe9 <b>\n")
    query = f'{{ script(name: "{NAME}") {{ content }} }}'
    async with running(tmp_path) as service:
        rest = await service.client.get(f"/customisation/get-script?script={NAME}")
        answer = await service.graphql(query)
    assert rest.json()["content"] == "#!/bin/sh\n# � <b>\n"
    assert answer["data"]["script"]["content"] == rest.json()["content"]


async def test_changes_of_others_arrive_live(tmp_path: Path) -> None:
    path = put(tmp_path, f"{NAME}.sh")
    query = "subscription { scriptChanges { snapshot scripts { filename exists enabled } } }"
    async with running(tmp_path) as service, asyncio.TaskGroup() as tasks:
        socket = Socket(service)
        serving = tasks.create_task(socket.run([]))
        await subscribed(socket, query)
        frames = [await socket.frame()]
        path.chmod(0o755)
        frames.append(await socket.frame())
        await service.client.post(f"/customisation/delete-script?script={NAME}")
        frames.append(await socket.frame())
        serving.cancel()
    seen = [frame["payload"]["data"]["scriptChanges"] for frame in frames]
    assert [change["snapshot"] for change in seen] == [True, False, False]
    states = [(c["scripts"][0]["exists"], c["scripts"][0]["enabled"]) for c in seen]
    assert states == [(True, False), (True, True), (False, False)]


async def test_a_file_name_that_is_no_unicode_hurts_nothing(tmp_path: Path) -> None:
    put(tmp_path, os.fsdecode(b"caf\xe9.sh"))
    put(tmp_path, "z.sh")
    changes = "subscription { scriptChanges { scripts { filename } } }"
    lists = '{ scripts { nodes { filename } } scriptVersions(name: "z") { origin } }'
    async with running(tmp_path) as service, asyncio.TaskGroup() as tasks:
        socket = Socket(service)
        serving = tasks.create_task(socket.run([]))
        await subscribed(socket, changes)
        frames = [await socket.frame()]
        body = {"filename": NAME, "content": TEXT}
        saved = await service.client.post("/customisation/save-script", json=body)
        frames.append(await socket.frame())
        listed = await service.client.get("/customisation/list-scripts")
        graphql = (await service.graphql(lists))["data"]
        serving.cancel()
    assert (saved.status_code, saved.json()["filename"]) == (200, f"{NAME}.sh")
    first, change = (frame["payload"]["data"]["scriptChanges"]["scripts"] for frame in frames)
    assert [script["filename"] for script in first] == ["caf\ufffd.sh", "z.sh"]
    assert [script["filename"] for script in change] == [f"{NAME}.sh"]
    assert listed.json()["scripts"][0]["filename"] == "caf\ufffd.sh"
    assert graphql["scripts"]["nodes"][0]["filename"] == "caf\ufffd.sh"
    assert graphql["scriptVersions"] == [{"origin": "FOUND"}]


async def test_each_byte_of_a_name_is_one_of_the_file(tmp_path: Path) -> None:
    put(tmp_path, "a_b.sh")
    form = b'--x\r\nContent-Disposition: form-data; name="script"; filename="n\xffm.sh"\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    async with running(tmp_path) as service:
        read = await service.client.get("/customisation/get-script?script=a%ffb.sh")
        short = await service.client.get("/customisation/get-script?script=.sh")
        put(tmp_path, "_sh.sh")
        found = await service.client.get("/customisation/get-script?script=.sh")
        disabled = await service.client.post("/customisation/disable-script?script=a%ffb")
        body = form + b"x\r\n--x--\r\n"
        await service.client.post("/customisation/upload-script", content=body, headers=headers)
        mine = form.replace(b"n\xffm", "é".encode()) + b"x\r\n--x--\r\n"
        await service.client.post("/customisation/upload-script", content=mine, headers=headers)
    assert (read.status_code, read.json()["filename"]) == (200, "a\ufffdb")
    assert short.json()["error_code"] == "INVALID_SCRIPT_NAME"
    assert found.json()["filename"] == ".sh"
    assert disabled.status_code == 200
    assert {path.name for path in (tmp_path / FOLDER).iterdir()} == {
        "a_b.sh", "_sh.sh", "n_m.sh", "__.sh",
    }  # fmt: skip


async def test_a_viewer_sees_which_hooks_there_are_and_not_what_they_hold(tmp_path: Path) -> None:
    put(tmp_path, f"{NAME}.sh", "TOKEN=secret\n")
    tokens = tuple(
        Token(role.words, role, sha256(role.words.encode()).hexdigest())
        for role in (Role.VIEWER, Role.OPERATOR, Role.ENGINEER)
    )
    body = {"filename": NAME, "content": "x"}
    async with running(tmp_path, tokens=tokens) as service:
        seen = {}
        for token in tokens:
            who = {"Authorization": f"Bearer {token.name}"}
            asked = {"query": "{ scripts { nodes { filename content } } }"}
            answers = (
                await service.client.get("/customisation/list-hooks", headers=who),
                await service.client.get(f"/customisation/get-script?script={NAME}", headers=who),
                await service.client.post("/graphql", json=asked, headers=who),
                await service.client.post("/customisation/save-script", json=body, headers=who),
            )
            has_secret = "secret" in answers[2].text
            codes = [answer.status_code for answer in answers]
            seen[token.name] = (codes[0], codes[1], has_secret, codes[3])
    assert seen == {
        "viewer": (200, 403, False, 403),
        "operator": (200, 403, False, 403),
        "engineer": (200, 200, True, 200),
    }


async def test_the_past_of_a_script_is_listed_compared_and_restored(tmp_path: Path) -> None:
    put(tmp_path, f"{NAME}.sh", "exit 0\n", 0o755)
    versions = (
        f'{{ scriptVersions(name: "{NAME}") {{ id origin keptBy sha256 sizeBytes content }} }}'
    )
    diff = (
        f'query($id: Long!) {{ scriptDiff(name: "{NAME}", before: $id) '
        "{ text addedLines removedLines } }"
    )
    restore = (
        f'mutation($id: Long!) {{ restoreScript(input: {{name: "{NAME}", version: $id}}) '
        "{ ... on Script { content enabled } ... on Problem { code } } }"
    )
    async with running(tmp_path) as service:
        await service.client.post(
            "/customisation/save-script", json={"filename": NAME, "content": "exit 1\n"}
        )
        kept = (await service.graphql(versions))["data"]["scriptVersions"]
        changed = (await service.graphql(diff, id=kept[1]["id"]))["data"]["scriptDiff"]
        restored = (await service.graphql(restore, id=kept[1]["id"]))["data"]["restoreScript"]
        missing = (await service.graphql(restore, id=2**62))["data"]["restoreScript"]
        nothing = await service.graphql(diff, id=-1)
        rows = await service.audit_rows()
    facts = [(version["origin"], version["keptBy"], version["content"]) for version in kept]
    assert facts == [("SAVED", "local", "exit 1\n"), ("FOUND", None, "exit 0\n")]
    assert changed["text"].endswith("@@ -1 +1 @@\n-exit 0\n+exit 1\n")
    assert (changed["addedLines"], changed["removedLines"]) == (1, 1)
    assert restored == {"content": "exit 0\n", "enabled": True}
    assert missing == {"code": "SCRIPT_VERSION_NOT_FOUND"}
    assert nothing["errors"][0]["extensions"]["code"] == "SCRIPT_VERSION_NOT_FOUND"
    assert [row[0] for row in files(rows)] == ["SAVE_SCRIPT", "RESTORE_SCRIPT"]


async def test_a_script_is_tried_or_the_reason_comes_back(tmp_path: Path) -> None:
    mutation = (
        "mutation($name: String!, $content: String) { dryRunScript(input: {name: $name, "
        "content: $content}) { ... on ScriptDryRun { exitStatus output timedOut outputCut } "
        "... on Problem { code } } }"
    )
    put(tmp_path, f"{NAME}.sh", "echo saved; exit 5\n")
    async with running(tmp_path) as service:
        saved = (await service.graphql(mutation, name=NAME))["data"]["dryRunScript"]
        given = (await service.graphql(mutation, name=NAME, content="exit 6"))["data"]
        unknown = (await service.graphql(mutation, name="x", content=""))["data"]
        rows = await service.audit_rows()
    assert unknown["dryRunScript"] == {"code": "INVALID_SCRIPT_NAME"}
    if "code" in saved:
        assert saved == {"code": "SCRIPT_DRY_RUN_UNAVAILABLE"}
        pytest.skip("needs root and namespaces (unshare of package util-linux)")
    assert saved == {"exitStatus": 5, "output": "saved\n", "timedOut": False, "outputCut": False}
    assert given["dryRunScript"]["exitStatus"] == 6
    assert [(row[0], row[3]) for row in files(rows)] == [
        ("DRY_RUN_SCRIPT", "as nobody: exit status 5"),
        ("DRY_RUN_SCRIPT", "as nobody: exit status 6"),
    ]


async def test_without_a_journal_hook_runs_are_none(tmp_path: Path) -> None:
    query = (
        '{ deviceHooks(serial: "a0b0c0d0") { name lastRun { outcome } } '
        f'hookRuns(hook: "{NAME}") {{ totalCount }} }}'
    )
    async with running(tmp_path) as service:
        answer = (await service.graphql(query))["data"]
        wrong = await service.graphql('{ hookRuns(hook: "x") { totalCount } }')
    assert len(answer["deviceHooks"]) == 21
    assert {hook["lastRun"] for hook in answer["deviceHooks"]} == {None}
    assert answer["hookRuns"]["totalCount"] == 0
    assert wrong["errors"][0]["extensions"]["code"] == "INVALID_SCRIPT_NAME"


async def test_the_simulated_station_has_hooks_that_ran(service: Service) -> None:
    runs = "{ hookRuns(first: 500) { nodes { name serial outcome seconds unit } } }"
    nodes = (await service.graphql(runs))["data"]["hookRuns"]["nodes"]
    flashed = [run for run in nodes if run["name"] == NAME]
    assert {run["outcome"] for run in flashed} == {"SUCCEEDED"}
    serial = flashed[0]["serial"]
    assert flashed[0]["unit"] == f"rpi-sb-provisioner@{serial}.service"
    query = f'{{ deviceHooks(serial: "{serial[-8:]}") {{ name lastRun {{ serial }} }} }}'
    states = (await service.graphql(query))["data"]["deviceHooks"]
    told = {state["name"]: state["lastRun"] for state in states}
    assert told[NAME] == {"serial": serial}
    assert told["naked-provisioner-bootstrap"] is None


ODD_NAMES = [
    "../../../etc/passwd",
    "/etc/passwd",
    "a\0b",
    "..",
    ".",
    "é\u202e",
    "x" * 5000,
    "a b;c",
]


@pytest.mark.parametrize("name", ODD_NAMES, ids=[name[:12] for name in ODD_NAMES])
async def test_an_odd_name_stays_in_the_folder_on_both_surfaces(tmp_path: Path, name: str) -> None:
    put(tmp_path, "passwd", "root")
    (tmp_path / "etc/passwd").write_text("secret")
    ask = "{ %s(input: {name: %s}) { ... on Problem { code } ... on Script { filename } } }"
    quoted = orjson.dumps(name).decode()
    async with running(tmp_path) as service:
        got = await service.client.get("/customisation/get-script", params={"script": name})
        graphql = await service.graphql(f"{{ script(name: {quoted}) {{ content }} }}")
        codes = set()
        for word in ("enable", "disable"):
            rest = await service.client.post(
                f"/customisation/{word}-script", params={"script": name}
            )
            codes.add(rest.json()["error_code"])
            done = await service.graphql("mutation " + ask % (f"{word}Script", quoted))
            codes.add(done["data"][f"{word}Script"]["code"])
        body = {"filename": name, "content": "x"}
        saved = await service.client.post("/customisation/save-script", json=body)
    assert got.json()["error_code"] == "INVALID_SCRIPT_NAME"
    assert graphql["errors"][0]["extensions"]["code"] == "INVALID_SCRIPT_NAME"
    assert codes <= {"SCRIPT_NOT_FOUND", "INVALID_SCRIPT_NAME"}
    assert "secret" not in got.text
    there = {path.name for path in (tmp_path / FOLDER).iterdir()}
    assert there == {"passwd", *([saved.json()["filename"]] if saved.status_code == 200 else [])}
    assert (tmp_path / "etc/passwd").read_text() == "secret"
