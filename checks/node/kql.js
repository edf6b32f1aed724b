// Parses and binds KQL with Microsoft's own language service. Reads {"tables": [...], "queries": {name: text}} from
// standard input and writes, by name, {"columns": [{name, type}], "diagnostics": [{line, column, severity, code, message}]}
// to standard output. checks/kql.py is the caller.
"use strict";

require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");

const { Symbols, GlobalState, KustoCode } = Kusto.Language;

function list(items) {
  return Array.from({ length: items.Count }, (_, index) => items.getItem(index));
}

function table(schema) {
  const columns = schema.columns.map((column) => `['${column.name}']: ${column.type}`).join(", ");
  return Symbols.TableSymbol.From(`(${columns})`).WithName(schema.name);
}

function described(diagnostic, text) {
  const before = text.slice(0, diagnostic.Start).split("\n");
  return {
    line: before.length,
    column: before[before.length - 1].length + 1,
    severity: diagnostic.Severity,
    code: diagnostic.Code,
    message: diagnostic.Message,
  };
}

function analysed(text, globals) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  const result = code.ResultType;
  const columns = result && result.Columns ? list(result.Columns) : [];
  return {
    columns: columns.map((column) => ({ name: column.Name, type: column.Type.Name })),
    diagnostics: list(code.GetDiagnostics()).map((diagnostic) => described(diagnostic, text)),
  };
}

function main(input) {
  const database = new Symbols.DatabaseSymbol.ctor("workspace", input.tables.map(table));
  const globals = GlobalState.Default.WithDatabase(database);
  return Object.fromEntries(Object.entries(input.queries).map(([name, text]) => [name, analysed(text, globals)]));
}

const chunks = [];
process.stdin.on("data", (chunk) => chunks.push(chunk));
process.stdin.on("end", () => {
  process.stdout.write(JSON.stringify(main(JSON.parse(Buffer.concat(chunks).toString("utf8")))));
});
