"""Secrets in a text of others, masked: passwords, keys, signatures, tokens, whole connection strings.

A gateway may repeat a request in its answer, and a failed deployment its parameters. A secret is known by its name
(`_NAMES`), whatever carries name and value: a connection string, a header, a query or a form, JSON, XML, the pairs of
name and value of app settings; each of them as it is, percent-encoded, escaped in JSON or in HTML, once or twice. Some
are known without a name, by their form.
"""

import functools
import re
from typing import Final

_MASK: Final = "…"
_GAP: Final = r"(?:[ _.-]|%(?:25)?(?:5F|2D|20))?"
"""Stands for `~` in names: `client_secret`, `clientSecret`, `client-secret`, `client%5Fsecret`, `client secret`."""

_LEFT: Final = (
    r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-F][0-9A-F])|(?<=%25[0-9A-F][0-9A-F])|(?<=\\[nrt])|(?<=u00[0-9A-F][0-9A-F]))"
)
"""The beginning of a word, also behind an encoded character."""

_NAMES: Final = (
    r"secrets?(?:~(?:text|value|key))?",
    r"pwd|pass~(?:word|phrase|code)|passwd",
    r"(?:access|account|api|auth|client|encryption|endpoint|functions?|host|instrumentation|master)~key[12]?",
    r"(?:primary|private|sas|secondary|shared|shared~access|signing|storage|subscription)~key[12]?",
    r"shared~access~signature|sas~(?:url|uri)",
    r"(?:access|refresh|id|sas|auth|security|session|bearer)~token|assertion",
    r"connection~string",
    r"(?<!microsoft\.)authorization(?:-auxiliary)?|cookie",
)
"""Names of secrets, and how names of secrets end: `AZURE_CLIENT_SECRET`, `adminPassword`, `x-functions-key`."""

_SHORT_NAMES: Final = r"sig|signature|token"
"""Names only as whole words, and only before `=` or as members of JSON: in a sentence they have other meanings."""

_QUERY_NAMES: Final = r"code|key|(?:x-)?(?:ms-)?token|p|pass"
"""Names only in the query of an address: `"code": "ResourceNotFound"` is no secret."""

_QUOTE: Final = r"(?:\\{0,8}+[\"']|%(?:25)*2[27]|\\{0,8}+u00(?:22|27)|&(?:quot|apos|#3[49]|#x2[27]);)"
_EQUALS: Final = r"(?:=>?|%(?:25)*3D|\\{0,8}+u003d|&#(?:61|x3d);)"
_COLON: Final = r"(?::|%(?:25)*3A|\\{0,8}+u003a|&#(?:58|x3a);)"
_LESS: Final = r"(?:<|%(?:25)*3C|\\{0,8}+u003c|&lt;)"
_GREATER: Final = r"(?:>|%(?:25)*3E|\\{0,8}+u003e|&gt;)"
_ASK: Final = r"(?:[?&]|%(?:25)*(?:3F|26)|\\{0,8}+u00(?:3f|26)|&amp;)"
_BLANK: Final = r"(?:\s|\+|%(?:25)*20|\\{1,8}+[nrt])"
_SCHEMES: Final = r"(?:bearer|basic|digest|negotiate|ntlm|shared~key(?:lite)?|shared~access~signature)".replace("~", "")

_QUOTED: Final = rf"\s*+{_BLANK}{{0,8}}(?P<quote>{_QUOTE})(?:(?P=quote){{2}}|(?!(?<!\\)(?P=quote)).)*+(?P=quote)?"
"""A quoted value, to its end or the text's; quotes that are doubled or escaped do not end it."""

_PART: Final = rf"{_BLANK}{{0,8}}[^;\r\n]{{1,128}}+(?=;\s*(?:[\w .-]{{1,40}}=|\Z))"
"""A value before another part of a connection string: it may have blanks and quotes."""

_PLAIN: Final = (
    rf"{_BLANK}{{0,8}}(?:{_SCHEMES}{_BLANK}{{1,8}})?"
    r"(?:\[[^\]]*+|\{[^}]*+"
    r"|(?:[^\s;\"'<>&]|[\"'](?=\w)|&amp;(?![\w.$%-]{1,40}=)|&(?!(?:amp;)?[\w.$%-]{1,40}=|(?:quot|apos|lt|gt|amp|#\w+);))++"
    r"(?:\r?\n[ \t]{0,8}(?=[a-z0-9+/]{0,100}[0-9+/=])[a-z0-9+/]{4,}+={0,2}(?=[ \t]{0,8}(?:[;\"'<\r\n]|\Z)))*+)"
)
"""A value to the next blank, `;` or quote, with the lines that a long key goes on in; a list or object to its end."""

_ANY: Final = "(?:{})".format("|".join(_NAMES).replace("~", _GAP))
_WORD: Final = r"(?-i:[A-Za-z][a-z]{0,15}(?![\w~+/%=-]|\.\w))"
_CHALLENGE: Final = r"(?:realm|scope|error\w*|authorization(?:_uri)?|resource(?:_id)?|client_id|claims|\w*issuers?)="


@functools.cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Return what finds secrets by their names, and then what finds those without one.

    They are compiled for the first text that is masked, because a run without failures has none.
    """
    return (
        re.compile(  # XML: <clientSecret>…</clientSecret>, <Property Name="clientSecret">…</Property>
            rf"(?P<kept>{_LESS}(?!/)[^<>&]{{0,80}}?{_ANY}(?![\w.-])(?:(?!{_GREATER})[^<>]){{0,80}}+(?<!/){_GREATER})"
            rf"(?:(?=\s*+{_LESS}!\[CDATA\[)(?:(?!\]\]).)++|(?:(?!{_LESS}(?:/|%2F)).){{1,1000}}+(?={_LESS}|\Z)|[^\s<>&]++)",
            re.IGNORECASE | re.DOTALL,
        ),
        re.compile(
            rf"(?P<kept>{_ANY}(?:{_QUOTE}?\s*+{_BLANK}{{0,8}}(?:{_EQUALS}|{_COLON})"
            rf"|{_QUOTE}\s*+,?\s*+{_QUOTE}?value{_QUOTE}?\s*+(?:{_EQUALS}|{_COLON}))"
            rf"|{_LEFT}(?:{_SHORT_NAMES})(?:{_EQUALS}|{_QUOTE}\s*+(?:{_EQUALS}|{_COLON}))"
            rf"|{_ASK}(?:{_QUERY_NAMES}){_EQUALS})"
            rf"(?:{_QUOTED}|{_PART}|{_PLAIN})",
            re.IGNORECASE | re.DOTALL,
        ),
        re.compile(  # a header without its name; `Bearer authentication` and `Bearer realm="…"` are none
            rf"\b(?P<kept>bearer{_BLANK}{{1,8}})(?!{_WORD}|{_CHALLENGE})[\w.~+/%-]{{6,}}+=*", re.IGNORECASE
        ),
        re.compile(
            rf"\b(?P<kept>basic{_BLANK}{{1,8}})(?=[a-z0-9+/]{{0,400}}(?:[0-9+/=]|%3D|(?-i:[A-Z]{{2}}|[a-z][A-Z][a-z]?[A-Z])))"
            r"[a-z0-9+/]{6,}+(?:=|%(?:25)?3D){0,2}(?![\w.-])",
            re.IGNORECASE,
        ),
        re.compile(
            rf"\b(?P<kept>shared(?:key(?:lite)?|accesssignature){_BLANK}{{1,8}})(?=[^\s]{{0,200}}?[:=%]\S)[^\s\"'<>]++",
            re.IGNORECASE,
        ),
        re.compile(r"(?P<kept>-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)(?:(?!-----END).)*+", re.DOTALL),
        re.compile(r"(?P<kept>)eyJ[\w-]{8,}+(?:\.[\w-]*+){0,4}+"),  # JSON Web Tokens
        re.compile(r"(?P<kept>://|:\\/\\/)(?:[^\s/?#@\"'<>\\]*+@)+"),  # who signs in, in an address
        re.compile(
            r"(?P<kept>%(?:25)*3A(?:%(?:25)*2F){2})(?:(?:(?!%(?:25)*(?:2F|3F|23|40))[^\s/?#\"'<>&])*+%(?:25)*40)+",
            re.IGNORECASE,
        ),
        re.compile(r"(?P<kept>)[\w~.]{3}\dQ~[\w~.-]{31,}", re.ASCII),  # secrets of Entra ID (gitleaks, trufflehog)
        re.compile(  # keys and signatures in base64, also in its form for addresses
            r"(?P<kept>)(?:(?:(?<![\w+/%])|(?<=%[013-9A-F][0-9A-F])|(?<=%2[0-9ACDE]))(?:[A-Za-z0-9+/]|%2[BFbf]){40,}+"
            r"|(?<![\w-])[\w-]{40,}+)"
            r"(?:={1,2}|(?:%(?:25)?3[Dd]){1,2}|(?:\\u003[Dd]){1,2})(?![\w\"'])",
            re.ASCII,
        ),
        re.compile(  # opaque tokens: longer than any name of Azure's, with digits and both letter cases
            r"(?P<kept>)(?<![\w.~+=-])(?=[^\s\d]{0,90}\d)(?=[^\sA-Z]{0,90}[A-Z])(?=[^\sa-z]{0,90}[a-z])[\w.~+=-]{100,}+",
            re.ASCII,
        ),
    )


def masked(text: str) -> str:
    """Return a text with "…" for each secret; its name stays. Takes time in proportion to the text's length."""
    for pattern in _patterns():
        text = pattern.sub(rf"\g<kept>{_MASK}", text)
    return text
