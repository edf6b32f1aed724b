"""Queries for the guard and for Microsoft's parser: pieces of KQL put together at random, and then damaged."""

import random
from collections.abc import Callable

ELSEWHERE = (
    "cluster",
    "database",
    "workspace",
    "app",
    "arg",
    "adx",
    "resource",
    "external_table",
    "stored_query_result",
)
GAPS = (
    *[""] * 30, *[" "] * 30, "\n", "\n", "\t", "\n", "\r\n", "\r", "\u2028", "\u2029", "\u0085", "\u00a0", "\u200b", "\u2060", "\ufeff", "\u180e",
    "\u3000", "\v", "\f", "// note\n", "// note\r", "//\u2028", "// a\u0085\n", '// "\n', "// ```\n", "// it's\r\n", "/**/",
)  # fmt: skip
DAMAGE = (
    *"\"'`~\\/()[]{};|.#@hH,=\n\r\t",
    "\u2028",
    "\u0085",
    "\u200b",
    "\ufeff",
    "\u202e",
    '\\"',
    "//",
    "```",
    "~~~",
    "``",
)
WORDS = (
    "T",
    "PolicyVerdicts_CL",
    "Customer",
    "app",
    "database",
    "resource",
    "cluster",
    "Run_id",
    "x1",
    "straße",
    "日本",
    "_y",
)


class Maker:
    """Makes queries; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a corpus, no secret

    def query(self) -> str:
        """Return a query, one in three of them damaged in up to three places."""
        chance = self._random.random
        parts = [self._statement() for _ in range(self._random.choice((1, 1, 1, 2)))]
        text = self._gap().join([*parts[:-1], parts[-1]]) if len(parts) == 1 else f";{self._gap()}".join(parts)
        if chance() < 0.15:
            text = (
                self._one("// cluster('x')\n", ".show tables", "#connect x\n", self._gap(), "set notruncation;\n")
                + text
            )
        if chance() < 0.33:
            for _ in range(self._random.randint(1, 3)):
                place = self._random.randint(0, len(text))
                text = text[:place] + self._random.choice(DAMAGE) + text[place:]
        return text

    def _one(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _gap(self) -> str:
        return self._random.choice(GAPS)

    def _statement(self) -> str:
        kinds: tuple[Callable[[], str], ...] = (self._pipe, self._pipe, self._pipe, self._let, self._print)
        return self._random.choice(kinds)()

    def _let(self) -> str:
        body = self._random.choice((self._pipe, self._call, self._value))()
        return self._one(
            f"let f = () {{{self._gap()}{body}{self._gap()}}}; f()", f"let v = {body}; print v", f"let t = {body}"
        )

    def _print(self) -> str:
        return f"print{self._gap() or ' '}{self._name()} = {self._value()}"

    def _pipe(self) -> str:
        text = self._source()
        for _ in range(self._random.randint(0, 3)):
            text += f"{self._gap()}|{self._gap()}{self._operator()}"
        return text

    def _source(self) -> str:
        return self._one("T", "T", "T", "PolicyRuns_CL", "union T, U", f"union T, {self._call()}.T", "range x from 1 to 3 step 1",
                         f"{self._call()}.{self._call()}.T", "externaldata(a: string)['https://x/y']",
                         "datatable(a: string)['cluster(', 'b']", f"find in ({self._source_name()}) where a == 1")  # fmt: skip

    def _source_name(self) -> str:
        return self._one("T", f"{self._call()}.T")

    def _operator(self) -> str:
        gap, value = self._gap() or " ", self._value()
        return self._one(f"where{gap}{self._name()} == {value}", f"extend{gap}{self._name()} = {value}", "count", "take 5",
                         f"project {self._name()}, {self._name()}", f"summarize n = count() by {self._name()}",
                         f"join kind=inner ({self._source()}) on Run_id", f"where Customer in ({value}, {value})",
                         f"union{gap}({self._source()})", f"invoke{gap}f()", self._evaluate())  # fmt: skip

    def _evaluate(self) -> str:
        plugin = self._one("bag_unpack(x)", "pivot(a)", "http_request('u')", "python(typeof(*), 'x')", "sql_request('a', 'b')",
                           "['http_request']('u')")  # fmt: skip
        hint = self._one("", "", "hint.distribution = per_node ")
        return f"evaluate{self._gap() or ' '}{hint}{plugin}"

    def _name(self) -> str:
        word = self._random.choice(WORDS)
        return self._one(word, word, word, f"['{word}']", f'["{word}"]')

    def _call(self) -> str:
        word = self._random.choice(ELSEWHERE)
        word = self._one(word, word, word, word.upper(), word.title())
        word = self._one(word, word, word, f"['{word}']", f'["{word}"]')
        return f"{word}{self._gap()}({self._gap()}{self._string()}{self._gap()})"

    def _value(self) -> str:
        return self._one("1", "2.5", "1h", self._string(), self._string(), self._string(), self._name(), f"strcat({self._string()}, Customer)",
                         f"tolower({self._name()})", "datetime(2026-01-01)", f"datetime({self._one('', '', self._quote())}2026)",
                         f"dynamic([{self._string()}, 1])", f"toscalar({self._call()}.T | count)", "ago(1d)", "long(1)")  # fmt: skip

    def _quote(self) -> str:
        return self._one('"', "'", "```", "//")

    def _string(self) -> str:
        inside = "".join(self._one("a", " ", "cluster('x')", "app(", "\\n", "\\\\", "x.T", "é", "// ", ";", "| union", "~", "``",
                                   self._gap(), "\\q", "\\x41") for _ in range(self._random.randint(0, 3)))  # fmt: skip
        quote = self._one('"', "'")
        plain = inside.replace(quote, "")
        return self._one(
            f"{quote}{plain}{quote}", f"{quote}{plain}{quote}", f"h{quote}{plain}{quote}", f"@{quote}{plain}{quote}",
            f"h@{quote}{plain}{quote}{quote}{quote}", f"```{inside}```", f"~~~{inside.replace('~~~', '')}~~~", f"{quote}a\\{quote}{plain}{quote}",
            f"{quote}{plain}" if self._random.random() < 0.1 else "'x'",
        )  # fmt: skip
