// Tells with Microsoft's own parser what KQL calls. Reads {name: text} from standard input and writes, by name,
// {"command": whether it is a control command, "directives": number, "functions": [name], "plugins": [name],
// "externaldata": number, "errors": number of syntax errors} to standard output. checks/kql.py is the caller.
"use strict";

require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");

const { KustoCode } = Kusto.Language;
const { SyntaxKind } = Kusto.Language.Syntax;

function visit(node, found) {
  const count = node.ChildCount;
  switch (node.Kind) {
    case SyntaxKind.FunctionCallExpression:
      found.functions.push(node.Name.SimpleName);
      break;
    case SyntaxKind.EvaluateOperator:
      found.plugins.push(node.FunctionCall.Name.SimpleName);
      break;
    case SyntaxKind.ExternalDataExpression:
    case SyntaxKind.InlineExternalTableExpression:
      found.externaldata += 1;
      break;
    case SyntaxKind.Directive:
      found.directives += 1;
      break;
  }
  for (let index = 0; index < count; index += 1) {
    const child = node.GetChild(index);
    if (child) visit(child, found);
  }
}

function calls(text) {
  const code = KustoCode.Parse(text);
  const found = { command: code.Kind === "Command", directives: 0, functions: [], plugins: [], externaldata: 0 };
  const errors = code.GetSyntaxDiagnostics();
  found.errors = errors.Count ?? errors.length;
  visit(code.Syntax, found);
  return found;
}

const chunks = [];
process.stdin.on("data", (chunk) => chunks.push(chunk));
process.stdin.on("end", () => {
  const queries = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  process.stdout.write(JSON.stringify(Object.fromEntries(Object.entries(queries).map(([name, text]) => [name, calls(text)]))));
});
