import { html } from "../vendor/lit-html/lit-html.js";
export const guard = () => html`<section class="panel"><h2 tabindex="-1">guard</h2></section>`;
