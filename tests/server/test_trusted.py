"""The setting `trusted_documents`: its file, its mistakes, and a service that runs under it."""

import json
import re
from pathlib import Path

import pytest
from graphql import parse, validate

from dashboard.pages import STATIC_FOLDER, page_documents
from schema.build import build_schema
from schema.trusted_documents import digest_of
from server.settings import Settings, SettingWrong, read_settings
from server.trusted import trusted_texts
from tests.surfaces.conftest import running

FILE = "/etc/rpi-sb-provisioner/trusted-documents.json"
NAME = "{ station { name } }"


def write(root: Path, text: str) -> Settings:
    """Returns the settings of a root whose file holds `text`."""
    file = root / FILE[1:]
    file.parent.mkdir(parents=True)
    file.write_text(text)
    (file.parent / "service.toml").write_text(f'trusted_documents = "{FILE}"\n')
    return read_settings({"root": str(root)}, {})


def test_documents_of_the_file_and_of_our_pages_are_trusted(tmp_path: Path) -> None:
    settings = write(tmp_path, json.dumps({f"sha256:{digest_of(NAME)}": NAME}))
    assert trusted_texts(settings) == (NAME, *page_documents())


def test_without_the_setting_every_document_may_run() -> None:
    assert trusted_texts(Settings()) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "cannot be read"),
        ("[]", "is not a JSON object"),
        (json.dumps({digest_of(NAME): 5}), "is not a text"),
        (json.dumps({digest_of(NAME): NAME + " "}), f"whose hash is {digest_of(NAME + ' ')}"),
        (json.dumps({"stationName": NAME}), f"whose hash is {digest_of(NAME)}"),
        ('{"x": "\\ud800"}', "whose hash is"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, text: str, told: str) -> None:
    settings = write(tmp_path, text)
    with pytest.raises(SettingWrong, match=re.escape(told)):
        trusted_texts(settings)


@pytest.mark.parametrize("name", ["/etc/none.json", "relative.json", "/\0"])
def test_a_file_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingWrong, match="trusted_documents"):
        trusted_texts(Settings(root=tmp_path, trusted_documents=name))


def test_the_pages_send_only_documents_that_are_listed_and_valid() -> None:
    scripts = [file for file in STATIC_FOLDER.glob("*.js") if file.name != "graphiql.js"]
    elsewhere = [f.name for f in scripts if f.name != "documents.js" and "query {" in f.read_text()]
    listed = (STATIC_FOLDER / "documents.js").read_text()
    exported = re.findall("^export const", listed, re.MULTILINE)
    schema = build_schema()._schema
    assert elsewhere == []
    assert len(page_documents()) == len(exported)
    assert [validate(schema, parse(text)) for text in page_documents()] == [[], [], []]


async def test_a_stranger_is_refused_and_written_down(tmp_path: Path) -> None:
    write(tmp_path, json.dumps({digest_of(NAME): NAME}))
    async with running(tmp_path, trusted_documents=FILE) as service:
        known = await service.client.post("/graphql", json={"documentId": digest_of(NAME)})
        other = await service.client.post("/graphql", json={"query": "{ __typename }"})
        page = await service.client.get("/graphql", headers={"Accept": "text/html,*/*"})
        rows = await service.audit_rows()
    assert known.json()["data"]["station"]["name"]
    assert other.status_code == 403
    assert other.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_DOCUMENT_NOT_TRUSTED"
    assert page.status_code == 400
    assert [(row["handler_path"], row["outcome"]) for row in rows] == [
        ("/graphql#station", "OK"),
        ("/graphql", "GRAPHQL_DOCUMENT_NOT_TRUSTED"),
    ]
