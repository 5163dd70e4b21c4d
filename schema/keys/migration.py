"""The wrapping of secrets that are still plain."""

from typing import Annotated

import strawberry

from domain.keys.secrets_at_rest import Migration, Target, WrappingResult
from resolvers.keys.secrets_at_rest import migrate_secrets
from schema.context import Info, who
from schema.enums import describe_enum
from schema.errors import Problem, Problems

describe_enum(
    Target,
    description="Which secrets to wrap.",
    values={
        Target.PIN: "The stored PIN of the token.",
        Target.KEY: "The key's file that the configuration names.",
        Target.ALL: "The PIN and the key's file that the configuration names.",
        Target.EVERYTHING: "The PIN and the files of all registered keys.",
    },
)


@strawberry.input(description="Which secrets to wrap.")
class MigrateSecretsInput:
    """Input of `migrateSecrets`."""

    target: Target = strawberry.field(
        default=Target.EVERYTHING, description="Which; absent: everything."
    )


@strawberry.type(description="One file with a secret, and how its wrapping ended.")
class MigratedSecret:
    """One file."""

    path: str = strawberry.field(description="The file.")
    is_wrapped: bool = strawberry.field(description="Whether it is wrapped, now or since before.")
    problem: str | None = strawberry.field(
        description="Why it is still plain; null when it is wrapped."
    )


@strawberry.type(description="What became of the secrets; each file for itself.")
class SecretsMigrated:
    """Success of `migrateSecrets`, also where a file is still plain."""

    is_complete: bool = strawberry.field(description="Whether all that was meant is wrapped.")
    secrets: list[MigratedSecret] = strawberry.field(description="Every file that was looked at.")


MigrateSecretsResult = Annotated[
    SecretsMigrated | Problem,
    strawberry.union("MigrateSecretsResult", description="What became of each, or why not."),
]


def _secret(result: WrappingResult) -> MigratedSecret:
    return MigratedSecret(
        path=result.path, is_wrapped=not result.problem, problem=result.problem or None
    )


def _migrated(done: Migration) -> SecretsMigrated:
    pins = [done.pin] if done.pin else []
    secrets = [_secret(result) for result in (*pins, *done.keys)]
    return SecretsMigrated(is_complete=not done.problems, secrets=secrets)


@strawberry.type
class SecretMutations:
    """Changes of secrets."""

    @strawberry.mutation(
        description="Wraps what is still plain with the board's own key (role key-officer).",
        extensions=[Problems()],
    )
    async def migrate_secrets(
        self,
        info: Info,
        input: Annotated[
            MigrateSecretsInput | None, strawberry.argument(description="Which secrets.")
        ] = None,
    ) -> MigrateSecretsResult:
        """Migrates."""
        target = input.target if input else Target.EVERYTHING
        return _migrated(await migrate_secrets(*who(info), target=target))
