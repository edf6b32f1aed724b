"""What stands around a deployment: checks before it, the values for Partner Center and a smoke test after it.

Plain Python and the Azure CLI: nothing has to be installed to deploy.
"""

import sys

# Before any module of this folder is read: an older Python would end with a traceback.
if sys.version_info < (3, 11):  # noqa: UP036 - the machine's own python3 runs this, whatever its version
    sys.exit(
        f"problem: {sys.executable} is Python {sys.version.split()[0]}, and 3.11 or later is needed: install it, "
        "and see to it that python3 (on Windows: python) starts it"
    )
