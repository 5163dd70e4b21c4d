"""Who asks, in which role, from where and through which door."""

from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum

from domain.errors import Denied


class Role(IntEnum):
    """What a caller may do; each role may do what those below it may (design 6)."""

    NOBODY = 0
    VIEWER = 1
    OPERATOR = 2
    ENGINEER = 3
    KEY_OFFICER = 4

    @property
    def words(self) -> str:
        """The role as people write it: `key-officer`."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def from_words(cls, words: str) -> "Role":
        """Returns the role written `words`; raises ValueError for any other text."""
        for role in cls:
            if role.words == words and role is not cls.NOBODY:
                return role
        raise ValueError(f"{words!r} is no role; roles are viewer, operator, engineer, key-officer")


class RoleTooLow(Denied):
    """The caller is known and may not do this."""

    code = "ROLE_TOO_LOW"
    title = "Role Too Low"
    meaning = "The operation needs a higher role than the caller has."
    remedy = (
        "Use a token of the role that the message names; docs/roles.md lists what each role may do."
    )


class Unauthenticated(Denied):
    """The station wants a token and none that it knows came."""

    code = "UNAUTHENTICATED"
    title = "Login Required"
    meaning = "Tokens are configured on this station and the request carried none that is valid."
    remedy = "Send `Authorization: Bearer <token>`; `provisioner-service token` makes one."


@dataclass(frozen=True, slots=True)
class Caller:
    """One request's asker.

    `name` is a person's or a program's name (`local` for the nameless local caller); `address` is
    the peer's IP, or what a configured proxy says it is; `peer_address` is always the
    transport's; `entry` is the legacy route literal of contract audit section 3
    (`/devices/<serial>`) or `/graphql#rootField`; `surface` is `rest`, `graphql` or `websocket`.
    """

    name: str
    role: Role
    address: str
    peer_address: str
    user_agent: str
    entry: str
    surface: str
    correlation_id: str

    def entering(self, entry: str, *, surface: str) -> "Caller":
        """Returns the same caller at `entry` of `surface`."""
        return Caller(
            self.name,
            self.role,
            self.address,
            self.peer_address,
            self.user_agent,
            entry,
            surface,
            self.correlation_id,
        )

    def require(self, role: Role) -> None:
        """Raises `Unauthenticated` or `RoleTooLow` unless the caller has `role` or a higher one."""
        if self.role >= role:
            return
        if self.role is Role.NOBODY:
            raise Unauthenticated("This station asks for a token; send it as a bearer token.")
        raise RoleTooLow(
            f"This needs the role {role.words}; {self.name} has the role {self.role.words}. "
            f"Ask somebody with the role {role.words}, or use such a token."
        )


acting: ContextVar[Caller | None] = ContextVar("acting", default=None)
"""Whose change runs in this task, for what is written down far below it; None where the service
acts by itself. `resolvers.operation` sets it."""
