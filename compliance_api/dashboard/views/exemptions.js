import { html } from "../vendor/lit-html/lit-html.js";
export const exemptions = () => html`<section class="panel"><h2 tabindex="-1">exemptions</h2></section>`;
