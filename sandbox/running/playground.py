"""Plays customers at your request, for `make sandbox`: ``POST /customers/fabrikam/break`` and the like.

What happens to a customer here reaches the product only as it would in Azure: through Resource Manager, Azure Policy
and notifications.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

import orjson
from aiohttp import web

from sandbox.world.customers import Customer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.functions.process import Answer
    from sandbox.installation import Installation

    Action = Callable[[Customer], dict[str, Answer]]
    """What happens to a customer; returns the webhook's answers by notification."""

RESOURCE: Final = "storage1"
ASSIGNMENT: Final = "secure-transfer"

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9 -]{0,39}")


class Playground:
    """The customers of one installation, each under its name in lower case with dashes."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._actions: Final[Mapping[str, Action]] = {
            "break": _untold(lambda customer: customer.break_resource(RESOURCE, ASSIGNMENT)),
            "repair": _untold(Customer.repair),
            "revoke": _untold(Customer.revoke_access),
            "restore": _untold(Customer.grant_access),
            "delete": installation.delete,
        }

    def add_routes(self, app: web.Application) -> None:
        """Mount GET /customers, POST /customers/{name} (deploy) and POST /customers/{name}/{action}."""
        app.router.add_get("/customers", self._list)
        app.router.add_post("/customers/{name}", self._deploy)
        app.router.add_post("/customers/{name}/{action}", self._act)

    @property
    def actions(self) -> tuple[str, ...]:
        """What can be done with a customer."""
        return tuple(self._actions)

    async def _list(self, _: web.Request) -> web.Response:
        return _json(200, [_described(customer) for customer in self._customers().values()])

    async def _deploy(self, request: web.Request) -> web.Response:
        """A new customer deploys the application, and Azure notifies the webhook of it."""
        name = request.match_info["name"]
        if not _NAME.fullmatch(name):
            return _json(
                400, {"error": "a name has letters, digits, spaces and dashes, at most 40, and a letter first"}
            )
        if _slug(name) in self._customers():
            return _json(409, {"error": f"{_slug(name)} has deployed already"})
        customer = self._installation.sandbox.arm.add_customer(name)
        return await self._answered(customer, self._installation.deploy)

    async def _act(self, request: web.Request) -> web.Response:
        customer = self._customers().get(_slug(request.match_info["name"]))
        action = self._actions.get(request.match_info["action"])
        if customer is None or customer.deleted:
            return _json(404, {"error": f"the customers are {', '.join(self._customers())}"})
        if action is None:
            return _json(404, {"error": f"the actions are {', '.join(self._actions)}"})
        return await self._answered(customer, action)

    async def _answered(self, customer: Customer, act: Action) -> web.Response:
        # In a thread: the webhook's answer must not keep this server from receiving alerts.
        answers = await asyncio.to_thread(act, customer)
        notified = {notification: answer.status for notification, answer in answers.items()}
        return _json(200, _described(customer) | ({"notifications": notified} if notified else {}))

    def _customers(self) -> dict[str, Customer]:
        return {_slug(customer.name): customer for customer in self._installation.sandbox.arm.customers.all()}


def _untold(change: Callable[[Customer], object]) -> Action:
    """Return an action of which Azure sends no notification."""

    def act(customer: Customer) -> dict[str, Answer]:
        change(customer)
        return {}

    return act


def _described(customer: Customer) -> dict[str, Any]:
    states = [] if customer.deleted else customer.owned_states()
    return {
        "customer": _slug(customer.name),
        "applicationId": customer.application_id,
        "deployed": not customer.deleted,
        "publisherHasAccess": bool(customer.access) and not customer.deleted,
        "states": len(states),
        "noncompliantStates": sum(state["complianceState"] == "NonCompliant" for state in states),
    }


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")


def _json(status: int, body: Any) -> web.Response:
    return web.Response(
        status=status, body=orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE), content_type="application/json"
    )
