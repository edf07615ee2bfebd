// The reading site's one script: theme, search, filters, interests, stars, keys. No library, no
// network but the site's own files. Text of papers only ever becomes text nodes.
"use strict";

const jianjie = (() => {
  const root = document.documentElement;
  const base = root.dataset.root;
  const store = {
    get(name, fallback) {
      try { return JSON.parse(localStorage.getItem(`jianjie.${name}`)) ?? fallback; }
      catch { return fallback; }
    },
    set(name, value) {
      try { localStorage.setItem(`jianjie.${name}`, JSON.stringify(value)); }
      catch { /* a browser that keeps nothing */ }
    },
  };

  // --- Theme: the system's, or one that was chosen; set before anything is drawn.

  const THEMES = { auto: "随系统", light: "浅色", dark: "深色" };
  const setTheme = (theme) => {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
  };
  setTheme(store.get("theme", "auto"));

  // --- Elements

  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (value !== false && value !== null) element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  };
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // --- Matching, by the same rules as pipeline/text/matching.py

  const LETTERS = { ß: "ss", æ: "ae", œ: "oe", ø: "o", đ: "d", ð: "d", ł: "l", þ: "th", ı: "i", ς: "σ" };
  const folded = (text) => /^[\x20-\x7e]*$/.test(text) ? text.toLowerCase()
    : text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[ßæœøđðłþıς]/g, (char) => LETTERS[char]).normalize("NFC");
  const fold = (text) => folded(text).replace(/\s+/g, " ").trim();

  const WHOLE = new Set(["embed", "news"]);
  const singular = (word) => {
    if (/(?:x|ch|sh|ss)es$/.test(word)) return word.slice(0, -2);
    const kept = word.endsWith("es") ? /[aeo]es$/ : /[usi]s$/;
    return word.endsWith("s") && !kept.test(word) ? word.slice(0, -1) : word;
  };
  const withoutEnding = (root) => {
    const last = root.at(-1);
    if (last === root.at(-2) && !"sz".includes(last) && (last !== "l" || root.length > 5)) return root.slice(0, -1);
    if (/^[^aeiou][aeiouy][^aeiouywx]$/.test(root)) return `${root}e`;
    return root.length > 4 && root.endsWith("e") ? root.slice(0, -1) : root;
  };
  const stems = new Map();
  const stem = (word) => {
    if (!stems.has(word)) stems.set(word, stemOf(word));
    return stems.get(word);
  };
  const stemOf = (word) => {
    if (!/^[a-z]{4,}$/.test(word) || WHOLE.has(word)) return word;
    if (/ie[sd]$/.test(word) && !/[ea]ies$/.test(word)) return `${word.slice(0, -3)}y`;
    word = singular(word);
    if (WHOLE.has(word)) return word;
    for (const ending of ["ing", "ed"]) {
      const root = word.endsWith(ending) ? word.slice(0, -ending.length) : "";
      if (root.length >= 3 && /[aeiouy]/.test(root) && !word.endsWith("eed")) return withoutEnding(root);
    }
    return word.length > 4 && word.endsWith("e") ? word.slice(0, -1) : word;
  };

  const CJK = "\\u3040-\\u30ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\uac00-\\ud7af";
  const PIECE = new RegExp(`[${CJK}]|[^${CJK}]+`, "g");
  // The words of a text, each with its place.
  const words = (given) => {
    const text = given.normalize("NFC");
    const found = [];
    let end = 0;
    for (const run of text.matchAll(/[\p{L}\p{N}]+(?:\+\+|#)?/gu)) {
      const between = text.slice(end, run.index);
      const joint = end && between.length === 1 ? between : "";
      end = run.index + run[0].length;
      if (/['\u2019]/.test(joint) && /^s$/i.test(run[0])) continue;
      const word = folded(run[0]);
      for (const piece of word.matchAll(PIECE)) {
        const at = word.length === run[0].length ? run.index + piece.index : run.index;
        found.push({
          text: piece[0], stem: stem(piece[0]), glued: piece.index === 0 && /[-_\u2010-\u2013]/.test(joint),
          start: at, end: word.length === run[0].length ? at + piece[0].length : end,
        });
      }
    }
    return found;
  };
  // How many words from `start` on hyphens make one: 2, 3, 4.
  const joined = (line, start) => {
    const many = [];
    while (many.length < 3 && line[start + many.length + 1]?.glued) many.push(many.length + 2);
    return many;
  };
  // Where the needle that begins at `place` ends; -1: it does not stand there.
  const follows = (needle, at, text, place, exact) => {
    if (at === needle.length) return place;
    for (const [many, few] of [[1, 1], ...joined(text, place).map((n) => [n, 1]), ...joined(needle, at).map((n) => [1, n])]) {
      if (place + many > text.length || at + few > needle.length) continue;
      const theirs = many === 1 ? text[place].text : text.slice(place, place + many).map((word) => word.text).join("");
      const ours = few === 1 ? needle[at].text : needle.slice(at, at + few).map((word) => word.text).join("");
      if (exact ? ours !== theirs : stem(ours) !== stem(theirs)) continue;
      const end = follows(needle, at + few, text, place + many, exact);
      if (end >= 0) return end;
    }
    return -1;
  };
  // Where words stand in words: the first and the last + 1 of each place.
  const places = (needle, text, exact = false) => {
    const found = [];
    if (!needle.length) return found;
    const any = joined(needle, 0).length > 0;
    text.forEach((word, at) => {
      if (!any && word.stem !== needle[0].stem && !text[at + 1]?.glued) return;
      const end = follows(needle, 0, text, at, exact);
      if (end >= 0) found.push([at, end]);
    });
    return found;
  };
  const matches = (needle, text, exact = false) => places(words(needle), words(text), exact).length > 0;

  const EMPTY = { keywords: [], authors: [], tags: [] };
  let settings = { months: [], fields: {}, sections: {}, tags: {}, interests: { more: EMPTY, less: EMPTY, mute: EMPTY }, fieldInterests: {} };
  // The reader's own hold for all fields; those of the settings may be a field's.
  const interests = (field) => store.get("interests", settings.fieldInterests[field] ?? settings.interests);
  // What a paper meets: how much for it, less what is against it; and whether it is muted.
  const met = (paper, wanted) => {
    const text = paper.words ?? (paper.words = [paper.title, paper.line, paper.comment ?? "", paper.abstract].map(words));
    const names = paper.names ?? (paper.names = paper.authors.map(words));
    const among = (term, texts, exact) => texts.some((part) => places(words(term), part, exact).length > 0);
    const count = (terms) => terms.keywords.filter((term) => among(term, text, false)).length
      + terms.authors.filter((term) => among(term, names, true)).length
      + terms.tags.filter((tag) => paper.tags.includes(tag)).length;
    return { worth: count(wanted.more) - count(wanted.less), muted: count(wanted.mute ?? EMPTY) > 0 };
  };
  const value = (paper, wanted) => met(paper, wanted).worth;

  // Marks what was found, in text nodes whose characters keep their places: words, exact words, or
  // parts of words.
  const highlight = (element, terms) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    const nodes = [];
    while (walker.nextNode()) if (!walker.currentNode.parentElement.closest("math, mark")) nodes.push(walker.currentNode);
    for (const node of nodes) {
      if (node.data !== node.data.normalize("NFC")) continue;
      const here = words(node.data);
      const spans = terms.flatMap(([term, how]) => how === "part" ? partsOf(fold(term), node.data)
        : places(words(term), here, how === "exact").map(([first, end]) => [here[first].start, here[end - 1].end]))
        .sort((a, b) => a[0] - b[0]);
      let at = 0;
      const pieces = [];
      for (const [start, end] of spans) {
        if (start < at) continue;
        pieces.push(node.data.slice(at, start), make("mark", {}, node.data.slice(start, end)));
        at = end;
      }
      if (pieces.length) node.replaceWith(...pieces, node.data.slice(at));
    }
  };
  const partsOf = (term, data) => {
    const found = [];
    const text = folded(data);
    if (text.length !== data.length) return found;
    for (let at = term ? text.indexOf(term) : -1; at >= 0; at = text.indexOf(term, at + term.length)) found.push([at, at + term.length]);
    return found;
  };

  // --- Mine: a linear classifier of words, learned here from stars and from what was put aside

  const FEWEST = 3;
  const counted = (paper) => {
    const counts = new Map();
    for (const [text, weight] of [[paper.title, 2], [paper.abstract ?? "", 1]]) {
      for (const { stem } of words(text)) if (/^[a-z][a-z0-9+#]{2,}$/.test(stem)) counts.set(stem, (counts.get(stem) ?? 0) + weight);
    }
    return counts;
  };
  // Words that few papers have weigh more; every paper is as long as any other.
  const vectors = (papersOf) => {
    const counts = papersOf.map(counted);
    const having = new Map();
    for (const one of counts) for (const word of one.keys()) having.set(word, (having.get(word) ?? 0) + 1);
    return counts.map((one) => {
      const entries = [...one].map(([word, count]) => [word, (1 + Math.log(count)) * Math.log((counts.length + 1) / (having.get(word) + 0.5))]);
      const length = Math.hypot(...entries.map(([, worth]) => worth)) || 1;
      return new Map(entries.map(([word, worth]) => [word, worth / length]));
    });
  };
  const dot = (one, other) => { let sum = 0; for (const [word, worth] of one) sum += worth * (other.get(word) ?? 0); return sum; };
  // What is liked against what is not, and against all the others, which together weigh as much as
  // what is liked: nothing is known of them, and most are not for this reader.
  const taught = (examples) => {
    const weights = new Map();
    let bias = 0;
    for (let round = 0; round < 60; round += 1) {
      const rate = 2 / (1 + round / 20);
      for (const { vector, wanted, weight } of examples) {
        const error = weight * (wanted - 1 / (1 + Math.exp(-(dot(vector, weights) + bias))));
        bias += rate * error * 0.1;
        for (const [word, worth] of vector) weights.set(word, (weights.get(word) ?? 0) * (1 - rate * weight * 1e-3) + rate * error * worth);
      }
    }
    return (vector) => dot(vector, weights) + bias;
  };
  const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
  // The scale as in pipeline/library/taste.py: what is like most others has 1; what is liked has 7,
  // where the classifier is told that it is not, each once.
  const USUAL = Math.log(1 / 9);
  const LIKED = Math.log(7 / 3);
  const PARTS = 3;
  const learned = (liked, disliked, others) => {
    const made = vectors([...liked, ...disliked, ...others]);
    const share = Math.min(1, liked.length / Math.max(1, others.length));
    const teach = (hidden) => taught(made.map((vector, at) => {
      const wanted = at < liked.length && at % PARTS !== hidden;
      const known = wanted || (at >= liked.length && at < liked.length + disliked.length);
      return { vector, wanted: Number(wanted), weight: known ? 1 : share };
    }));
    const judge = teach(-1);
    const spies = Array.from({ length: PARTS }, (_, part) => {
      const judged = teach(part);
      return made.slice(0, liked.length).filter((_, at) => at % PARTS === part).map(judged);
    }).flat();
    const found = made.slice(liked.length).map(judge);
    const usual = median(found);
    const mean = found.reduce((sum, one) => sum + one, 0) / found.length;
    const spread = Math.sqrt(found.reduce((sum, one) => sum + (one - mean) ** 2, 0) / found.length);
    const reach = Math.max(Math.min(median(spies) - usual, 4 * spread), 2 * spread, 0.1);
    const worth = (vector) => USUAL + (LIKED - USUAL) * (judge(vector) - usual) / reach;
    return { score: (vector) => 10 / (1 + Math.exp(-worth(vector))), weight: (word) => judge(new Map([[word, 1]])) - judge(new Map()), vectors: made };
  };
  // Each of the papers with a score from 0 to 10, the words that speak for it, and the liked one
  // that it is most like. Null: too little is liked.
  const mine = (liked, disliked, candidates) => {
    if (liked.length < FEWEST) return null;
    const known = new Set([...liked, ...disliked].map((paper) => paper.id));
    const others = candidates.filter((paper) => !known.has(paper.id));
    if (!disliked.length && !others.length) return null;
    const { score, weight, vectors: made } = learned(liked, disliked, others);
    const at = new Map([...liked, ...disliked, ...others].map((paper, place) => [paper.id, place]));
    return candidates.map((paper) => {
      const vector = made[at.get(paper.id)];
      const forms = new Map(words(`${paper.title} ${paper.abstract ?? ""}`).map(({ stem, text }) => [stem, text]));
      const why = [...vector].map(([word, worth]) => [word, worth * weight(word)])
        .filter(([, worth]) => worth > 0.02).sort((a, b) => b[1] - a[1]).slice(0, 4).map(([word]) => forms.get(word) ?? word);
      const near = liked.filter((one) => one.id !== paper.id).map((one) => [dot(vector, made[at.get(one.id)]), one.title])
        .sort((a, b) => b[0] - a[0])[0];
      return { id: paper.id, score: score(vector), why, near: near && near[0] > 0.05 ? `收藏的《${near[1]}》` : "" };
    });
  };

  // --- The search's months, loaded when first needed, the newest first

  const papers = [];
  const loaded = new Set();
  let loading = false;
  const month = (name, rows) => {
    loaded.add(name);
    for (const [id, version, field, date, section, tags, title, line, authors, abstract] of rows) {
      const searched = [title, line, authors.join("; "), abstract, `${id}v${version}`].map(fold);
      papers.push({
        id, version, field, date, section, tags, title, line, authors, abstract, searched,
      });
    }
  };
  const load = () => {
    if (loading) return;
    loading = true;
    const left = settings.months.filter((name) => !loaded.has(name));
    const next = () => {
      const name = left.shift();
      if (name === undefined) return;
      const script = make("script", { src: `${base}search/${name}.js` });
      script.onload = script.onerror = () => { script.remove(); search(); next(); };
      document.head.append(script);
    };
    for (let lane = 0; lane < 3; lane += 1) next();
  };

  const WEIGHTS = [8, 4, 4, 1, 16];
  const SHOWN = 60;
  const find = (query) => {
    // Words, each of which has to be there, and "phrases".
    const terms = [...fold(query.q).matchAll(/"([^"]+)"|[^\s"]+/g)].map((found) => found[1] ?? found[0]);
    const stars = query.starred ? store.get("stars", {}) : null;
    const found = [];
    for (const paper of papers) {
      if (query.field && paper.field !== query.field) continue;
      if (query.section && paper.section !== query.section) continue;
      if (query.tag && !paper.tags.includes(query.tag)) continue;
      if (query.since && paper.date < query.since) continue;
      if (query.until && paper.date > query.until) continue;
      if (stars && !stars[paper.id]) continue;
      let weight = 0;
      let missing = false;
      for (const term of terms) {
        let best = 0;
        paper.searched.forEach((part, at) => { if (WEIGHTS[at] > best && part.includes(term)) best = WEIGHTS[at]; });
        if (!best) { missing = true; break; }
        weight += best;
      }
      if (!missing) found.push({ paper, weight });
    }
    // What is worth most comes first; of interests only what is shown is asked for.
    const order = (a, b) => b.weight - a.weight || (a.paper.date < b.paper.date ? 1 : a.paper.date > b.paper.date ? -1 : 0);
    found.sort(order);
    const top = found.slice(0, SHOWN);
    for (const hit of top) hit.weight += value(hit.paper, interests(hit.paper.field));
    return { terms, total: found.length, top: top.sort(order) };
  };

  // --- The bar at the top

  let bar;
  let typed = "";
  const query = () => ({
    q: typed.trim(), field: bar.field.value, section: bar.section.value, tag: bar.tag.value.trim(),
    since: bar.since.value, until: bar.until.value, starred: bar.starred.checked,
  });
  const asked = (now) => Object.entries(now).filter(([, found]) => found !== "" && found !== false);
  const search = () => {
    const now = query();
    const wanted = asked(now);
    const results = one("#results");
    results.hidden = !wanted.length;
    one("#content").hidden = wanted.length > 0;
    const hash = wanted.length ? `#?${new URLSearchParams(wanted)}` : "";
    if (hash !== location.hash && (hash || location.hash.startsWith("#?"))) {
      history.replaceState(null, "", hash || location.pathname + location.search);
    }
    if (!wanted.length) { results.replaceChildren(); return; }
    load();
    const { terms, total, top } = find(now);
    const state = loaded.size < settings.months.length ? `，已载入 ${loaded.size}/${settings.months.length} 个月` : "";
    const rest = total > top.length ? `，显示前 ${top.length} 篇` : "";
    results.replaceChildren(
      make("h1", {}, "搜索结果"),
      make("p", { class: "counts", role: "status" }, `${total} 篇${rest}${state}`),
      total || loaded.size < settings.months.length ? "" : make("p", {}, advice(now)),
      ...top.map(({ paper }) => shownPaper(paper, terms)),
    );
  };
  const advice = (now) => {
    const narrow = asked(now).some(([name]) => name !== "q");
    return `没有找到。${now.q ? "换个词、少写几个词，或用引号只找连在一起的" : "换一个条件"}${narrow ? "；也可以在「筛选」里放宽条件" : ""}。`;
  };
  const href = (paper) => `${base}paper/${paper.id.replaceAll("/", "-")}.html`;
  const shownPaper = (paper, terms) => {
    const tags = paper.tags.map((tag) => make("button", { type: "button", class: "tag", "data-tag": tag, title: settings.tags[tag] ?? tag }, tag));
    const article = make("article", { class: "paper", tabindex: "-1", "data-id": paper.id },
      make("p", { class: paper.line ? "line" : "line owed" }, paper.line || "待补"),
      make("h2", { class: "title", lang: "en" }, make("a", { href: href(paper) }, paper.title)),
      make("p", { class: "tags" }, ...tags, make("span", { class: "links" }, make("a", { href: `https://arxiv.org/abs/${paper.id}v${paper.version}` }, "abs"))),
      make("p", { class: "authors", lang: "en" }, paper.authors.length > 40 ? `${paper.authors.slice(0, 10).join("; ")} 等 ${paper.authors.length} 位作者` : paper.authors.join("; ")),
      make("details", { class: "abstract" }, make("summary", {}, "英文摘要"), make("p", { lang: "en" }, paper.abstract)),
      // A paper that no listing has was asked for by itself.
      paper.date ? make("p", { class: "marks" }, make("a", { href: `${base}${paper.date}/${paper.field}.html#${paper.id}` }, `${settings.fields[paper.field] ?? paper.field} ${paper.date}`), ` ${settings.sections[paper.section] ?? ""}`) : "",
    );
    highlight(article, terms.map((term) => [term, "part"]));
    withStar(article);
    return article;
  };

  const buildBar = () => {
    const option = ([id, name]) => make("option", { value: id }, name);
    const changed = () => search();
    bar = {
      q: make("input", { type: "search", placeholder: "搜索标题、简介、作者、摘要（按 /）", "aria-label": "搜索", autocomplete: "off" }),
      field: make("select", { "aria-label": "领域", onchange: changed }, option(["", "全部领域"]), ...Object.entries(settings.fields).map(option)),
      section: make("select", { "aria-label": "栏目", onchange: changed }, option(["", "全部栏目"]), ...Object.entries(settings.sections).map(option)),
      tag: make("input", { "aria-label": "分类", placeholder: "分类", list: "tags", size: "9", oninput: changed }),
      since: make("input", { type: "date", "aria-label": "从", onchange: changed }),
      until: make("input", { type: "date", "aria-label": "到", onchange: changed }),
      starred: make("input", { type: "checkbox", onchange: changed }),
    };
    // An input method's letters are no search: only what it commits.
    const commit = () => { typed = bar.q.value; search(); };
    bar.q.addEventListener("compositionend", commit);
    bar.q.addEventListener("input", (event) => { if (!event.isComposing) commit(); });
    bar.q.addEventListener("focus", load, { once: true });
    const filters = make("div", { class: "filters", id: "filters", hidden: true },
      bar.field, bar.section, bar.tag, bar.since, "至", bar.until,
      make("label", {}, bar.starred, " 只看收藏"),
      make("datalist", { id: "tags" }, ...Object.entries(settings.tags).map(([id, name]) => make("option", { value: id }, name))));
    // On a phone it opens with the filters: the bar has one row there.
    const menu = make("div", { class: "menu" });
    const toggle = make("button", { type: "button", "aria-expanded": "false", "aria-controls": "filters", onclick: () => {
      filters.hidden = !filters.hidden;
      menu.classList.toggle("open", !filters.hidden);
      toggle.setAttribute("aria-expanded", String(!filters.hidden));
    } }, "筛选");
    const theme = make("button", { type: "button", onclick: () => {
      const names = Object.keys(THEMES);
      const next = names[(names.indexOf(store.get("theme", "auto")) + 1) % names.length];
      store.set("theme", next);
      setTheme(next);
      theme.textContent = `配色：${THEMES[next]}`;
    } }, `配色：${THEMES[store.get("theme", "auto")]}`);
    menu.append(
      make("button", { type: "button", onclick: openInterests }, "兴趣"),
      make("button", { type: "button", onclick: openStars, id: "stars" }, "收藏"), theme,
      make("button", { type: "button", onclick: openKeys, "aria-label": "按键", title: "按键（?）" }, "?"));
    one("#tools").append(bar.q, toggle, menu, filters);
    const fromAddress = () => {
      const found = new URLSearchParams(location.hash.startsWith("#?") ? location.hash.slice(2) : "");
      for (const name of ["q", "field", "section", "tag", "since", "until"]) bar[name].value = found.get(name) ?? "";
      typed = bar.q.value;
      bar.starred.checked = found.has("starred");
      filters.hidden = ![...found.keys()].some((name) => name !== "q");
      toggle.setAttribute("aria-expanded", String(!filters.hidden));
      search();
    };
    addEventListener("hashchange", fromAddress);
    fromAddress();
  };

  // --- Interests: the settings' until the reader has some of their own

  const KINDS = { keywords: "关键词", authors: "作者", tags: "分类" };
  const openInterests = () => {
    const now = interests(fieldHere);
    const areas = {};
    const column = (side, title) => make("div", {}, make("h3", {}, title), ...Object.entries(KINDS).map(([kind, name]) => {
      areas[`${side}.${kind}`] = make("textarea", {});
      areas[`${side}.${kind}`].value = (now[side] ?? EMPTY)[kind].join("\n");
      return make("label", {}, name, areas[`${side}.${kind}`]);
    }));
    const lines = (side, kind) => areas[`${side}.${kind}`].value.split("\n").map((line) => line.trim()).filter(Boolean);
    const close = () => { dialog.close(); dialog.remove(); };
    const dialog = make("dialog", { "aria-label": "我的兴趣" },
      make("h2", {}, "我的兴趣"),
      make("p", { class: "dim" }, "一行一个。只存在这个浏览器里；默认值来自 config.yaml。"),
      make("div", { class: "columns" }, column("more", "优先并高亮"), column("less", "靠后"), column("mute", "静音，不显示")),
      make("p", {},
        make("button", { type: "button", onclick: () => {
          const side = (name) => Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, lines(name, kind)]));
          store.set("interests", { more: side("more"), less: side("less"), mute: side("mute") });
          close(); rank(); search();
        } }, "保存"), " ",
        make("button", { type: "button", onclick: () => { store.set("interests", null); close(); rank(); search(); } }, "恢复默认"), " ",
        make("button", { type: "button", onclick: close }, "取消")));
    document.body.append(dialog);
    dialog.showModal();
  };

  const ofArticle = (article) => {
    const text = (selector) => one(selector, article)?.textContent ?? "";
    return {
      id: article.dataset.id, version: article.dataset.version, tags: article.dataset.tags.split(" "),
      title: text(".title a") || text(".title") || one("h1")?.textContent || "", line: one(".line:not(.owed)", article)?.textContent ?? "",
      authors: text(".authors").split("; "), abstract: text(".abstract p"), comment: text(".comment [lang]"),
    };
  };
  const fieldHere = /\/([\w-]+)\.html$/.exec(location.pathname)?.[1] ?? "";
  let orderHere = ["arxiv", "mine"].includes(store.get("order", "interests")) ? store.get("order", "interests") : "interests";
  let originals;
  const rank = () => {
    // From the page as it came each time, so that no mark is left of interests that are gone.
    originals ??= all("section.papers").map((section) => [section, all(".paper", section).map((article) => article.cloneNode(true))]);
    if (!originals.length) return;
    const wanted = interests(fieldHere);
    const any = Object.values(wanted).some((side) => Object.values(side).some((terms) => terms.length));
    const terms = [...wanted.more.keywords.map((term) => [term, "words"]), ...wanted.more.authors.map((term) => [term, "exact"])];
    const aside = store.get("aside", {});
    const list = (kept) => Object.entries(kept).map(([id, paper]) => ({ id, ...paper }));
    const liked = list(store.get("stars", {}));
    const learnedHere = orderHere === "mine" && mine(liked, list(aside), originals.flatMap(([, articles]) => articles.map(ofArticle)));
    const scored = learnedHere ? new Map(learnedHere.map((one) => [one.id, one])) : library;
    const least = Number(store.get("least", 0)) || 0;
    for (const [section, articles] of originals) {
      const ranked = articles.map((article, at) => {
        const copy = article.cloneNode(true);
        const { worth, muted } = met(ofArticle(copy), wanted);
        copy.dataset.muted = muted ? "1" : "";
        copy.classList.toggle("more", worth > 0);
        copy.classList.toggle("less", worth < 0);
        if (terms.length) for (const part of all(".line, .title, .authors, .comment, .abstract p", copy)) highlight(part, terms);
        for (const tag of all(".tag", copy)) tag.classList.toggle("wanted", wanted.more.tags.includes(tag.dataset.tag));
        withStar(copy);
        const own = scored.get(copy.dataset.id);
        if (own) withScore(copy, own);
        copy.classList.toggle("aside", copy.dataset.id in aside);
        copy.dataset.low = own && own.score < least ? "1" : "";
        return { copy, worth: orderHere === "mine" && own ? own.score : worth, at };
      });
      if (orderHere !== "arxiv") ranked.sort((a, b) => b.worth - a.worth || a.at - b.at);
      all(".paper, .group", section).forEach((part) => part.remove());
      section.append(...ranked.map(({ copy }) => copy));
    }
    for (const [section] of originals) grouped(section);
    filterByTag();
    const order = one("#order");
    const pressed = orderHere === "interests" && !any ? "arxiv" : orderHere;
    const choose = (name, label, attributes = {}) => make("button", { type: "button", "aria-pressed": String(name === pressed), ...attributes, onclick: () => {
      orderHere = name;
      store.set("order", name);
      rank();
    } }, label);
    const few = liked.length < FEWEST && !library.size;
    const mineHere = choose("mine", "评分优先", few ? { disabled: true, title: `收藏 ${FEWEST} 篇以上之后，按你的口味给每篇打 0 到 10 分` } : {});
    const threshold = make("select", { "aria-label": "最低评分", onchange: () => { store.set("least", threshold.value); rank(); } },
      ...[[0, "全部评分"], [3, "3 分以上"], [5, "5 分以上"], [7, "7 分以上"]].map(([value, label]) => make("option", { value, selected: value === least }, label)));
    const hidden = all("section.papers .paper.aside").length;
    const muted = all('section.papers .paper[data-muted="1"]').length;
    const heard = muted ? [make("button", { type: "button", "aria-pressed": String(mutedShown), onclick: () => { mutedShown = !mutedShown; rank(); } }, `静音的 ${muted} 篇`)] : [];
    const shown = hidden ? [make("button", { type: "button", onclick: () => { store.set("aside", {}); rank(); } }, `取回不感兴趣的 ${hidden} 篇`)] : [];
    const view = (name, label) => make("button", { type: "button", "aria-pressed": String(name === viewHere()), onclick: () => { setView(name); rank(); } }, label);
    const groups = make("select", { "aria-label": "分组", onchange: () => { store.set("group", groups.value); rank(); } },
      ...Object.entries(GROUPS).map(([name, label]) => make("option", { value: name, selected: name === groupHere() }, label)));
    if (order) order.replaceChildren(view("list", "列表"), view("cards", "卡片"), groups, ...(any || liked.length || library.size ? [...(any ? [choose("interests", "兴趣优先")] : []), mineHere, choose("arxiv", "arXiv 顺序")] : []),
      ...(scored.size ? [threshold] : []), ...heard, ...shown, ...chosenTag());
  };

  // What the settings' library says of this day's papers; stars of this browser's say more.
  let library = new Map();
  const scores = (values) => {
    library = new Map(Object.entries(values).map(([id, [score, why, near]]) => [id, { id, score, why, near: near ? `文库中的《${near}》` : "" }]));
    if (originals !== undefined) rank();
  };

  // --- How a day is shown: a list to skim or cards, whole or in groups

  const viewHere = () => store.get("view", "list") === "cards" ? "cards" : "list";
  const setView = (name) => { store.set("view", name); root.dataset.view = name; };
  root.dataset.view = viewHere();
  const GROUPS = { none: "不分组", task: "按任务", tag: "按分类" };
  const groupHere = () => store.get("group", "none") in GROUPS ? store.get("group", "none") : "none";
  const OTHERS = "其他";
  const groupOf = (article) => {
    if (groupHere() === "tag") return article.dataset.tags.split(" ")[0] || OTHERS;
    return /属于([^，。；]{1,24}?)任务/.exec(one(".line:not(.owed)", article)?.textContent ?? "")?.[1].trim() ?? OTHERS;
  };
  const grouped = (section) => {
    if (groupHere() === "none") return;
    const groups = new Map();
    for (const article of all(".paper", section)) {
      const name = groupOf(article);
      groups.set(name, [...groups.get(name) ?? [], article]);
    }
    // The largest first, what belongs nowhere last; papers keep their order.
    const sorted = [...groups].sort(([a, ours], [b, theirs]) => (a === OTHERS) - (b === OTHERS) || theirs.length - ours.length);
    for (const [name, articles] of sorted) {
      section.append(make("h3", { class: "group" }, name, " ", make("small", {}, `${settings.tags[name] ?? ""} ${articles.length}`)), ...articles);
    }
  };

  // --- A day's papers of one tag

  let tagHere = "";
  let mutedShown = false;
  const chosenTag = () => tagHere ? [make("button", { type: "button", "aria-pressed": "true", onclick: () => { tagHere = ""; rank(); } }, `${tagHere} ${settings.tags[tagHere] ?? ""} ✕`)] : [];
  const filterByTag = () => {
    for (const article of all("section.papers .paper")) {
      article.hidden = (tagHere !== "" && !article.dataset.tags.split(" ").includes(tagHere)) || article.classList.contains("aside") || article.dataset.low === "1"
        || (article.dataset.muted === "1" && !mutedShown);
    }
    let heading = null;
    for (const part of all("section.papers > .group, section.papers > .paper")) {
      if (part.matches(".group")) { heading = part; part.hidden = true; }
      else if (heading && !part.hidden) heading.hidden = false;
    }
  };

  // --- A paper's score, with what speaks for it

  const withScore = (article, { score, why, near }) => {
    const because = [why.length ? `词：${why.join("、")}` : "", near ? `像${near}` : ""].filter(Boolean).join("；") || "没有什么特别的词";
    one(".tags", article)?.prepend(make("span", { class: "mark score", title: because }, score.toFixed(1)));
    one(".abstract", article)?.after(make("p", { class: "why dim" }, `评分 ${score.toFixed(1)}，${because}`));
  };

  // --- Stars

  const withStar = (article) => {
    const button = make("button", { type: "button", class: "star" });
    const draw = () => {
      const starred = article.dataset.id in store.get("stars", {});
      button.textContent = starred ? "★" : "☆";
      button.setAttribute("aria-pressed", String(starred));
      button.setAttribute("aria-label", "收藏");
    };
    button.addEventListener("click", () => { star(article); draw(); });
    draw();
    one(".star", article)?.remove();
    one(".links", article)?.prepend(button);
  };
  const star = (article) => {
    const stars = store.get("stars", {});
    const { id } = article.dataset;
    if (id in stars) delete stars[id];
    else {
      const known = papers.find((paper) => paper.id === id) ?? ofArticle(article);
      stars[id] = kept(known);
    }
    store.set("stars", stars);
    countStars();
  };
  const kept = (paper) => ({
    title: paper.title.trim(), line: paper.line, authors: [...paper.authors], tags: [...paper.tags], abstract: (paper.abstract ?? "").slice(0, 2500),
  });
  // Put aside, or taken back: it goes out of sight with the page's next order.
  const putAside = (article) => {
    const aside = store.get("aside", {});
    const { id } = article.dataset;
    if (id in aside) delete aside[id]; else aside[id] = kept(ofArticle(article));
    store.set("aside", aside);
    rank();
  };
  const countStars = () => {
    const count = Object.keys(store.get("stars", {})).length;
    one("#stars").textContent = count ? `收藏 ${count}` : "收藏";
  };

  const year = (id) => {
    const digits = /^(?:[a-z-]+(?:\.[A-Z]{2})?\/)?(\d\d)/.exec(id);
    return digits ? (Number(digits[1]) > 90 ? 1900 : 2000) + Number(digits[1]) : "";
  };
  // What TeX reads as its own; formulas stay as they are.
  const tex = (text) => text.split(/(\$[^$]+\$)/).map((part, at) => at % 2 ? part
    : part.replace(/[\\{}&%$#_~^]/g, (char) => ({ "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" })[char] ?? `\\${char}`)).join("");
  const bibtex = (stars) => Object.entries(stars).map(([id, paper]) => [
    `@misc{arxiv-${id.replaceAll("/", "-")},`,
    `  title = {{${tex(paper.title)}}},`,
    `  author = {${paper.authors.map(tex).join(" and ")}},`,
    `  year = {${year(id)}},`,
    `  eprint = {${id}},`,
    "  archivePrefix = {arXiv},",
    `  primaryClass = {${paper.tags[0] ?? ""}},`,
    `  url = {https://arxiv.org/abs/${id}}`,
    "}\n",
  ].join("\n")).join("\n");
  // One tag a line, so no line break in a value.
  const ris = (stars) => Object.entries(stars).map(([id, paper]) => [
    ["TY", "UNPB"], ["TI", paper.title], ...paper.authors.map((author) => ["AU", author]), ["PY", year(id)], ["N1", paper.line],
    ["KW", paper.tags.join("; ")], ["UR", `https://arxiv.org/abs/${id}`], ["M1", `arXiv:${id}`], ["ER", ""],
  ].map(([tag, text]) => `${tag}  - ${String(text).replace(/\s+/g, " ").trim()}`).join("\r\n")).join("\r\n\r\n") + "\r\n";
  const plainMarkdown = (text) => text.replace(/[\\`*_{}[\]<>#|~$]/g, "\\$&");
  const markdown = (stars) => Object.entries(stars)
    .map(([id, paper]) => `- [${plainMarkdown(paper.title)}](https://arxiv.org/abs/${id}) ${plainMarkdown(paper.authors.join("; "))}\n  ${plainMarkdown(paper.line)}\n`).join("");
  const save = (name, type, text) => {
    const address = URL.createObjectURL(new Blob([text], { type }));
    const link = make("a", { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  };
  const openStars = () => {
    const stars = store.get("stars", {});
    const close = () => { dialog.close(); dialog.remove(); };
    const dialog = make("dialog", { "aria-label": "收藏" },
      make("h2", {}, "收藏"),
      Object.keys(stars).length ? make("ul", {}, ...Object.entries(stars).map(([id, paper]) => make("li", {}, make("a", { href: `${base}paper/${id.replaceAll("/", "-")}.html` }, paper.title), ` ${paper.line}`)))
        : make("p", {}, "还没有收藏。按 x 或点 ☆ 收藏一篇论文；收藏只存在这个浏览器里。"),
      make("p", {},
        make("button", { type: "button", onclick: () => save("jianjie.bib", "text/plain", bibtex(stars)) }, "导出 BibTeX"), " ",
        make("button", { type: "button", onclick: () => save("jianjie.ris", "application/x-research-info-systems", ris(stars)) }, "导出 RIS"), " ",
        make("button", { type: "button", onclick: () => save("jianjie.md", "text/markdown", markdown(stars)) }, "导出 Markdown"), " ",
        make("button", { type: "button", onclick: close }, "关闭")));
    document.body.append(dialog);
    dialog.showModal();
  };

  // --- A paper's own page: its address and its record for others

  const buildShare = () => {
    const place = one("#share");
    const article = one(".version .paper");
    if (!place || !article) return;
    const paper = ofArticle(article);
    const record = { [paper.id]: paper };
    const text = `${paper.line}\n${paper.title}\nhttps://arxiv.org/abs/${paper.id}`;
    const copy = make("button", { type: "button", onclick: async () => {
      try { await navigator.clipboard.writeText(text); copy.textContent = "已复制"; }
      catch { copy.textContent = "浏览器不让复制"; }
      setTimeout(() => { copy.textContent = "复制"; }, 2000);
    } }, "复制");
    place.append(copy, " ",
      ...(navigator.share ? [make("button", { type: "button", onclick: () => navigator.share({ title: paper.title, text }).catch(() => {}) }, "分享"), " "] : []),
      make("button", { type: "button", onclick: () => save(`${paper.id.replaceAll("/", "-")}.bib`, "text/plain", bibtex(record)) }, "BibTeX"), " ",
      make("button", { type: "button", onclick: () => save(`${paper.id.replaceAll("/", "-")}.ris`, "application/x-research-info-systems", ris(record)) }, "RIS"));
  };

  // --- Evidence: the sentence of the paper that carries a part of a line, shown where that stands

  let tip = null;
  const hideTip = () => { tip?.remove(); tip = null; };
  const showTip = (part) => {
    hideTip();
    const said = one(`.evidence li[data-part="${part.dataset.part}"]`, part.closest(".paper"));
    if (!said) return;
    const [name, , where, quote] = [...said.children].map((child) => child.cloneNode(true));
    tip = make("div", { class: "tip", role: "tooltip" }, name, " ", where, quote);
    part.closest("main").append(tip);
    const lines = part.getClientRects();
    const left = Math.max(8, Math.min(lines[0].left, root.clientWidth - tip.offsetWidth - 8));
    tip.style.left = `${left + scrollX}px`;
    tip.style.top = `${lines[lines.length - 1].bottom + scrollY + 4}px`;
  };
  const watchParts = () => {
    document.addEventListener("pointerover", (event) => {
      const part = event.target.closest?.(".part");
      if (part) showTip(part); else if (!event.target.closest?.(".tip")) hideTip();
    });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
  };
  const openEvidence = (article) => {
    const list = one(".evidence", article);
    if (list) list.open = !list.open;
  };

  // --- Keys

  const KEYS = { "/": "搜索", j: "下一篇", k: "上一篇", o: "打开或合上摘要", e: "打开或合上依据", x: "收藏", n: "不感兴趣，不再显示", v: "列表或卡片", "?": "这张表", Esc: "清空搜索" };
  const openKeys = () => {
    const close = () => { dialog.close(); dialog.remove(); };
    const dialog = make("dialog", { "aria-label": "按键" },
      make("h2", {}, "按键"),
      make("table", {}, ...Object.entries(KEYS).map(([key, does]) => make("tr", {}, make("td", {}, make("kbd", {}, key)), make("td", {}, does)))),
      make("p", {}, make("button", { type: "button", onclick: close }, "关闭")));
    document.body.append(dialog);
    dialog.showModal();
  };

  const visible = () => all(".paper").filter((article) => article.offsetParent !== null);
  const move = (step) => {
    const list = visible();
    const at = list.indexOf(document.activeElement.closest?.(".paper"));
    const next = list[at < 0 ? (step > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + step, 0), list.length - 1)];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "start" });
  };
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.closest?.("input, textarea, select, dialog");
    if (event.key === "Escape" && event.target === bar.q) { bar.q.value = typed = ""; search(); bar.q.blur(); return; }
    if (typing) return;
    const here = document.activeElement.closest?.(".paper");
    const actions = {
      "/": () => bar.q.focus(),
      j: () => move(1),
      k: () => move(-1),
      o: () => { const abstract = here && one(".abstract", here); if (abstract) abstract.open = !abstract.open; },
      e: () => { if (here) openEvidence(here); },
      x: () => { if (here) { star(here); withStar(here); } },
      n: () => {
        if (!here?.closest("section.papers")) return;
        const list = visible();
        const next = list[list.indexOf(here) + 1]?.dataset.id;
        putAside(here);
        if (next) one(`section.papers .paper[data-id="${CSS.escape(next)}"]`)?.focus();
      },
      v: () => { setView(viewHere() === "cards" ? "list" : "cards"); rank(); },
      "?": openKeys,
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  };

  const data = (values) => {
    settings = values;
    buildBar();
    countStars();
    buildShare();
    if (originals === undefined) rank();
    if (!one("section.papers")) all("#content .paper").forEach(withStar);
    document.addEventListener("keydown", onKey);
    watchParts();
    document.addEventListener("click", (event) => {
      const tag = event.target.closest?.("button.tag")?.dataset.tag;
      const line = event.target.closest?.(".papers .line");
      // A finger cannot point: what it taps is what it asks about.
      const asked = event.pointerType !== "mouse" && event.target.closest?.(".part");
      if (line && !asked && viewHere() === "list" && getSelection().isCollapsed) {
        const abstract = one(".abstract", line.closest(".paper"));
        if (abstract) abstract.open = !abstract.open;
      }
      if (!tag) return;
      if (event.target.closest("section.papers")) { tagHere = tagHere === tag ? "" : tag; rank(); }
      else { bar.tag.value = tag; one("#filters").hidden = false; search(); }
    });
    root.dataset.ready = "";
  };

  return { data, month, scores, fold, stem, matches, value, find, papers, bibtex, ris, markdown, mine };
})();
