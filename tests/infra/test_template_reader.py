"""The reader of Bicep and what it computes: the same as ARM, or an error, never a guess."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checks.bicep import INFRASTRUCTURE
from checks.reach.scenarios import scenarios
from checks.templates.deployment import deploy
from checks.templates.parser import read
from checks.templates.syntax import NotUnderstood
from checks.templates.values import AtRuntime


def outputs(folder: Path, text: str, **parameters: Any) -> dict[str, Any]:
    (folder / "main.bicep").write_text(text)
    return dict(deploy(parameters, folder).outputs)


EXPRESSIONS = {
    # What tree-sitter's grammar reads in another way.
    "!yes ? names : both.c": 3,
    "!yes && both.missing": False,
    "1 + 2 * 3 - 4 / 2": 5,
    "interval.minutes * 5 / 2": 37,
    "yes || both.missing": True,
    "1 < 2 == yes": True,
    "(1 + 2) * 3": 9,
    "-3 + 5": 2,
    "'it\\'s ${both.c} of ${names[1]} and \\${more}'": "it's 3 of b and ${more}",
    "'\\u{1f600}\\n'": "\U0001f600\n",
    "'''\nraw ${x} 'y'\n'''": "raw ${x} 'y'\n",
    "'${yes}'": "true",
    "null": None,
    "empty(names) ? 'none' : names[0]": "a",
    "[for (name, i) in names: '${i}${name}']": ["0a", "1b"],
    "[for item in items(both): item.key]": ["b", "c"],
    "concat(names, [\n  'c'\n])": ["a", "b", "c"],
    "concat('a', 'b')": "ab",
    "union(names, [\n  'b'\n  'c'\n])": ["a", "b", "c"],
    "union(both, {\n  c: 4\n})": {"b": {"d": 2}, "c": 4},
    "contains(names, 'a') && contains('abc', 'b')": True,
    "split(replace('a, b', ' ', ''), ',')": ["a", "b"],
    "string(5)": "5",
    "string({\n  a: yes\n})": '{"a": true}',
    "toLower('ABC')": "abc",
}
HEAD = """
var yes = true
var names = [
  'a'
  'b'
]
var interval = {
  minutes: 15
}
// Later ones may be used before.
var copy = both
var both = {
  c: 3
  b: {
    d: 2
  }
}
"""


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS.items())
def test_expressions_come_to_what_arm_computes(tmp_path: Path, expression: str, expected: object) -> None:
    assert outputs(tmp_path, f"{HEAD}\noutput result object = {expression}\n") == {"result": expected}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("output x string = missing", "main.bicep: missing is not declared, or in terms of itself"),
        ("var a = b\nvar b = a", "in terms of itself"),
        ("output x string = map(names, n)", "the function map is not known"),
        ("output x string = both.nothing", "KeyError('nothing')"),
        ("output x string = both.?c", "where a name is expected"),
        ("output x int = 'a' ? 1 : 2", "neither true nor false"),
        ("output x array = [for a in both: a]", "a loop over {"),
        ("output x array = [\n  1 2\n]", "an item that does not end with its line"),
        ("output x string = 'a", "a text without an end"),
        ("func f() string => 'x'", "func begins no declaration that is known"),
        ("param x string", "nobody gives x a value"),
        ("module m 'missing.bicep' = {\n  name: 'm'\n}", "missing.bicep: No such file"),
        ("resource r 'Microsoft.X/y@1' = {\n  name: 'a/b'\n}", "takes 1 names and not 2"),
        ("resource r 'Microsoft.X/y@1' = 5", "r is no object"),
        ("var x = '${both}'", "is no text"),
        ("var x", "x has no value"),
    ],
)
def test_what_is_not_understood_is_an_error_with_its_place(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(NotUnderstood) as refused:
        outputs(tmp_path, f"{HEAD}\n{line}\n")
    assert message in str(refused.value)


def test_a_parameter_that_no_template_has_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotUnderstood, match="there is no parameter more"):
        outputs(tmp_path, "param x string = 'a'\n", more=1)


def test_modules_get_their_values_and_put_out_theirs(tmp_path: Path) -> None:
    (tmp_path / "part.bicep").write_text(
        "param names array\n"
        "resource ones 'Microsoft.X/y@1' = [for name in names: {\n  name: name\n}]\n"
        "resource child 'Microsoft.X/y/z@1' = if (names[0] == 'a') {\n  parent: ones[0]\n  name: 'c'\n}\n"
        "resource link 'Microsoft.A/b@1' = {\n  scope: child\n  name: 'l'\n}\n"
        "output first string = ones[0].properties.key\n"
        "output id string = link.id\n"
    )
    text = "module part 'part.bicep' = {\n  name: 'p'\n  params: {\n    names: [\n      'a'\n      'b'\n    ]\n  }\n}\n"
    text += "output key string = 'x-${part.outputs.first}'\noutput id string = part.outputs.id\n"
    text += "output plain string = part.outputs.first\n"
    (tmp_path / "main.bicep").write_text(text)
    deployment = deploy({}, tmp_path)
    assert [(one.type, one.name) for one in deployment.resources] == [
        ("Microsoft.X/y", "a"),
        ("Microsoft.X/y", "b"),
        ("Microsoft.X/y/z", "c"),
        ("Microsoft.A/b", "l"),
    ]
    assert deployment.outputs["key"] == "x-{a.properties.key}"
    assert deployment.outputs["id"].endswith("/Microsoft.X/y/a/z/c/providers/Microsoft.A/b/l")
    assert isinstance(deployment.outputs["plain"], AtRuntime)


def test_every_file_of_ours_is_read_and_every_scenario_computed() -> None:
    for path in INFRASTRUCTURE.rglob("*.bicep"):
        assert read(path)
    made = [len(deploy(parameters).resources) for parameters in scenarios()]
    assert min(made) > 80
    assert len(set(made)) > 4
