// The rulebase, and why.

import { $, Rows, ask, el, shown } from "/page.js";

const COLUMNS = [
  ["#", "pos"], ["name", "name"], ["from", "zone"], ["to", "zone"], ["source", "addr"], ["destination", "addr"],
  ["application", "app"], ["service", "svc"], ["action", "act"], ["profile", "prof"], ["why it is there", "because"],
];

const STATES = { added: "new", changed: "changed", moved: "moved", deleted: "deleted", planned: "planned" };

let all = [];
let hit = null;
let subject = null;

const head = el("div", { class: "head", role: "row" }, COLUMNS.map(([name, kind]) => el("span", { class: kind, role: "columnheader" }, name)));
const rows = new Rows($("rules"), { key: (rule) => `${rule.state === "deleted" ? "-" : ""}${rule.name}`, draw, pick, head });

/** What is in the running and in the candidate configuration. */
export function setRules(rules) {
  all = rules;
  show();
  again();
}

export const selectedRule = () => all.find((rule) => rule.name === rows.selected) ?? null;

export function redraw() {
  rows.forget();
  if (subject) explain(subject);
}

function show() {
  const which = document.querySelector("input[name=which]:checked").value;
  const text = $("rule-filter").value.trim().toLowerCase();
  const has = (rule) => !text || shown(JSON.stringify([rule.name, rule.source, rule.destination, rule.application, rule.service, rule.serves, rule.tags]))
    .toLowerCase().includes(text);
  const is = { all: () => true, ours: (rule) => rule.ours, work: (rule) => rule.state !== "running" || rule.by.length > 0 }[which];
  rows.set(all.filter((rule) => is(rule) && has(rule)));
  const number = (state) => all.filter(state).length;
  const work = number((rule) => !["running", "planned"].includes(rule.state));
  const rules = number((rule) => rule.position);
  $("rule-count").textContent = `${rules} ${rules === 1 ? "rule" : "rules"}, ${number((rule) => rule.ours && rule.position)} ours`
    + (work ? `, ${work} not committed` : "");
}

function draw(rule) {
  const list = (kind, members) => el("span", { class: kind, role: "gridcell", title: shown(members.join("\n")) }, shown(members.join(", ")));
  const badges = [STATES[rule.state], rule.disabled && "off"].filter(Boolean);
  const by = rule.by.filter((admin) => admin !== "drawbridge");
  const classes = ["rule", rule.state, rule.ours && "ours", rule.disabled && "off", rule.name === hit && "hit", rule.bottom && "bottom"];
  return el("div", { class: classes.filter(Boolean).join(" "), role: "row", "data-name": rule.name, "data-state": rule.state },
    el("span", { class: "pos", role: "gridcell" }, rule.position ? String(rule.position) : "–"),
    el("span", { class: "name", role: "gridcell", title: rule.name }, el("b", {}, shown(rule.name)),
      badges.map((badge) => el("i", { class: "badge" }, badge)), by.length > 0 && el("i", { class: "badge who" }, by.join(", "))),
    list("zone", rule.from), list("zone", rule.to), list("addr", rule.source), list("addr", rule.destination),
    list("app", rule.application), list("svc", rule.service),
    el("span", { class: `act ${rule.action}`, role: "gridcell" }, rule.action),
    el("span", { class: "prof", role: "gridcell", title: rule.log ? `logs to ${rule.log}` : null }, rule.profile),
    because(rule));
}

/** The cause and the permission behind a rule, or what is to become of it. */
function because(rule) {
  const parts = [];
  if (rule.planned) parts.push(rule.planned);
  else if (rule.bottom) parts.push("the bottom rule: ours stand above it");
  if (rule.cause) parts.push(rule.cause);
  if (rule.serves) parts.push(`${rule.serves.slice(0, 2).join(", ")}${rule.serves.length > 2 ? ` and ${rule.serves.length - 2} more` : ""}`);
  const text = shown(parts.join(" · "));
  return el("span", { class: "because", role: "gridcell", title: text }, text);
}

function pick(rule) {
  $("chosen").textContent = `with ${shown(rule.name)}`;
  explain(rule.name, rule);
}

/** Asks why, and shows the answer. Of a packet the rule that it hits is marked. */
export async function explain(asked, rule = null) {
  subject = asked;
  $("subject").textContent = shown(asked);
  try {
    const answer = await ask("/explain", { subject: asked });
    if (subject !== asked) return;
    const lines = answer.explanation.map(branch);
    if (answer.packet) lines.unshift(met(answer));
    $("told").replaceChildren(el("ul", { class: "tree" }, lines), ...(rule ? [facts(rule)] : []));
    mark(answer.packet ? answer.met : null, answer.packet);
  } catch (error) {
    if (subject !== asked) return;
    $("told").replaceChildren(el("p", { class: "bad" }, shown(error.message)));
    mark(null, false);
  }
}

function branch({ what, because }) {
  const tone = /(: |^)(exposed|allowed)|wants .*(our rule|allowed already)/.test(what) ? "good" : /not exposed|denied|no rule/.test(what) ? "bad" : "";
  return el("li", { class: tone }, shown(what), because.length > 0 && el("ul", {}, because.map(branch)));
}

function met({ met: name, any_application: any }) {
  const test = `the firewall's own test${any ? ", with whatever application" : ""}: `;
  return el("li", { class: "verdict" }, test, name ? ["rule ", el("b", {}, shown(name))] : "no rule, the default decides");
}

function facts(rule) {
  const known = { tags: rule.tags.join(", "), description: rule.description, "log setting": rule.log, "uncommitted by": rule.by.join(", ") };
  const pairs = Object.entries(known).filter(([, value]) => value);
  return el("dl", {}, pairs.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, shown(value))]));
}

function mark(name, reveal) {
  if (hit === name) return;
  hit = name;
  rows.forget();
  if (name && reveal) rows.reveal(Math.max(0, rows.items.findIndex((rule) => rule.name === name)));
}

let waiting;

/** What is explained may be another thing by now. */
export function again() {
  if (!subject) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => explain(subject, selectedRule()?.name === subject ? selectedRule() : null), 250);
}

$("rule-filter").addEventListener("input", show);
document.querySelectorAll("input[name=which]").forEach((choice) => choice.addEventListener("change", show));
$("packet").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = event.target.elements.subject;
  explain(input.value.trim() || input.placeholder);
});
$("rules").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && selectedRule()) $("told").focus();
});
