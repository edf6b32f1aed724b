// Validates workflows with GitHub's own language service. Reads {path: text} from standard input and writes
// {path: [{line, column, message}]} to standard output. checks/workflows.py bundles and calls it: the package is written
// for bundlers and does not load in Node.js as it is.
import { validate } from "@actions/languageservice";
import { TextDocument } from "vscode-languageserver-textdocument";

// Which variables, secrets and inputs an environment has is not written in the repository.
const UNKNOWABLE = /^Context access might be invalid/;

async function main(texts) {
  const found = {};
  for (const [path, text] of Object.entries(texts)) {
    const document = TextDocument.create(`file:///${path}`, "yaml", 1, text);
    const diagnostics = await validate(document);
    found[path] = diagnostics
      .filter((diagnostic) => !UNKNOWABLE.test(diagnostic.message))
      .map(({ range, message }) => ({ line: range.start.line + 1, column: range.start.character + 1, message }));
  }
  return found;
}

const chunks = [];
process.stdin.on("data", (chunk) => chunks.push(chunk));
process.stdin.on("end", () => {
  main(JSON.parse(Buffer.concat(chunks).toString("utf8"))).then((found) => process.stdout.write(JSON.stringify(found)));
});
