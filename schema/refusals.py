"""What GraphQL refuses before any resolver runs, as errors with codes."""

from collections.abc import Collection

from graphql import GraphQLError, Node

from domain.errors import Denied, Invalid, ProvisionerError, Unavailable, Unsupported


class ParseFailed(Invalid):
    """The document is no GraphQL."""

    code = "GRAPHQL_PARSE_FAILED"
    title = "Document Not Understood"
    meaning = "The text of the operation is not GraphQL."
    remedy = "Correct the document at the line and column that `locations` names."


class ValidationFailed(Invalid):
    """The document is GraphQL, but does not fit this schema."""

    code = "GRAPHQL_VALIDATION_FAILED"
    title = "Document Does Not Fit"
    meaning = "The operation asks for something that the schema does not have, or in a wrong way."
    remedy = "Compare the operation with /schema.graphql; GraphiQL at /graphql shows what is wrong."


class VariablesInvalid(Invalid):
    """A variable is missing or of another type than the document says."""

    code = "GRAPHQL_VARIABLES_INVALID"
    title = "Variables Do Not Fit"
    meaning = "A variable is missing, or its value is not of the type that the document declares."
    remedy = "Send the variable that the message names with a value of its type."


class OperationUnknown(Invalid):
    """The request does not say which operation of the document is meant."""

    code = "GRAPHQL_OPERATION_UNKNOWN"
    title = "Operation Unknown"
    meaning = "The document has no operation of this name, or several and none was named."
    remedy = "Send `operationName` as one of the document's operations is named."


class OperationRefused(Unsupported):
    """This way of asking does not run this kind of operation."""

    code = "GRAPHQL_OPERATION_REFUSED"
    title = "Operation Not Possible Here"
    meaning = "GET runs queries only, POST no subscriptions."
    remedy = "Send mutations by POST; subscribe over the WebSocket (graphql-transport-ws)."


class RequestMalformed(Invalid):
    """The HTTP request is no GraphQL request."""

    code = "GRAPHQL_REQUEST_INVALID"
    title = "Not a GraphQL Request"
    meaning = "The body is not one JSON object with a `query`, or a member has a wrong type."
    remedy = 'Send {"query": "...", "variables": {...}, "operationName": "..."}, one at a time.'


class DocumentNotTrusted(Denied):
    """The station runs trusted documents only, and this is none."""

    code = "GRAPHQL_DOCUMENT_NOT_TRUSTED"
    title = "Document Not Trusted"
    meaning = "This station runs only the documents of its setting `trusted_documents`."
    remedy = (
        "Have the document put into that file (docs/trusted-documents.md), or send one that is."
    )


class MediaTypeRefused(Unsupported):
    """The body is not JSON."""

    code = "GRAPHQL_MEDIA_TYPE_UNSUPPORTED"
    title = "Unsupported Media Type"
    meaning = "GraphQL takes bodies of application/json in UTF-8 only."
    remedy = "Send `Content-Type: application/json`."


class AcceptRefused(Unsupported):
    """The client accepts nothing that GraphQL can answer in."""

    code = "GRAPHQL_NOT_ACCEPTABLE"
    title = "Not Acceptable"
    meaning = "GraphQL answers in application/graphql-response+json or application/json."
    remedy = "Name one of them in the header `Accept`, or leave it out."


class MethodRefused(Unsupported):
    """The method does not do this; `allowed` are those that do."""

    code = "GRAPHQL_METHOD_NOT_ALLOWED"
    title = "Method Not Allowed"
    meaning = "GraphQL takes GET (queries) and POST (queries and mutations)."
    remedy = "Use one of the methods that the header Allow names."

    def __init__(self, message: str, *, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.allowed = allowed


class DepthLimit(Invalid):
    """The operation nests too deeply."""

    code = "DEPTH_LIMIT"
    title = "Operation Too Deep"
    meaning = "The selections nest deeper than `station { limits { depth } }`."
    remedy = "Ask for the inner part in an operation of its own."


class TokenLimit(Invalid):
    """The document is too long."""

    code = "TOKEN_LIMIT"
    title = "Document Too Long"
    meaning = "The document has more tokens than `station { limits { tokens } }`."
    remedy = "Ask for less in one document; put values into variables."


class AliasLimit(Invalid):
    """The operation asks for too many fields under other names."""

    code = "ALIAS_LIMIT"
    title = "Too Many Aliases"
    meaning = "The operation has more aliases than `station { limits { aliases } }`."
    remedy = "Ask for a list instead of the same field many times, or in several operations."


class RootFieldLimit(Invalid):
    """The operation asks for too many things at once."""

    code = "ROOT_FIELD_LIMIT"
    title = "Too Many Root Fields"
    meaning = "The operation has more root fields than the limits allow."
    remedy = "Send several operations."


class OperationLimit(Unavailable):
    """One WebSocket runs too many operations at once."""

    code = "OPERATION_LIMIT"
    title = "Too Many Operations"
    meaning = "The socket already runs `station { limits { operationsPerSocket } }` operations."
    remedy = "Complete an operation first, or open another WebSocket."


class ExecutionTimeout(Unavailable):
    """The answer took too long."""

    code = "EXECUTION_TIMEOUT"
    title = "Execution Timed Out"
    meaning = "The query, or one event of the subscription, took longer than the limit."
    remedy = "Ask for less at once; `station { parts }` tells whether a part of the station hangs."


def refused(error: ProvisionerError, nodes: Collection[Node] | None = None) -> GraphQLError:
    """Returns `error` as GraphQL tells it, with its code and where in the document it is."""
    return GraphQLError(error.message, nodes, original_error=error, extensions={"code": error.code})


def coded(error: GraphQLError, code: str) -> GraphQLError:
    """Returns the error itself, with `extensions.code` unless it has one."""
    error.extensions = {"code": code, **(error.extensions or {})}
    return error
