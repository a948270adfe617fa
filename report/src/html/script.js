"use strict";
// Extras over a complete static page: sorting, filters, folding, details on demand, copying. Nothing is loaded.
document.documentElement.classList.add("js");
addEventListener("DOMContentLoaded", () => {
  const $ = (id) => document.getElementById(id);
  const make = (tag, props = {}, ...children) => {
    const e = Object.assign(document.createElement(tag), props);
    e.append(...children);
    return e;
  };
  copyButtons();
  const method = document.querySelector("#method details");
  if (method) method.open = innerWidth > 700;
  // ---- rows: all of them are there, or lie as text in a noscript element; then those in sight are made
  const lines = $("lines");
  const START = '<tbody id="r';
  const parsed = (html) => {
    const t = make("template");
    t.innerHTML = html;
    return t.content;
  };
  const pause = () => new Promise((done) => setTimeout(done));
  // Work on many things in pieces, so that the page answers meanwhile.
  async function each(list, work) {
    let until = performance.now() + 10;
    for (const one of list) {
      work(one);
      if (performance.now() > until) {
        await pause();
        until = performance.now() + 10;
      }
    }
  }
  // What a row is known by: its text, or its element while it is shown.
  const rows = [];
  const byId = new Map();
  const add = (row, id) => {
    rows.push(row);
    if (id === undefined) return void (row.group = true);
    row.id = id;
    byId.set(id, row);
  };
  let table = $("main");
  if (!lines && !table) return;
  if (!lines) for (const body of table.tBodies) {
    if (!body.classList.contains("scores")) add({ body }, body.id ? Number(body.id.slice(1)) : undefined);
  }
  // The text comes in many nodes; what is behind the last whole row waits for the next.
  let rest = "";
  function take(node) {
    const text = rest + (node ? node.data : "");
    let from = 0;
    for (let to; (to = text.indexOf("<tbody", from + 1)) >= 0; from = to) line(text.slice(from, to));
    rest = text.slice(from);
    if (!node) line(rest.replace(/<\/table>\s*$/, ""));
  }
  function line(html) {
    if (html.startsWith(START)) add({ html }, parseInt(html.slice(START.length), 10));
    else if (html.startsWith('<tbody class="group"')) add({ html });
    else if (table) table.append(parsed("<table>" + html + "</table>").firstChild.tBodies[0]);
    else table = parsed(html + "</table>").firstChild;
  }
  const body = (row) => {
    if (!row.body) {
      row.body = parsed(row.html).firstChild;
      if (row.open) toggle(row, true);
    }
    return row.body;
  };
  const TAG = /<(?:"[^"]*"|[^>"])*>/g;
  const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', nbsp: "\u00a0" };
  const plain = (html) => html.replace(TAG, "").replace(/&(\w+);/g, (all, name) => NAMED[name] || all).trim();
  // The words and keys of a row, read once, from its text: making elements of all rows takes too long.
  function read(row) {
    if (row.group) return;
    const cells = (row.html || row.body.rows[0].outerHTML).split(/<t[hd](?=[ >])/).slice(1).map((c) => "<td" + c);
    row.cells = cells.map(plain);
    row.words = row.cells.join(" ").toLowerCase();
    row.keys = row.cells.map((text, i) => {
      if (i === 0) return row.id;
      const key = /^<td data-s="([^"]*)"/.exec(cells[i]);
      if (key) return Number(key[1]);
      if (!head.cells[i].classList.contains("num")) return text;
      const n = parseFloat(text.replace(/^[^−\d]+/, "").replace("−", "-"));
      return Number.isNaN(n) ? null : n;
    });
    const bold = (cell) => plain(/<b>(.*?)<\/b>/s.exec(cell)[1]);
    row.c = bold(cells[0]);
    row.m = plain(cells[1].split("<i>")[0]);
    row.v = bold(cells[VERDICT]).split(" ")[1];
  }
  let head, VERDICT;

  // ---- tools
  const FOLD_FROM = 50;
  const defaults = { fold: byId.size > FOLD_FROM, v: [], m: "", c: "", q: "", s: "" };
  let state = { ...defaults };
  const unique = (key) => [...new Set([...byId.values()].map((r) => r[key]))];
  const select = (label, key) => {
    const s = make("select", {}, make("option", { value: "", textContent: "all" }));
    for (const v of unique(key).sort()) s.append(make("option", { value: v, textContent: v }));
    s.addEventListener("change", () => change({ [key]: s.value }));
    return { s, label: make("label", {}, label + " ", s) };
  };
  let metric, category, boxes;
  const search = make("input", { type: "search", placeholder: "words in a row" });
  const fold = make("input", { type: "checkbox" });
  const count = make("span", { role: "status" });
  function tools() {
    metric = select("Metric", "m");
    category = select("Category", "c");
    let timer;
    search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => change({ q: search.value }), 150);
    });
    const verdicts = make("fieldset", {}, make("legend", { textContent: "Verdict" }));
    boxes = unique("v").map((v) => {
      const box = make("input", { type: "checkbox", value: v });
      box.addEventListener("change", () => change({ v: boxes.filter((x) => x.checked).map((x) => x.value) }));
      verdicts.append(make("label", {}, box, " " + v), " ");
      return box;
    });
    fold.addEventListener("change", () => change({ fold: fold.checked }));
    const csv = make("button", { type: "button", textContent: "Copy as CSV" });
    csv.addEventListener("click", () => copy(csv, rowsAsCsv()));
    const reset = make("button", { type: "button", textContent: "Reset" });
    reset.addEventListener("click", () => change({ ...defaults }));
    const box = $("tools");
    box.hidden = false;
    const filters = make("details", {}, make("summary", { textContent: "Filter" }), make("div", { className: "tools" },
      verdicts, metric.label, category.label, make("label", {}, "Find ", search),
      make("label", {}, fold, " hide rows shown to be equal"), csv, reset));
    const wide = () => { if (innerWidth > 700) filters.open = true; };
    addEventListener("resize", wide);
    wide();
    box.append(filters, count);
    [...head.cells].forEach((th, i) => {
      if (th.classList.contains("plain")) return;
      const button = make("button", { type: "button", textContent: th.textContent });
      th.replaceChildren(button);
      button.addEventListener("click", () => change({ s: state.s === String(i) ? "-" + i : state.s === "-" + i ? "" : String(i) }));
    });
  }

  // ---- sorting
  const compare = (x, y) => x === y ? 0 : x === null ? 1 : y === null ? -1 : x < y ? -1 : 1;
  function sorted() {
    const [, sign, digits] = /^(-?)(\d+)$/.exec(state.s) || [];
    const column = digits === undefined ? -1 : Number(digits);
    [...head.cells].forEach((th, i) => {
      if (i === column) th.setAttribute("aria-sort", sign ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    });
    if (column < 0 || column >= head.cells.length) return rows;
    return [...byId.values()].sort((x, y) => {
      const [a, b] = [x.keys[column], y.keys[column]];
      // What has no value stays last in both directions.
      return a === null || b === null ? compare(a, b) : (sign ? -1 : 1) * compare(a, b);
    });
  }

  // ---- state
  // Paper shows the rows that are folded on the screen; filters that somebody set hold there too.
  let printing = false;
  let order = rows;
  let ordered = "";
  let matching = rows;
  function apply() {
    if (!boxes) return;
    if (ordered !== state.s) { order = sorted(); ordered = state.s; }
    const q = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const folded = state.fold && !printing && !state.v.includes("EQUIVALENT");
    const filtered = state.v.length || state.m || state.c || q.length;
    matching = order.filter((r) => r.group ? !filtered :
      !(folded && r.v === "EQUIVALENT") && (!state.v.length || state.v.includes(r.v)) &&
        (!state.m || r.m === state.m) && (!state.c || r.c === state.c) && q.every((w) => r.words.includes(w)));
    show(true);
    const shown = matching.filter((r) => !r.group).length;
    count.textContent = shown === byId.size ? `${shown} rows` : `${shown} of ${byId.size} rows`;
    for (const box of boxes) box.checked = state.v.includes(box.value);
    metric.s.value = state.m;
    category.s.value = state.c;
    fold.checked = state.fold;
    if (document.activeElement !== search) search.value = state.q;
  }
  function change(part) {
    state = { ...state, ...part };
    const p = new URLSearchParams();
    for (const k of ["m", "c", "q", "s"]) if (state[k]) p.set(k, state[k]);
    if (state.v.length) p.set("v", state.v.join(","));
    if (state.fold !== defaults.fold) p.set("fold", state.fold ? "1" : "0");
    const hash = p.toString();
    history.replaceState(null, "", hash ? "#?" + hash : location.pathname + location.search);
    apply();
  }
  function fromHash() {
    const hash = location.hash;
    if (/^#r\d+$/.test(hash)) return jump(Number(hash.slice(2)));
    if (hash.startsWith("#?")) {
      const p = new URLSearchParams(hash.slice(2));
      const get = (k) => p.get(k) || "";
      state = { ...defaults, m: get("m"), c: get("c"), q: get("q"), s: get("s"), v: get("v").split(",").filter(Boolean),
        fold: p.has("fold") ? p.get("fold") === "1" : defaults.fold };
      apply();
    }
  }
  addEventListener("hashchange", fromHash);

  // ---- the rows in sight
  // Of more than FEW rows those around the window are in the table, ALIVE at most; the others are room above and below, of
  // the height that rows have. After a jump what is seen comes first and what is around it in the next frame.
  const FEW = 250;
  const ALIVE = 280;
  const STEP = 10;
  const room = () => make("tbody", { className: "gap" });
  const [above, below] = [room(), room()];
  let height = 40;
  let [from, to] = [0, 0];
  function wanted(around) {
    if (matching.length <= FEW || printing) return [0, matching.length];
    const seen = Math.ceil(innerHeight / height) + 2;
    const count = Math.min(ALIVE, matching.length, seen + STEP + 2 * around * seen);
    const top = -table.tHead.getBoundingClientRect().bottom / height;
    const start = Math.floor((top - around * seen) / STEP) * STEP;
    const at = Math.max(0, Math.min(start, matching.length - count));
    return [at, at + count];
  }
  function show(anew) {
    let [start, end] = wanted(0.25);
    if (!anew && start === from && end === to) return;
    if (anew || end <= from || start >= to) {
      [start, end] = wanted(0);
      later();
    }
    if (!above.isConnected) table.append(above, below);
    const next = matching.slice(start, end);
    const keep = new Set(next);
    for (const row of shownRows) if (!keep.has(row)) { row.body.remove(); if (row.html) row.body = null; }
    let at = above;
    for (const row of next) {
      const b = body(row);
      if (at.nextSibling !== b) at.after(b);
      at = b;
    }
    shownRows = next;
    [from, to] = [start, end];
    const high = (gap, rows) => { if (rows || gap.style.height) gap.style.height = rows * height + "px"; };
    high(above, start);
    high(below, matching.length - end);
  }
  let shownRows = [];
  let due = false;
  const later = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; show(false); });
  };

  // ---- details: packed, a packet for so many rows as the page says
  const packets = [...document.querySelectorAll("script.pack")].map((s) => ({ s }));
  const ROWS = 200;
  async function unpacked(index) {
    const p = packets[Math.floor(index / ROWS)];
    p.text = p.text || (async () => {
      const bytes = Uint8Array.from(atob(p.s.textContent), (c) => c.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      return (await new Response(stream).text()).split("\x1e");
    })();
    return (await p.text)[index % ROWS];
  }
  async function toggle(row, open) {
    row.open = open;
    const link = row.body.rows[0].querySelector("th a");
    link.setAttribute("aria-expanded", String(open));
    if (row.body.rows[1]) row.body.rows[1].hidden = !open;
    if (!open || row.body.rows[1]) return;
    const cell = make("td", { colSpan: head.cells.length });
    const more = make("tr", { className: "more open" }, cell);
    row.body.append(more);
    cell.append(parsed(await unpacked(row.id)));
  }
  // To a row that a link or the address names, even if it is folded or filtered. The address says it, so that it can be passed
  // on, and the way back leads to the link.
  async function jump(index) {
    const row = byId.get(index);
    if (!row) return;
    if (location.hash !== "#r" + index) history.pushState(null, "", "#r" + index);
    if (!matching.includes(row)) {
      state = { ...defaults, fold: false };
      apply();
    }
    if (!row.body || !row.body.isConnected) {
      const at = matching.indexOf(row);
      scrollTo(0, scrollY + table.tHead.getBoundingClientRect().bottom + at * height - innerHeight / 2);
      show(false);
    }
    await toggle(row, true);
    row.body.scrollIntoView();
  }
  document.querySelectorAll("[data-v]").forEach((link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    change({ ...defaults, v: [link.dataset.v] });
    $("rows").scrollIntoView();
  }));
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest('a[href^="#r"]');
    const index = link && /^#r(\d+)$/.exec(link.getAttribute("href"));
    if (!index) return;
    event.preventDefault();
    const row = byId.get(Number(index[1]));
    const own = row && row.body && link.closest("th") && row.body.contains(link) && !link.closest(".more");
    if (!own) return void jump(Number(index[1]));
    toggle(row, !row.open);
    if (state.q + state.m + state.c + state.s + state.v.join("") === "") history.replaceState(null, "", "#" + row.body.id);
  });

  // ---- copying
  function field(t) {
    t = t.trim().replace(/\s+/g, " ").replaceAll("−", "-");
    if (/^[=+@]|^-[^\d]/.test(t) && !/^[+-][\d.]/.test(t)) t = "'" + t;
    return /[",\n]/.test(t) ? `"${t.replaceAll('"', '""')}"` : t;
  }
  function rowsAsCsv() {
    const drawn = new Set([...head.cells].flatMap((th, i) => th.classList.contains("plain") ? [i] : []));
    const line = (cells) => cells.filter((_, i) => !drawn.has(i)).map(field).join(",");
    return [line([...head.cells].map((th) => th.textContent)), ...matching.filter((r) => !r.group).map((r) => line(r.cells))].join("\n") + "\n";
  }
  async function copy(button, content) {
    const word = button.textContent;
    try {
      await navigator.clipboard.writeText(content);
      button.textContent = "Copied";
    } catch {
      const area = make("textarea", { value: content });
      document.body.append(area);
      area.select();
      button.textContent = document.execCommand("copy") ? "Copied" : "Copying is not allowed here";
      area.remove();
    }
    setTimeout(() => { button.textContent = word; }, 1500);
  }
  function copyButtons() {
    const said = document.querySelector('[property="og:description"]');
    const sum = make("button", { type: "button", className: "copy", textContent: "Copy summary" });
    if (said) document.querySelector(".card").append(sum);
    sum.addEventListener("click", () => copy(sum, document.title + ": " + said.content));
    document.querySelectorAll("[data-copy]").forEach((t) => {
      const button = make("button", { type: "button", className: "copy", textContent: "Copy" });
      button.setAttribute("aria-label", "Copy " + t.dataset.copy);
      const lines = () => [...t.rows].map((r) => [...r.cells].map((c) => c.textContent.trim()).join("\t")).join("\n") + "\n";
      button.addEventListener("click", () => copy(button, lines()));
      t.closest(".scroll").after(button);
    });
  }

  addEventListener("beforeprint", () => { printing = method.open = true; apply(); });
  addEventListener("afterprint", () => { printing = false; apply(); });

  (async () => {
    if (lines) {
      const nodes = [...lines.childNodes];
      while (nodes.length && rows.length < FEW) take(nodes.shift());
      if (!nodes.length) take();
      lines.replaceWith(table);
      table.append(above, below);
      // What is seen first is there at once.
      show(true);
      await each(nodes, take);
      if (nodes.length) take();
    } else {
      shownRows = rows.slice();
      table.append(above, ...shownRows.map((r) => r.body), below);
    }
    head = table.tHead.rows[0];
    VERDICT = [...head.cells].findIndex((th) => th.classList.contains("verdict"));
    await pause();
    if (lines) {
      const some = shownRows.slice(0, 40);
      height = (some.at(-1).body.getBoundingClientRect().bottom - some[0].body.getBoundingClientRect().top) / some.length || height;
      show(true);
    }
    addEventListener("scroll", later, { passive: true });
    addEventListener("resize", later, { passive: true });
    await each(rows, read);
    tools();
    apply();
    fromHash();
    table.classList.add("ready");
  })();
});
