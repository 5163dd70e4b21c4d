"""Valid documents are remembered, within bounds, each for one schema and one set of rules."""

from typing import Any

from graphql import GraphQLSchema, parse

from schema.document_checks import checks
from schema.documents import Asked, Documents
from schema.limits import Limits
from tests.schema.toy import Context, Station, tool_of, toy_schema


def graphql_schema() -> GraphQLSchema:
    schema: Any = toy_schema()
    core: GraphQLSchema = schema._schema
    return core


async def test_a_repeated_document_is_parsed_and_validated_once() -> None:
    extension = checks(Limits())
    schema = toy_schema(extensions=[extension])
    for _ in range(3):
        context = Context(Station(tool=tool_of("saw")))
        result = await schema.execute("{tool{name}}", context_value=context)
        assert result.data == {"tool": {"name": "saw"}}
    assert (extension.documents.hits, extension.documents.misses) == (2, 1)


async def test_two_sets_of_limits_do_not_share_their_memory() -> None:
    wide, narrow = checks(Limits()), checks(Limits(depth=1))
    query = "{tool{name}}"
    wide_result = await toy_schema(extensions=[wide]).execute(query, context_value=Context())
    narrow_result = await toy_schema(extensions=[narrow]).execute(query, context_value=Context())
    assert wide_result.errors is None
    assert narrow_result.errors is not None


def test_documents_are_forgotten_when_they_weigh_too_much() -> None:
    documents, schema = Documents(most_tokens=100), graphql_schema()
    asked = [Asked(schema, (), f"{{a{n}}}") for n in range(60)]
    for one in asked:
        documents.keep(one, parse(one.text))
    # Three tokens each.
    assert len(documents) == 33
    assert documents.find(asked[0]) is None
    assert documents.find(asked[-1]) is not None


def test_what_was_used_last_is_forgotten_last() -> None:
    documents, schema = Documents(most_tokens=12), graphql_schema()
    asked = [Asked(schema, (), f"{{a{n}}}") for n in range(5)]
    for one in asked[:4]:
        documents.keep(one, parse(one.text))
    documents.find(asked[0])
    documents.keep(asked[4], parse(asked[4].text))
    assert [documents.find(one) is not None for one in asked] == [True, False, True, True, True]


def test_a_document_that_would_push_out_all_others_is_not_kept() -> None:
    documents = Documents(most_tokens=100)
    asked = Asked(graphql_schema(), (), "{a} #" + "x" * 1_000)
    documents.keep(asked, parse(asked.text))
    assert len(documents) == 0


def test_the_same_text_of_two_schemas_is_two_documents() -> None:
    documents = Documents()
    documents.keep(Asked(graphql_schema(), (), "{a}"), parse("{a}"))
    assert documents.find(Asked(graphql_schema(), (), "{a}")) is None
