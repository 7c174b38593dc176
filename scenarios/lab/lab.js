// The page: follows what the lab tells, and does what buttons say.

import { $, ask, complain, el, names, perform, quoted, shown } from "/page.js";
import { again, redraw as redrawRules, selectedRule, setRules } from "/rules.js";
import { redraw as redrawCloud, setGroups, setInstances } from "/cloud.js";
import { openStories, turn } from "/stories.js";

const state = {};

/** What becomes of the page when a section has changed. */
const sections = {
  names: (map) => { names.map = map; },
  rules: setRules,
  instances: (instances) => { setInstances(instances); again(); },
  groups: setGroups,
  status: setStatus,
  decision: ({ unfit, mode }) => {
    $("unfit").hidden = !unfit;
    $("unfit").textContent = unfit ? shown(`Nothing can be decided: ${unfit}`) : "";
    document.title = `Drawbridge lab (${mode})`;
  },
  firewall: setFirewall,
  access: setAccess,
};

function hear(message) {
  const told = JSON.parse(message.data);
  for (const name of ["names", ...Object.keys(told).filter((name) => name !== "names")]) {
    const news = told[name];
    if (!news) continue;
    if (name === "timeline") { setTimeline(news); continue; }
    if ("set" in news) state[name] = news.set;
    else state[name] = state[name].toSpliced(news.splice[0], news.splice[1], ...news.splice[2]);
    sections[name]?.(state[name]);
  }
  document.body.dataset.ready = "yes";
}

const stream = new EventSource("/live");
stream.addEventListener("message", hear);
stream.addEventListener("error", () => { document.body.dataset.ready = "no"; setStatus({ doing: "connecting again", detail: "is the lab still there?" }); });

// Status.

const DOING = {
  "fetch log": "reading CloudTrail's file", observe: "looking at AWS and the firewall", "observe firewall": "looking at the firewall",
  apply: "changing the candidate", commit: "committing", "commit all": "committing", "poll job": "waiting for the commit",
  revert: "taking changes back", wait: "waiting",
};

function setStatus({ doing, detail, last, ending }) {
  $("status").className = doing ? "busy" : ending ?? "";
  $("doing").textContent = doing ? DOING[doing] ?? doing : "idle";
  $("detail").textContent = shown(doing ? detail ?? "" : last ?? "");
}

// Timeline.

const NAMES = { event: "AWS", state: "AWS", run: "run", step: "step", change: "admin", commit: "commit", fault: "fault" };
const ENTRIES = 500;

/** Whether the end of the timeline is kept in sight: until somebody scrolls up. */
let follows = true;
const timeline = $("timeline");
const follow = () => { if (follows) timeline.scrollTop = timeline.scrollHeight; };
timeline.addEventListener("scroll", () => { follows = timeline.scrollHeight - timeline.scrollTop - timeline.clientHeight < 40; }, { passive: true });
new ResizeObserver(follow).observe(timeline);

function setTimeline({ set, add }) {
  const list = timeline;
  const entries = (set ?? add).map(entry);
  if (set) list.replaceChildren(...entries); else list.append(...entries);
  while (list.children.length > ENTRIES) list.firstChild.remove();
  follow();
  $("entry-count").textContent = `${list.children.length} lines`;
}

function entry({ id, at, kind, text, more, ending }) {
  return el("li", { class: `${kind} ${ending ?? ""}`, "data-id": id }, el("time", {}, at), el("i", { class: "kind" }, NAMES[kind] ?? kind),
    el("span", { class: "text" }, shown(text), more.map((line) => el("span", { class: "more" }, shown(line)))));
}

// The desk.

const FIREWALL = ["panos error 13 \"an error of the firewall\"", "lost answer", "not sent", "http 502", "html", "half", "slow", "fail over"];
const KILLS = ["kill before", "kill after"];
const TROUBLES = {
  commit: [...FIREWALL, ...KILLS], apply: [...FIREWALL, ...KILLS],
  observe: ["ec2 RequestLimitExceeded", "ec2 UnauthorizedOperation", "stale", "torn", ...FIREWALL, ...KILLS],
  poll: [...FIREWALL, ...KILLS], fetch: ["s3 503", "s3 403", "s3 404", ...KILLS], revert: [...FIREWALL, ...KILLS],
};
const DEEDS = [
  "call TerminateInstances i-web-1", "call RunInstances i-new 172.20.200.50 sg-webserver", "state-change i-web-1 stopped",
  "notify StartInstances i-web-2", "admin alice rule \"block\" untrust:203.0.113.0/24 -> any deny top",
  "admin alice rename \"web access in\" \"web in\"", "fault job 1 fail \"Validation Error:\" \"rule is invalid\"",
  "before commit 1 admin alice edit \"web access in\" disabled yes", "deliver again", "deliver file truncated", "schedule",
  "apply --accept-limits", "restart forgetting", "calm",
];

function setFirewall({ admins, locks, uncommitted, uncommitted_by: by }) {
  const select = $("admin");
  if (select.children.length !== admins.length) {
    select.replaceChildren(...admins.map((admin) => el("option", {}, admin)));
    select.value = admins.find((admin) => admin !== "admin") ?? admins[0];
  }
  const held = locks.map(({ kind, admin, comment }) => el("span", { class: "badge bad", title: comment }, `${kind} lock: ${admin}`));
  const work = uncommitted > 0 && el("span", { class: "badge warn" }, `${uncommitted} uncommitted: ${by.join(", ")}`);
  $("locks").replaceChildren(...held, ...(work ? [work] : []));
}

function troubles() {
  const { on, trouble } = $("fault").elements;
  trouble.replaceChildren(...TROUBLES[on.value].map((text) => el("option", {}, text)));
}

const admin = () => quoted($("admin").value);

document.querySelectorAll("[data-act]").forEach((button) => button.addEventListener("click", () => {
  const { act } = button.dataset;
  const rule = selectedRule();
  if (act.includes("{rule}") && !rule) return complain("select a rule first");
  return perform(`admin ${admin()} ${act.replace("{rule}", () => quoted(rule.name))}`);
}));
document.querySelectorAll("[data-deed]").forEach((button) => button.addEventListener("click", () => perform(button.dataset.deed)));
$("edit").addEventListener("submit", (event) => {
  event.preventDefault();
  const { field, value } = event.target.elements;
  const rule = selectedRule();
  if (!rule) return complain("select a rule first");
  const values = field.value === "description" ? [value.value] : value.value.split(",").map((one) => one.trim());
  return perform(`admin ${admin()} edit ${quoted(rule.name)} ${field.value} ${values.map(quoted).join(",")}`);
});
$("fault").elements.on.replaceChildren(...Object.keys(TROUBLES).map((name) => el("option", {}, name)));
$("fault").elements.on.addEventListener("change", troubles);
troubles();
$("fault").addEventListener("submit", (event) => {
  event.preventDefault();
  const { on, when, trouble } = event.target.elements;
  perform(`fault ${on.value} ${when.value} ${trouble.value}`);
});
$("deeds").replaceChildren(...DEEDS.map((deed) => el("option", { value: deed })));
$("deed").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { line } = event.target.elements;
  if (await perform(line.value)) line.value = "";
});

// How other clients take part.

const KEYS_TOLD = [
  ["1 2 3", "live, stories, connect"], ["L", "let Drawbridge look now"], ["R", "to the rulebase; arrows select, and why is told beside it"],
  ["I", "to the instances; arrows select, S starts or stops"], ["/", "ask about a packet, a rule, an instance or a group"],
  ["D", "do anything, in the story language"], ["J K", "a story's next and previous step"], ["Esc", "out of a field"],
];

function setAccess({ firewall, firewall_tls: tls, key, own, admins, aws, region }) {
  const person = admins.find((one) => one !== "admin") ?? "admin";
  const host = tls.replace("https://", "").split(":");
  const blocks = [
    ["AWS CLI", `export AWS_ENDPOINT_URL=${aws} AWS_ACCESS_KEY_ID=me AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=${region}\naws ec2 describe-instances`],
    ["The firewall's XML API", `curl -H 'X-PAN-KEY: ${key}' -d type=op -d 'cmd=<show><system><info/></system></show>' ${firewall[0]}/api/`],
    ["As an administrator", `curl -u ${person}:${person}-password -d type=commit -d 'cmd=<commit/>' ${firewall[0]}/api/`],
    ["pan-os-python", `from panos.firewall import Firewall\nfw = Firewall("${host[0]}", "${person}", "${person}-password", port=${host[1]})\nfw.refresh_system_info()`],
    ["Its certificate", `curl ${location.origin}/firewall.pem > firewall.pem`],
  ];
  $("connect").replaceChildren(el("section", {},
    el("div", { class: "bar" }, el("h2", {}, "Take part with other clients")),
    el("p", {}, "Fake AWS and fake firewall listen on loopback, with made-up keys. Whatever clients change there is on the page at once, and Drawbridge hears of it as it would in AWS: from CloudTrail's files."),
    el("dl", {}, ...[["firewall", firewall.join(", ")], ["with TLS", tls], [`API key of ${own}`, key], ["administrators", admins.map((one) => `${one} / ${one}-password`).join(", ")], ["EC2 and S3", aws], ["region", region]]
      .flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, el("code", {}, value))])),
    ...blocks.flatMap(([title, text]) => [el("h3", {}, title), el("div", { class: "copy" }, el("pre", { class: "input" }, text),
      el("button", { class: "small", onclick: () => navigator.clipboard?.writeText(text) }, "Copy"))]),
    el("h3", {}, "Keys"), el("dl", {}, ...KEYS_TOLD.flatMap(([keys, what]) => [el("dt", {}, el("kbd", {}, keys)), el("dd", {}, what)]))));
}

// Views and keys.

function view(name) {
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const is = tab.dataset.view === name;
    tab.setAttribute("aria-selected", is);
    tab.tabIndex = is ? 0 : -1;
    $(tab.dataset.view).hidden = !is;
  }
  if (name === "stories") openStories();
}

$("tabs").addEventListener("click", (event) => event.target.dataset.view && view(event.target.dataset.view));
$("tabs").addEventListener("keydown", (event) => {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
  next.focus();
  view(next.dataset.view);
});
const look = () => ask("/look", {}).catch((error) => complain(error.message));
$("look").addEventListener("click", look);
$("real").addEventListener("change", () => {
  names.real = $("real").checked;
  redrawRules();
  redrawCloud();
});

const KEYS = {
  l: look, "/": () => $("packet").elements.subject.focus(), d: () => $("deed").elements.line.focus(), r: () => $("rules").focus(),
  i: () => $("instances").focus(), j: () => turn(1), k: () => turn(-1), 1: () => view("live"), 2: () => view("stories"), 3: () => view("connect"),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "Escape") { document.activeElement.blur(); $("toast").hidden = true; }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});

view("live");
