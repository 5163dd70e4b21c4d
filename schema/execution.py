"""The executor: graphql-core's, with a short way for fields that only read an attribute.

The answer is the stock one in every case. Paths and resolve infos are built when an error or a
resolver needs them; what is known of a field is decided once for each selection (`plans`), and
for documents without directives once for all requests.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, ClassVar, TypeVar, cast

from graphql import ExecutionResult, GraphQLError, GraphQLObjectType, GraphQLOutputType
from graphql.execution.collect_fields import CollectedFields, DeferUsage, FieldDetailsList
from graphql.execution.collect_fields import GroupedFieldSet
from graphql.execution.executor import Executor, collect_iterator_awaitables, to_nodes
from graphql.language import OperationType
from graphql.pyutils import AwaitableOrValue, Path, Undefined, gather_with_cancel
from graphql.type import GraphQLResolveInfo
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from schema.limits import Limits
from schema.plans import Plan, PlannedField, Where, as_path, leaf_of, nullable_type, is_told_apart
