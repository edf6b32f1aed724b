// Why a resource fails: Azure's evaluation details need rights at the customer, which the api does not have. So the page
// gives the command that somebody with these rights runs.

import { html } from "../vendor/lit-html/lit-html.js";

// A text as one word of a POSIX shell.
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// No filter by assignment: how Azure compares ids in filters is not documented, so the answer names each assignment instead.
export const commandFor = ({ id }) => `az policy state list --resource ${quoted(id)} --expand PolicyEvaluationDetails`
  + " --filter \"complianceState eq 'NonCompliant'\" --query '[].{assignment: policyAssignmentName, why: policyEvaluationDetails}'";

export function whyCommand(row) {
  const command = commandFor(row);
  const copy = async (event) => {
    const button = event.currentTarget;
    try {
      await navigator.clipboard.writeText(command);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(button.previousElementSibling);
      button.textContent = "Selected";
    }
  };
  return html`<details class="no-print why"><summary><small>Why does it fail?</small></summary>
    <p><small>Azure tells this to who has rights at the customer, which this page has not. Sign in to the Azure CLI as the publisher, and run:</small></p>
    <div class="command"><pre dir="ltr">${command}</pre><button type="button" @click=${copy}>Copy</button></div></details>`;
}
