import { html } from "../vendor/lit-html/lit-html.js";
export const alerts = () => html`<section class="panel"><h2 tabindex="-1">alerts</h2></section>`;
