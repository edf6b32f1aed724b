"""A fleet with one application of every kind, and the figures that everything has to say about it."""

from datetime import timedelta

from tests.queries.fleet import NOW, Fleet, State, bad, good

NONCOMPLIANT = {"violated", "held", "accepted", "disarmed"}
UNREAD = {"denied", "newcomer", "vanished"}
NOT_EVALUATED = {"undecided"}
COMPLIANT = {"sound", "exempt"}
TOTAL = len(NONCOMPLIANT | UNREAD | NOT_EVALUATED | COMPLIANT)

LAST_KNOWN = {"denied": "noncompliant", "newcomer": "unknown", "vanished": "compliant"}
"""What was known of the unread ones when they were last read."""

OPEN = {"violated": 2, "held": 1, "accepted": 1, "disarmed": 1, "denied": 1}
"""Open violations, also of whoever cannot be read."""

HELD = {"held": "NoStates", "disarmed": "Weakened", "denied": "Unread"}
"""Why violations that were not read as such again stay open."""

ALARMED = {"violated", "held", "disarmed", "denied"}
"""Whose violations alarm: everybody's but those that an operator accepted."""


def one_of_every_kind(fleet: Fleet) -> None:
    """Write three runs; after the latest, an hour before NOW, each application is what its name says, and `left` has left."""
    known = [good(), bad("b")]
    fleet.run(
        hours_ago=5,
        sound=[good()],
        violated=[good(), bad("a"), bad("b")],
        held=known,
        accepted=known,
        disarmed=known,
        denied=known,
        newcomer="AccessDenied",
        vanished=[good()],
        undecided=[good()],
        exempt=[good(), State("Exempt", "x")],
        left=known,
    )
    fleet.accept("accepted", until=NOW + timedelta(days=30))
    for hours_ago in (3, 1):
        fleet.run(
            hours_ago=hours_ago,
            weakened=["disarmed"],
            disarmed=[good(), good("b")],
            sound=[good()],
            violated=[good(), bad("a"), bad("b")],
            held=[good()],
            accepted=known,
            denied="AccessDenied",
            newcomer="AccessDenied",
            vanished="Vanished",
            undecided=[State("Unknown")],
            exempt=[good(), State("Exempt", "x")],
            left="Left",
        )
