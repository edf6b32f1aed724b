"""docs/operations.md says of every code what the doctor says, and the doctor knows every code that the product does."""

from pathlib import Path

from operations.doctor.causes.cause import Service
from operations.doctor.causes.table import CAUSES
from publisher.errors import codes
from publisher.resource_ids import fold

PAGE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## What error codes mean\n")[2].partition("\n## ")[0]
WORDS = ("role", "settings", "identity")


def documented() -> dict[str, list[str]]:
    """The rows of the page, by the heading that they stand under."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in SECTION.splitlines():
        if line.startswith("### "):
            heading = line.removeprefix("### ")
        elif line.startswith("| ") and not line.startswith("| code"):
            found.setdefault(heading, []).append(line)
    return found


def expected() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for cause in CAUSES:
        shown = ", ".join(f"`{code}`" for code in cause.codes)
        next_step = cause.next_step
        for word in WORDS:
            next_step = next_step.replace(f"{{{word}}}", f"*{word}*")
        found.setdefault(str(cause.service), []).append(f"| {shown} | {cause.cause} | {next_step} |")
    return found


def test_the_page_says_of_every_code_what_the_doctor_says() -> None:
    assert documented() == expected()


def test_the_doctor_knows_every_code_that_means_something_to_the_product() -> None:
    of_arm = {fold(code) for cause in CAUSES if cause.service is Service.RESOURCE_MANAGER for code in cause.codes}
    of_entra = {code for cause in CAUSES if cause.service is Service.SIGN_IN for code in cause.codes}
    assert {code.removeprefix("aadsts") for code in codes._KINDS} <= of_arm | of_entra
