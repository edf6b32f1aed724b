"""The Functions app (Python v2 model): registers the blueprints that its role has, nothing else.

The setting APP_ROLE gives the role; without it, or with another value, the app does not start and says why. Blueprints
of other roles are not even imported. The probe's timer is there where PROBE_SCHEDULE gives its schedule.
"""

import os

import azure.functions as func

from publisher.configuration.timers import has_probe
from publisher.garbage import look_seldom
from publisher.roles import Role, role_from

look_seldom()
app = func.FunctionApp()
role = role_from(os.environ)

if role in (Role.FRONT, Role.LOCAL):
    from notification_endpoint.blueprint import blueprint as notification_endpoint

    app.register_functions(notification_endpoint)

if role in (Role.WORKER, Role.LOCAL):
    from collector.blueprint import blueprint as collector
    from registry.discovery.blueprint import blueprint as discovery
    from registry.notifications.blueprint import blueprint as notifications
    from verdicts.blueprint import blueprint as verdicts

    app.register_functions(notifications)
    app.register_functions(collector)
    app.register_functions(verdicts)
    app.register_functions(discovery)
    if has_probe(os.environ):
        from collector.probe_blueprint import blueprint as probe

        app.register_functions(probe)

if role in (Role.API, Role.LOCAL):
    from compliance_api.blueprint import blueprint as compliance_api

    app.register_functions(compliance_api)
