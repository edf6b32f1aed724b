import { html } from "../vendor/lit-html/lit-html.js";
export const plans = () => html`<section class="panel"><h2 tabindex="-1">plans</h2></section>`;
