import { html } from "../vendor/lit-html/lit-html.js";
export const report = () => html`<section class="panel"><h2 tabindex="-1">report</h2></section>`;
