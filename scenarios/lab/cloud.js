// Instances with what is exposed and why not, and security groups.

import { $, Rows, el, perform, shown } from "/page.js";
import { explain } from "/rules.js";

let all = [];

const list = new Rows($("instances"), { key: (instance) => instance.id, draw, pick: (instance) => explain(instance.id) });
const groups = new Map();

export function setInstances(instances) {
  all = instances;
  show();
}

function show() {
  const text = $("instance-filter").value.trim().toLowerCase();
  const has = (instance) => !text || shown(JSON.stringify(instance)).toLowerCase().includes(text);
  list.set(all.filter(has));
  const on = all.filter((instance) => instance.state === "running").length;
  const exposed = all.filter((instance) => instance.interfaces.some((at) => at.exposure === "exposed")).length;
  $("instance-count").textContent = `${on} of ${all.length} on, ${exposed} exposed`;
}

const isOn = (instance) => ["running", "pending"].includes(instance.state);
const isSwitched = (instance) => isOn(instance) || ["stopped", "stopping"].includes(instance.state);

function toggle(instance) {
  return perform(`call ${isOn(instance) ? "StopInstances" : "StartInstances"} ${instance.id}`);
}

function draw(instance) {
  const word = isOn(instance) ? "Stop" : "Start";
  const button = el("button", {
    class: "small", "aria-label": `${word} ${shown(instance.id)}`, disabled: !isSwitched(instance),
    onclick: (event) => { event.stopPropagation(); toggle(instance); },
  }, word);
  const lines = instance.interfaces.map(exposure);
  const title = instance.interfaces.map((at) => shown(`${at.id} in ${at.subnet}: ${at.exposure ?? "not looked at"}${at.why ? `, ${at.why}` : ""}`));
  return el("div", { class: `instance ${instance.state}`, role: "option", "data-id": instance.id, "data-state": instance.state, title: title.join("\n") },
    el("span", { class: "dot" }), el("b", {}, shown(instance.id)), instance.tag && el("span", { class: "tag" }, instance.tag),
    el("span", { class: "state" }, instance.state), button,
    el("span", { class: "addresses" }, instance.interfaces.flatMap((at) => at.addresses).join(", "),
      " ", el("span", { class: "dim" }, shown(instance.interfaces.flatMap((at) => at.groups).join(", ")))),
    el("span", { class: "exposure" }, lines[0] ?? "no interface"));
}

/** Whether an interface is exposed; then what becomes of what its groups want, else why not. */
function exposure(at) {
  if (!at.exposure) return el("span", { class: "dim" }, "not looked at yet");
  if (at.exposure !== "exposed") return el("span", { class: at.exposure === "not exposed" ? "dim" : "warn" }, shown(`${at.exposure}: ${at.why}`));
  const wants = at.wants ?? [];
  const number = (standing) => wants.filter((want) => want.standing === standing).length;
  const parts = [[number("ours"), "by our rules"], [number("allowed"), "allowed already"], [number("added"), "to be added"]];
  const said = parts.filter(([count]) => count).map(([count, what]) => `${count} ${what}`).join(", ");
  return el("span", { class: number("added") ? "warn" : "good" }, `exposed: ${said || "nothing wanted"}`);
}

export function setGroups(items) {
  const box = $("groups");
  const gone = new Set(groups.keys());
  items.forEach((group, index) => {
    gone.delete(group.id);
    const drawn = groups.get(group.id);
    if (drawn?.group === group) return;
    const node = card(group);
    if (drawn) drawn.node.replaceWith(node); else box.insertBefore(node, box.children[index] ?? null);
    groups.set(group.id, { group, node });
  });
  for (const id of gone) { groups.get(id).node.remove(); groups.delete(id); }
  const select = $("permission").elements.group;
  const before = select.value;
  select.replaceChildren(...items.map((group) => el("option", { value: group.id }, shown(group.id))));
  const used = items.find((group) => group.interfaces > 0 && group.rules.some((rule) => rule.way === "Ingress"));
  select.value = items.some((group) => group.id === before) ? before : (used?.id ?? items[0]?.id ?? "");
}

function card(group) {
  const name = group.name && !shown(group.id).endsWith(group.name) ? group.name : "";
  return el("div", { class: "group", "data-id": group.id },
    el("button", { class: "plain", onclick: () => explain(group.id) }, el("b", {}, shown(group.id))),
    name && el("span", { class: "tag" }, name),
    el("span", { class: "count" }, `on ${group.interfaces} ${group.interfaces === 1 ? "interface" : "interfaces"}`),
    el("ul", {}, group.rules.map((rule) => permission(group, rule))),
    (group.left_out ?? []).map((text) => el("p", { class: "dim" }, `no rule for ${shown(text)}`)));
}

function permission(group, rule) {
  const deed = `call RevokeSecurityGroup${rule.way} ${group.id} ${rule.text}`;
  return el("li", {}, rule.way === "Egress" && el("i", { class: "badge" }, "out"), shown(rule.text),
    el("button", { class: "plain", "aria-label": `Revoke ${shown(rule.text)} of ${shown(group.id)}`, title: "Revoke", onclick: () => perform(deed) }, "×"));
}

export function redraw() {
  list.forget();
  const items = [...groups.values()].map(({ group }) => ({ ...group }));
  setGroups(items);
  show();
}

$("instance-filter").addEventListener("input", show);
$("permission").addEventListener("submit", (event) => {
  event.preventDefault();
  const { group, text } = event.target.elements;
  const way = / to /.test(text.value) ? "Egress" : "Ingress";
  perform(`call AuthorizeSecurityGroup${way} ${group.value} ${text.value}`);
});
$("instances").addEventListener("keydown", (event) => {
  const instance = all.find((one) => one.id === list.selected);
  if (event.key === "s" && instance && isSwitched(instance)) { event.stopPropagation(); toggle(instance); }
});
