// Stories step by step: what the file expects beside what happened.

import { $, ask, complain, el } from "/page.js";

let shelf = null;
let story = null;
let step = 0;

/** Shows the stories, which are listed once. */
export async function openStories() {
  if (shelf) return;
  try {
    shelf = await ask("/stories");
    list();
  } catch (error) {
    complain(error.message);
  }
}

function list() {
  const text = $("story-filter").value.trim().toLowerCase();
  const found = shelf.filter(({ file, about }) => `${file} ${about}`.toLowerCase().includes(text));
  const item = ({ file, about }) => el("li", {},
    el("button", { class: "plain", "aria-current": story?.file === file ? "true" : null, onclick: () => open(file) },
      el("b", {}, file.replace(/\.scenario$/, "")), el("span", { class: "dim" }, about)));
  $("story-list").replaceChildren(...found.map(item));
}

async function open(file) {
  $("told-story").replaceChildren(el("p", { class: "dim" }, `telling ${file} …`));
  try {
    story = await ask("/story", { file });
    step = 0;
    show();
  } catch (error) {
    story = null;
    $("told-story").replaceChildren(el("p", { class: "bad" }, error.message));
  }
  list();
}

/** One step on or back. */
export function turn(by) {
  if (!story) return;
  step = Math.min(story.blocks.length - 1, Math.max(0, step + by));
  show();
}

function show() {
  const block = story.blocks[step];
  const steps = story.blocks.map((one, index) => el("button", {
    class: `step ${one.same ? "good" : "bad"}`, "aria-current": index === step ? "step" : null, "aria-label": `Step ${index + 1}`,
    onclick: () => { step = index; show(); },
  }, String(index + 1)));
  const same = story.blocks.every((one) => one.same);
  $("told-story").replaceChildren(
    el("div", { class: "bar" }, el("h2", {}, story.file), el("span", { class: `badge ${same ? "good" : "bad"}` }, same ? "as expected" : "differs")),
    el("p", { class: "about" }, story.about.join(" ")),
    el("div", { class: "row" }, el("button", { onclick: () => turn(-1), disabled: step === 0 }, "Back ", el("kbd", {}, "K")),
      el("button", { class: "main", onclick: () => turn(1), disabled: step === story.blocks.length - 1 }, "Next ", el("kbd", {}, "J")), steps),
    el("h3", {}, `What happens, from line ${block.line}`),
    el("pre", { class: "input" }, block.input.join("\n")),
    sides(["expected", block.expected], ["actual", block.happened]),
    ...block.runs.map((run) => el("div", {}, el("h3", {}, `The rulebase, changed by: ${run.deed}`), together(run.before, run.after))));
}

/** Two texts side by side, line by line; what only one of them has is marked. */
function sides([leftTitle, left], [rightTitle, right]) {
  const pairs = aligned(left, right);
  const column = (title, of, kind) => el("div", { class: "side" }, el("h4", {}, title),
    el("pre", {}, pairs.length === 0 ? el("span", { class: "dim" }, "nothing") : pairs.map((pair) =>
      el("span", { class: pair[of] === null ? "none" : pair[1 - of] === null ? kind : "" }, `${pair[of] ?? ""}\n`))));
  return el("div", { class: "sides" }, column(leftTitle, 0, "gone"), column(rightTitle, 1, "new"));
}

/** One rulebase after the other in one table; what a run has removed and added is marked. */
function together(before, after) {
  const rule = (line) => line.replace(/^[\s*]*\d+\s+/, "").replace(/\s+/g, " ").trim();
  const line = ([old, now]) => el("span", { class: now === null ? "gone" : old === null ? "new" : "" }, `${now ?? old}\n`);
  const pairs = aligned(before.map(rule), after.map(rule), (i, j) => [before[i] ?? null, after[j] ?? null]);
  return el("div", { class: "sides one" }, el("div", { class: "side" }, el("pre", {}, pairs.map(line))));
}

/** Lines of both texts in pairs, by their longest common subsequence. */
function aligned(left, right, pair = (i, j) => [left[i] ?? null, right[j] ?? null]) {
  const best = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1));
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      best[i][j] = left[i] === right[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
    }
  }
  const pairs = [];
  for (let i = 0, j = 0; i < left.length || j < right.length;) {
    if (i < left.length && j < right.length && left[i] === right[j]) pairs.push(pair(i++, j++));
    else if (j === right.length || (i < left.length && best[i + 1][j] >= best[i][j + 1])) pairs.push(pair(i++, -1));
    else pairs.push(pair(-1, j++));
  }
  return pairs;
}

$("story-filter").addEventListener("input", () => shelf && list());
