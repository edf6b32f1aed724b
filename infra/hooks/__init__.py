"""What stands around a deployment: checks before it, the values for Partner Center and a smoke test after it.

Plain Python and the Azure CLI: nothing has to be installed to deploy.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the python3 of a system may be older, and would end with a traceback
    sys.exit(
        "problem: the hooks need Python 3.11 or later as python3 on the PATH; this one is " + sys.version.split()[0]
    )
