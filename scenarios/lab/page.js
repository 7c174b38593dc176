// What every part of the page uses. Texts come from anywhere: they become text nodes and attributes, never markup.

/** Short ids by real ones, and whether the real ones are to be shown. */
export const names = { map: {}, real: false };

const ID = /\b(?:i|eni|sg|subnet|vpc|rtb|pl|igw|nat|tgw|vpce)-(?:[0-9a-f]{17}|[0-9a-f]{8})\b/g;

/** A text with its ids as they are to be shown. */
export function shown(text) {
  return names.real ? String(text) : String(text).replace(ID, (id) => names.map[id] ?? id);
}

/** An element with attributes, listeners (`onclick`) and children; strings become text. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const $ = (id) => document.getElementById(id);

/** Asks the lab; throws what it says is wrong. */
export async function ask(path, body) {
  const asked = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const answer = await fetch(path, asked);
  const document = await answer.json();
  if (document.error || !answer.ok) throw new Error(document.error ?? `the lab answers ${answer.status}`);
  return document;
}

/** Does a deed; what is wrong with it is shown. Says whether it was done. */
export async function perform(line) {
  try {
    await ask("/deed", { line });
    return true;
  } catch (error) {
    complain(error.message);
    return false;
  }
}

let hiding;

/** Shows what went wrong for a while. */
export function complain(text) {
  const toast = $("toast");
  toast.textContent = shown(text);
  toast.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { toast.hidden = true; }, 8000);
}

/** A name as the story language has it. */
export const quoted = (name) => `"${name.replace(/[\\"]/g, "\\$&")}"`;

/** Rows above and below the visible ones that are there already. */
const AHEAD = 8;

/** A list of which only the visible rows are in the document. All rows are equally high. */
export class Rows {
  constructor(box, { key, draw, pick, head }) {
    Object.assign(this, { box, key, draw, pick, items: [], drawn: new Map(), known: null, selected: null });
    this.space = el("div", { class: "space", role: "presentation" });
    box.append(...(head ? [head] : []), this.space);
    box.addEventListener("scroll", () => this.later(), { passive: true });
    box.addEventListener("keydown", (event) => this.pressed(event));
    new ResizeObserver(() => { this.measure(); this.later(); }).observe(box);
    this.measure();
  }

  measure() {
    const probe = el("div", { class: "item probe" });
    this.space.append(probe);
    const height = probe.getBoundingClientRect().height || 32;
    probe.remove();
    if (height !== this.height) { this.height = height; this.forget(); }
  }

  /** Draws everything anew at the next turn. */
  forget() {
    for (const { node } of this.drawn.values()) node.remove();
    this.drawn.clear();
    this.later();
  }

  set(items) {
    const keys = new Set(items.map(this.key));
    this.fresh = this.known ? new Set([...keys].filter((key) => !this.known.has(key))) : new Set();
    this.known = keys;
    this.items = items;
    this.box.setAttribute("aria-rowcount", items.length);
    this.render();
    this.fresh = new Set();
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.render(); });
  }

  render() {
    const { box, items, height } = this;
    this.space.style.height = `${items.length * height}px`;
    const first = Math.max(0, Math.floor(box.scrollTop / height) - AHEAD);
    const last = Math.min(items.length, Math.ceil((box.scrollTop + box.clientHeight) / height) + AHEAD);
    const gone = new Set(this.drawn.keys());
    for (let index = first; index < last; index += 1) {
      const item = items[index];
      const key = this.key(item);
      gone.delete(key);
      this.place(key, item, index);
    }
    for (const key of gone) { this.drawn.get(key).node.remove(); this.drawn.delete(key); }
  }

  place(key, item, index) {
    let drawn = this.drawn.get(key);
    if (drawn?.item !== item) {
      const node = this.draw(item);
      node.classList.add("item");
      if (drawn || this.fresh?.has(key)) node.classList.add("fresh");
      node.addEventListener("click", () => this.select(key));
      if (drawn) drawn.node.replaceWith(node); else this.space.append(node);
      drawn = { node, item };
      this.drawn.set(key, drawn);
    }
    const { node } = drawn;
    if (drawn.index !== index) {
      drawn.index = index;
      node.style.transform = `translateY(${index * this.height}px)`;
      node.setAttribute("aria-rowindex", index + 1);
      node.id = `${this.box.id}-${index}`;
    }
    const is = key === this.selected;
    if (node.ariaSelected !== String(is)) node.ariaSelected = String(is);
    if (is) this.box.setAttribute("aria-activedescendant", node.id);
  }

  /** Selects a row, and shows it. */
  select(key, silently = false) {
    this.selected = key;
    const index = this.items.findIndex((item) => this.key(item) === key);
    if (index >= 0) this.reveal(index);
    this.render();
    if (index >= 0 && !silently) this.pick(this.items[index]);
  }

  reveal(index) {
    const { box, height } = this;
    const above = this.space.offsetTop;
    const top = index * height;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + height + above > box.scrollTop + box.clientHeight) box.scrollTop = top + height + above - box.clientHeight;
  }

  pressed(event) {
    if (event.target !== this.box) return;
    const now = this.items.findIndex((item) => this.key(item) === this.selected);
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.height) - 1);
    const steps = { ArrowDown: now + 1, ArrowUp: now - 1, PageDown: now + page, PageUp: now - page, Home: 0, End: this.items.length };
    if (!(event.key in steps) || this.items.length === 0) return;
    event.preventDefault();
    const next = Math.min(this.items.length - 1, Math.max(0, steps[event.key]));
    this.select(this.key(this.items[next]));
  }
}
