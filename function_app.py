"""The Functions app (Python v2 model): registers the blueprints, nothing else."""

import azure.functions as func

from collector.blueprint import blueprint as collector_blueprint
from compliance_api.blueprint import blueprint as compliance_blueprint
from notification_endpoint.blueprint import blueprint as notification_blueprint
from verdicts.blueprint import blueprint as verdicts_blueprint

app = func.FunctionApp()
app.register_functions(collector_blueprint)
app.register_functions(compliance_blueprint)
app.register_functions(notification_blueprint)
app.register_functions(verdicts_blueprint)
