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
  const table = $("main");
  copyButtons();
  if (!table) return;
  const head = table.tHead.rows[0];
  const bodies = [...table.tBodies];
  const original = bodies.slice();
  let order = original;
  const text = new Map();
  const words = (b) => {
    if (!text.has(b)) text.set(b, b.rows[0].textContent.toLowerCase());
    return text.get(b);
  };
  const FOLD_FROM = 50;
  const defaults = { fold: bodies.length > FOLD_FROM, v: [], m: "", c: "", q: "", s: "" };
  let state = { ...defaults };

  // ---- tools
  const unique = (key) => [...new Set(bodies.map((b) => b.dataset[key]))];
  const select = (label, key) => {
    const s = make("select", {}, make("option", { value: "", textContent: "all" }));
    for (const v of unique(key).sort()) s.append(make("option", { value: v, textContent: v }));
    s.addEventListener("change", () => change({ [key]: s.value }));
    return { s, label: make("label", {}, label + " ", s) };
  };
  const metric = select("Metric", "m");
  const category = select("Category", "c");
  const search = make("input", { type: "search", placeholder: "words in a row" });
  let timer;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => change({ q: search.value }), 150);
  });
  const verdicts = make("fieldset", {}, make("legend", { textContent: "Verdict" }));
  const boxes = unique("v").map((v) => {
    const box = make("input", { type: "checkbox", value: v });
    box.addEventListener("change", () => change({ v: boxes.filter((x) => x.checked).map((x) => x.value) }));
    verdicts.append(make("label", {}, box, " " + v));
    return box;
  });
  const fold = make("input", { type: "checkbox" });
  fold.addEventListener("change", () => change({ fold: fold.checked }));
  const count = make("span", { role: "status" });
  const csv = make("button", { type: "button", textContent: "Copy as CSV" });
  csv.addEventListener("click", () => copy(csv, rowsAsCsv()));
  const reset = make("button", { type: "button", textContent: "Reset" });
  reset.addEventListener("click", () => change({ ...defaults }));
  const tools = $("tools");
  tools.className = "tools";
  tools.hidden = false;
  tools.append(verdicts, metric.label, category.label, make("label", {}, "Find ", search),
    make("label", {}, fold, " fold EQUIVALENT"), csv, reset, count);

  // ---- sorting
  [...head.cells].forEach((th, i) => {
    const button = make("button", { type: "button", textContent: th.textContent });
    th.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = state.s === String(i);
      change({ s: down ? "-" + i : state.s === "-" + i ? "" : String(i) });
    });
  });
  const key = (b, i) => {
    const cell = b.rows[0].cells[i];
    if (cell.dataset.s !== undefined) return Number(cell.dataset.s);
    if (!cell.classList.contains("num")) return cell.textContent;
    const n = parseFloat(cell.textContent.replace(/^[^−\d]+/, "").replace("−", "-"));
    return Number.isNaN(n) ? null : n;
  };
  const collator = new Intl.Collator("en", { numeric: true });
  const compare = (x, y) =>
    x === y ? 0 : x === null ? 1 : y === null ? -1 : typeof x === "number" && typeof y === "number" ? x - y : collator.compare(x, y);
  function sort() {
    const [, sign, digits] = /^(-?)(\d+)$/.exec(state.s) || [];
    const column = digits === undefined ? -1 : Number(digits);
    [...head.cells].forEach((th, i) => {
      if (i === column) th.setAttribute("aria-sort", sign ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    });
    order = original;
    if (column >= 0 && column < head.cells.length) {
      const keys = new Map(original.map((b) => [b, key(b, column)]));
      order = original.slice().sort((x, y) => {
        const [a, b] = [keys.get(x), keys.get(y)];
        // What has no value stays last in both directions.
        return a === null || b === null ? compare(a, b) : (sign ? -1 : 1) * compare(a, b);
      });
    }
    const all = document.createDocumentFragment();
    for (const b of order) all.append(b);
    table.append(all);
  }

  // ---- state
  // Of a large result so many rows are laid out; more follow when the end comes into view, and all on paper.
  const lazy = table.dataset.details === "lazy";
  const CHUNK = 300;
  let limit = lazy ? CHUNK : Infinity;
  let sorted = "";
  let matching = bodies;
  // Paper shows the rows that are folded on the screen; filters that somebody set hold there too.
  let printing = false;
  function apply() {
    if (sorted !== state.s) { sort(); sorted = state.s; }
    const q = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const folded = state.fold && !printing && !state.v.includes("EQUIVALENT");
    matching = order.filter((b) => {
      const d = b.dataset;
      return !(folded && d.v === "EQUIVALENT") && (!state.v.length || state.v.includes(d.v)) &&
        (!state.m || d.m === state.m) && (!state.c || d.c === state.c) && (!q.length || q.every((w) => words(b).includes(w)));
    });
    const visible = new Set(matching.slice(0, limit));
    for (const b of bodies) {
      const keep = visible.has(b);
      if (b.hidden === keep) b.hidden = !keep;
    }
    const shown = matching.length;
    count.textContent = shown === bodies.length ? `${shown} rows` : `${shown} of ${bodies.length} rows`;
    for (const box of boxes) box.checked = state.v.includes(box.value);
    metric.s.value = state.m;
    category.s.value = state.c;
    fold.checked = state.fold;
    if (document.activeElement !== search) search.value = state.q;
  }
  function change(part) {
    state = { ...state, ...part };
    if (lazy) limit = CHUNK;
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
    if (/^#r\d+$/.test(hash)) return open($(hash.slice(1)), true);
    if (hash.startsWith("#?")) {
      const p = new URLSearchParams(hash.slice(2));
      const get = (k) => p.get(k) || "";
      state = { ...defaults, m: get("m"), c: get("c"), q: get("q"), s: get("s"), v: get("v").split(",").filter(Boolean),
        fold: p.has("fold") ? p.get("fold") === "1" : defaults.fold };
      apply();
    }
  }
  addEventListener("hashchange", fromHash);

  // ---- details
  let data;
  function open(body, jump) {
    if (!body || !table.contains(body)) return;
    body.hidden = false;
    let more = body.rows[1];
    if (!more && lazy) more = body.appendChild(details(Number(body.id.slice(1))));
    if (!more) return;
    const show = jump || !more.classList.contains("open");
    more.classList.toggle("open", show);
    const d = more.querySelector("details");
    if (d) d.open = show;
    const link = body.rows[0].querySelector("th a");
    if (link) link.setAttribute("aria-expanded", String(show));
    if (jump) body.scrollIntoView({ block: "center" });
  }
  table.addEventListener("click", (event) => {
    const link = event.target.closest("th a");
    if (link && link.closest("tbody")) {
      event.preventDefault();
      const body = link.closest("tbody");
      open(body, false);
      if (state.q + state.m + state.c + state.s + state.v.join("") === "") history.replaceState(null, "", "#" + body.id);
    } else if (event.target.closest(".more a[href^='#r']")) {
      event.preventDefault();
      open($(event.target.closest("a").getAttribute("href").slice(1)), true);
    }
  });
  document.querySelectorAll("#forest a, #heat a, #history a, #notes a, #failures a").forEach((a) => a.addEventListener("click", (event) => {
    event.preventDefault();
    open($(a.getAttribute("href").slice(1)), true);
  }));

  // ---- details of large results, drawn from the data island
  // Names in the JSON and heads, as the page was made with.
  const statistics = {};
  const SVG = "http://www.w3.org/2000/svg";
  const draw = (tag, attributes, content) => {
    const e = document.createElementNS(SVG, tag);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    if (content !== undefined) e.textContent = content;
    return e;
  };
  const number = (v) => v === null || v === undefined ? "n/a" : String(Number(v.toPrecision(6))).replace("-", "−");
  function details(index) {
    data = data || JSON.parse($("data").textContent);
    const row = data.rows[index];
    const cell = make("td", { colSpan: head.cells.length });
    const grid = make("div", { className: "drill" });
    grid.append(make("div", { className: "pictures" }, points(row), inOrder(row)), estimates(row), values(row));
    cell.append(make("details", { open: true }, make("summary", { textContent: "Details" }), grid));
    return make("tr", { className: "more" }, cell);
  }
  function figure(title, unit, svg) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", title);
    return make("figure", {}, make("figcaption", {}, title,
      make("span", { className: "key", textContent: unit ? ` ${unit}; A ○  B ●` : " A ○  B ●" })), svg);
  }
  function axis(values) {
    let [lo, hi] = [Math.min(...values), Math.max(...values)];
    if (lo === hi) { lo -= Math.abs(lo) * 0.01 || 1; hi += Math.abs(hi) * 0.01 || 1; }
    return { lo, hi, at: (v) => 2 + 96 * (v - lo) / (hi - lo) };
  }
  function points(row) {
    const all = [...row.a.values, ...row.b.values];
    const svg = draw("svg", { class: "strip points", width: "100%", height: 86 });
    if (!all.length) return figure("No values", "", svg);
    const x = axis(all);
    for (const v of [x.lo, (x.lo + x.hi) / 2, x.hi]) {
      svg.append(draw("line", { class: "grid", x1: x.at(v) + "%", x2: x.at(v) + "%", y1: 4, y2: 66 }));
      svg.append(draw("text", { x: x.at(v) + "%", y: 82, "text-anchor": v === x.lo ? "start" : v === x.hi ? "end" : "middle" },
        String(Number(v.toPrecision(4)))));
    }
    [["A", row.a, 20], ["B", row.b, 50]].forEach(([name, side, y]) => {
      svg.append(draw("text", { class: "lane", x: -16, y: y + 4 }, name));
      if (side.mean !== null) svg.append(draw("line", { class: "mean", x1: x.at(side.mean) + "%", x2: x.at(side.mean) + "%", y1: y - 10, y2: y + 10 }));
      for (const v of side.values) svg.append(draw("circle", { class: "point " + name.toLowerCase(), cx: x.at(v) + "%", cy: y, r: 4 }));
    });
    return figure("Every value, and the means", row.unit, svg);
  }
  function inOrder(row) {
    const all = [...row.a.values, ...row.b.values];
    const svg = draw("svg", { class: "strip points", width: "100%", height: 130 });
    if (!all.length) return figure("No values", "", svg);
    const y = axis(all);
    const place = (side, i) => side.blocks && side.blocks.length ? side.blocks[i] : i + 1;
    const last = Math.max(...row.a.values.map((_, i) => place(row.a, i)), ...row.b.values.map((_, i) => place(row.b, i)), 1);
    const left = (n) => 4 + 92 * (n - 0.5) / last + "%";
    for (let n = 1; n <= Math.min(last, 40); n++) svg.append(draw("text", { x: left(n), y: 126, "text-anchor": "middle" }, n));
    for (const v of [y.lo, y.hi]) svg.append(draw("line", { class: "grid", x1: 0, x2: "100%", y1: 108 - y.at(v), y2: 108 - y.at(v) }));
    [["a", row.a], ["b", row.b]].forEach(([name, side]) => side.values.forEach((v, i) =>
      svg.append(draw("circle", { class: "point " + name, cx: left(place(side, i)), cy: 108 - y.at(v), r: 4 }))));
    return figure(`Values in order of the ${row.a.blocks ? "blocks" : "repeats"}`, row.unit, svg);
  }
  function rowsOf(pairs) {
    const body = make("tbody");
    for (const [name, ...cells] of pairs) {
      body.append(make("tr", {}, make("th", { scope: "row", textContent: name }),
        ...cells.map((c) => make("td", { className: "num", textContent: c }))));
    }
    return make("table", { className: "small" }, body);
  }
  const same = (f, row) => f.candidate === row.candidate && f.workload === row.workload && f.category === row.category &&
    JSON.stringify(f.case) === JSON.stringify(row.case);
  function estimates(row) {
    const percent = (v) => v === null ? "n/a" : `${Number((v * 100).toPrecision(2))}%`;
    const ci = (i) => `[${number(i[0])}, ${number(i[1])}]`;
    const one = (v) => typeof v === "string" ? v : Array.isArray(v) ? ci(v) : number(v);
    // A p stands in the JSON under its name without `p_`.
    const member = (name) => name in row ? row[name] : row.p[name.slice(2)];
    const side = (name) => name === "cv" ? [percent(row.a.cv), percent(row.b.cv)] : [one(row.a[name]), one(row.b[name])];
    return make("div", { className: "numbers" },
      rowsOf([["", "A", "B"], ...statistics.sides.map(([name, head]) => [head, ...side(name)])]),
      rowsOf([...statistics.estimates.map(([name, head]) => [head, one(member(name))]),
        ["verdict", row.verdict + (row.reason ? ` (${row.reason})` : "")],
        ["marks", [row.beyond ? "beyond the band" : "", row.gates ? "gates" : ""].filter(Boolean).join(", ") || "none"],
        ...data.failures.filter((f) => same(f, row)).map((f) => ["failures of the case",
          `${f.verdict}: ${f.a.failed} of ${f.a.tried} | ${f.b.failed} of ${f.b.tried}; ${f.first}`]),
        ...(row.expected ? [["known until", `${row.expected.until}: ${row.expected.reason}`]] : [])]));
  }
  function values(row) {
    const line = (name, side) => side.values.map((v, i) => {
      const s = side.sources[i];
      return [name + (i + 1), String(v), s ? `${data.files[s[0]]}:${s[1]}` : ""];
    });
    const t = rowsOf([...line("A", row.a), ...line("B", row.b)]);
    t.classList.add("values");
    return make("div", { className: "scroll" }, t, make("p", { className: "id" }, "Row ", make("code", { textContent: row.id })));
  }

  // ---- copying
  function field(t) {
    t = t.trim().replace(/\s+/g, " ").replaceAll("−", "-");
    if (/^[=+@]|^-[^\d]/.test(t) && !/^[+-][\d.]/.test(t)) t = "'" + t;
    return /[",\n]/.test(t) ? `"${t.replaceAll('"', '""')}"` : t;
  }
  function rowsAsCsv() {
    const line = (cells) => [...cells].map((c) => field(c.textContent)).join(",");
    return [line(head.cells), ...matching.map((b) => line(b.rows[0].cells))].join("\n") + "\n";
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
    document.querySelectorAll("[data-copy]").forEach((t) => {
      const button = make("button", { type: "button", className: "copy", textContent: "Copy" });
      button.setAttribute("aria-label", "Copy " + t.dataset.copy);
      const lines = () => [...t.rows].map((r) => [...r.cells].map((c) => c.textContent.trim()).join("\t")).join("\n") + "\n";
      button.addEventListener("click", () => copy(button, lines()));
      t.closest(".scroll").after(button);
    });
  }

  addEventListener("beforeprint", () => { printing = true; limit = Infinity; apply(); });
  addEventListener("afterprint", () => { printing = false; apply(); });

  apply();
  table.classList.add("ready");
  fromHash();
  if (lazy) {
    // The columns keep the widths that the first rows gave them: measuring every cell again for each chunk is slow.
    const widths = [...head.cells].map((th) => th.getBoundingClientRect().width);
    [...head.cells].forEach((th, i) => { th.style.width = widths[i] + "px"; });
    table.classList.add("fixed");
    const end = make("p", { className: "quiet" });
    table.parentElement.after(end);
    new IntersectionObserver(([e]) => {
      if (!e.isIntersecting || limit >= matching.length) return;
      limit += CHUNK;
      apply();
    }, { rootMargin: "1500px" }).observe(end);
  }
});
