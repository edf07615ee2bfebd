// The matrix of a report: all papers × systems, filtered, sorted and walked here, without a server.
// What papers and models say only ever becomes text nodes.
(() => {
  const place = document.getElementById("matrix");
  const { systems, metric, unit, rows } = JSON.parse(document.getElementById("matrix-data").textContent);
  const lineOf = (cell) => (cell.line ?? []).join("");
  const number = (value) => value === null || value === undefined ? "–" : value.toFixed(unit === "percent" ? 0 : 1);
  const others = systems.length > 1 ? systems.map((_, at) => at).slice(1) : [0];
  for (const row of rows) {
    const scores = row.cells.map((cell) => cell.score ?? null);
    row.words = [row.id, row.title, row.abstract, row.line, ...row.cells.map(lineOf)].join("\n").toLowerCase();
    row.refused = row.cells.some((cell) => !cell.line);
    row.differs = new Set(row.cells.map((cell) => lineOf(cell) || cell.why)).size > 1;
    // What the last systems lose or gain by the first; of one alone what it has.
    const changes = others.map((at) => scores[at] === null ? null
      : systems.length > 1 ? (scores[0] === null ? null : scores[at] - scores[0]) : scores[at]).filter((one) => one !== null);
    row.worst = changes.length ? Math.min(...changes) : Infinity;
    row.best = changes.length ? Math.max(...changes) : -Infinity;
  }

  const ORDERS = {
    order: ["as in the digests", () => 0],
    worst: [systems.length > 1 ? `worst against ${systems[0]}` : "worst", (a, b) => a.worst - b.worst],
    best: [systems.length > 1 ? `best against ${systems[0]}` : "best", (a, b) => b.best - a.best],
  };
  const tags = [...new Set(rows.flatMap((row) => row.tags))].sort();
  const word = make("input", { type: "search", placeholder: "a word of title, abstract or line  ( / )", "aria-label": "a word", oninput: () => show() });
  const tag = make("select", { "aria-label": "tag", onchange: () => show() }, make("option", { value: "" }, "every tag"), ...tags.map((one) => make("option", {}, one)));
  const order = make("select", { "aria-label": "order", onchange: () => show() }, ...Object.entries(ORDERS).map(([key, [title]]) => make("option", { value: key }, title)));
  const box = (text) => { const input = make("input", { type: "checkbox", onchange: () => show() }); return [input, make("label", {}, input, ` ${text}`)]; };
  const [different, differentLabel] = box("only where they differ");
  const [refused, refusedLabel] = box("only where one has no valid line");
  const count = make("span", { role: "status", class: "dim" });

  const cellOf = (cell) => {
    if (!cell.line) return make("td", { class: "text warning" }, cell.why);
    const parts = cell.line.map((text, at) => at % 2 ? make("mark", {}, text) : text);
    return make("td", { class: "text", lang: "zh-Hans" }, ...parts, make("br"), make("small", {}, `${number(cell.score)} · ${(cell.tags ?? []).join(" ")}`));
  };
  const opened = (row) => make("tr", { class: "opened" }, make("td", { class: "text", colspan: String(systems.length + 1) },
    make("p", { lang: "zh-Hans" }, row.line ? `reference: ${row.line}` : "no reference"),
    make("p", { class: "dim" }, `${row.tags.join(" ")} · ${row.date}`), make("p", { lang: "en" }, row.abstract)));
  const bodies = rows.map((row) => {
    const title = make("td", { class: "text" }, make("a", { href: `https://arxiv.org/abs/${row.id}`, rel: "noreferrer" }, row.id), " ", row.title);
    const line = make("tr", {}, title, ...row.cells.map(cellOf));
    return make("tbody", { tabindex: "-1" }, line);
  });
  const toggle = (body) => {
    if (body.rows.length > 1) body.rows[1].remove();
    else body.append(opened(rows[bodies.indexOf(body)]));
  };

  const table = make("table", { class: "matrix" }, make("thead", {}, make("tr", {}, make("th", { class: "text" }, "paper"),
    ...systems.map((name) => make("th", { class: "text" }, name)))));
  const show = () => {
    const wanted = word.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const kept = rows.map((row, at) => [row, at]).filter(([row]) => wanted.every((one) => row.words.includes(one))
      && (!tag.value || row.tags.includes(tag.value)) && (!different.checked || row.differs) && (!refused.checked || row.refused));
    kept.sort(([a, i], [b, j]) => ORDERS[order.value][1](a, b) || i - j);
    table.replaceChildren(table.tHead, ...kept.map(([, at]) => bodies[at]));
    count.textContent = `${kept.length} of ${rows.length} papers`;
  };
  table.addEventListener("click", (event) => {
    const body = event.target.closest("tbody");
    if (body && !event.target.closest("a, .opened") && getSelection().isCollapsed) toggle(body);
  });
  const move = (step) => {
    const list = [...table.tBodies];
    const at = list.indexOf(document.activeElement.closest?.("tbody"));
    const next = list[at < 0 ? (step > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + step, 0), list.length - 1)];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest?.("input, select")) return;
    const here = document.activeElement.closest?.("tbody");
    const act = { j: () => move(1), k: () => move(-1), o: () => here && toggle(here), "/": () => word.focus() }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  place.append(make("p", { class: "tools" }, word, " ", tag, " ", order, " ", differentLabel, " ", refusedLabel, " ", count),
    make("p", { class: "dim" }, `Beside each line its ${metric}; marked is what the reference has not. Keys: j, k walk, o opens abstract and reference, / looks for a word.`),
    make("div", { class: "wide" }, table));
  show();
  place.dataset.ready = "";
})();
