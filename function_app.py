"""The Functions app (Python v2 model): registers the blueprints, nothing else."""

import azure.functions as func

from collector.blueprint import blueprint as collector_blueprint

app = func.FunctionApp()
app.register_functions(collector_blueprint)
