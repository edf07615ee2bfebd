// One pair of lines at a time, judged with keys or buttons. What papers and models say only ever
// becomes text nodes; each vote leaves at once, to where the page came from or into this browser.
(() => {
  const { mode, run, judge, items, votes } = JSON.parse(document.getElementById("judge-data").textContent);
  const place = document.getElementById("judge");
  const kept = `jianjie judge ${run} ${judge}`;
  if (mode === "file") {
    try { Object.assign(votes, JSON.parse(localStorage.getItem(kept) ?? "{}")); } catch { /* this browser keeps nothing */ }
  }

  const OVERALL = [["left", "甲好", "←"], ["tie", "一样好", "t"], ["both bad", "都不好", "b"], ["right", "乙好", "→"]];
  const SIDES = [["left", "甲好"], ["tie", "一样"], ["right", "乙好"]];
  const ASPECTS = [["task", "任务", "1"], ["problem", "问题", "2"], ["method", "方法", "3"]];
  let at = Math.max(0, items.findIndex((item) => !votes[item.id]));
  let asked = null; // the aspect that the next key is about
  let said = {}; // of aspects, before the pair as a whole is judged
  let busy = false;

  const bar = make("progress", { max: String(items.length), "aria-label": "已评" });
  const count = make("span", { role: "status", class: "dim" });
  const trouble = make("p", { role: "alert" });
  const title = make("h2", { lang: "en" });
  const abstract = make("p", { class: "abstract", lang: "en" });
  const lines = [make("span"), make("span")];
  const choice = (value, text, key, act) => make("button", { type: "button", "data-value": value, onclick: act, "aria-keyshortcuts": key && { "←": "ArrowLeft", "→": "ArrowRight" }[key] || key || false },
    text, ...(key ? [make("kbd", {}, key)] : []));
  const choices = make("div", { class: "choices", role: "group", "aria-label": "整体" }, ...OVERALL.map(([value, text, key]) => choice(value, text, key, () => overall(value))));
  const aspects = ASPECTS.map(([name, text, key]) => make("div", { class: "aspect", "data-aspect": name, role: "group", "aria-label": text },
    make("span", {}, text, make("kbd", {}, key)), make("div", {}, ...SIDES.map(([value, label]) => choice(value, label, "", () => aspect(name, value))))));
  const back = make("button", { type: "button", onclick: () => go(at - 1), "aria-keyshortcuts": "u" }, "上一对", make("kbd", {}, "u"));
  const next = make("button", { type: "button", onclick: () => go(at + 1), "aria-keyshortcuts": "n" }, "下一对", make("kbd", {}, "n"));
  const end = make("button", { type: "button", onclick: () => finish() }, mode === "served" ? "结束，看结果" : "存成文件");
  const help = make("p", { class: "dim" }, "看题目和摘要，选出把任务、问题、方法说得更对、更清楚的一行。任务、问题、方法可以分别说：按 1、2、3，再按方向键或 t；不说也行。每一票马上存下，随时可以离开。");

  const done = () => items.filter((item) => votes[item.id]).length;
  const press = (group, value) => { for (const button of group.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.value === value)); };
  const show = () => {
    const item = items[at];
    const vote = votes[item.id];
    const chosen = vote ?? said;
    title.textContent = item.title;
    abstract.textContent = item.abstract;
    [lines[0].textContent, lines[1].textContent] = [item.left, item.right];
    press(choices, vote?.overall);
    ASPECTS.forEach(([name], index) => { press(aspects[index], chosen[name]); aspects[index].classList.toggle("asked", asked === name); });
    const all = done();
    bar.value = all;
    count.textContent = all === items.length ? `${items.length} 对都评完了，谢谢！` : `第 ${at + 1} 对，已评 ${all} / ${items.length}`;
    back.disabled = at === 0;
    next.disabled = at === items.length - 1;
    place.dataset.at = String(at);
  };
  const go = (to) => {
    if (to < 0 || to >= items.length || busy) return;
    [at, asked, said] = [to, null, {}];
    trouble.textContent = "";
    show();
    window.scrollTo(0, 0);
  };
  const send = async (vote) => {
    if (mode === "file") {
      votes[vote.item] = { ...vote, at: new Date().toISOString() };
      try { localStorage.setItem(kept, JSON.stringify(votes)); } catch { trouble.textContent = "这个浏览器不肯记住选择：离开以前请存成文件。"; }
      return true;
    }
    try {
      const answer = await fetch("votes", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(vote) });
      if (!answer.ok) throw new Error((await answer.text()).slice(0, 300));
      votes[vote.item] = vote;
      return true;
    } catch (error) {
      trouble.textContent = `没有存下：${error instanceof TypeError ? "终端里的 jianjie judge 已经停了，再运行一次就能接着评" : error.message}`;
      return false;
    }
  };
  const voted = async (vote, move) => {
    if (busy) return;
    busy = true;
    trouble.textContent = "";
    const stored = await send(vote);
    busy = false;
    if (stored && move) {
      const later = items.findIndex((item, index) => index > at && !votes[item.id]);
      const open = later < 0 ? items.findIndex((item) => !votes[item.id]) : later;
      if (open >= 0) { go(open); return; }
    }
    show();
  };
  const overall = (value) => {
    const item = items[at].id;
    const { task = null, problem = null, method = null } = votes[item] ?? said;
    voted({ item, overall: value, task, problem, method }, !votes[item]);
  };
  const aspect = (name, value) => {
    const vote = votes[items[at].id];
    asked = null;
    if (vote) {
      const { item, overall: whole, task, problem, method } = { ...vote, [name]: value };
      voted({ item, overall: whole, task, problem, method }, false);
    } else { said = { ...said, [name]: value }; show(); }
  };
  const finish = async () => {
    if (mode === "file") {
      const list = Object.values(votes).map(({ item, overall: whole, task, problem, method, at: when }) => ({ item, overall: whole, task, problem, method, at: when }));
      const file = new Blob([`${JSON.stringify({ run, judge, votes: list }, null, 1)}\n`], { type: "application/json" });
      const link = make("a", { href: URL.createObjectURL(file), download: `${judge}.json` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      return;
    }
    try {
      await fetch("end", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
      place.replaceChildren(make("h1", {}, "结果在终端里。"), make("p", {}, "这一页可以关上了。"));
    } catch { trouble.textContent = "终端里的 jianjie judge 已经停了。"; }
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.isComposing || event.repeat) return;
    const about = ASPECTS.find(([, , key]) => key === event.key);
    const side = { ArrowLeft: "left", ArrowRight: "right", t: "tie", b: "both bad" }[event.key];
    let act = null;
    if (about) act = () => { asked = asked === about[0] ? null : about[0]; show(); };
    else if (side && asked && side !== "both bad") act = () => aspect(asked, side);
    else if (side && !asked) act = () => overall(side);
    else if (event.key === "u") act = () => go(at - 1);
    else if (event.key === "n") act = () => go(at + 1);
    else if (event.key === "Escape" && asked) act = () => { asked = null; show(); };
    if (act && place.contains(bar)) { event.preventDefault(); act(); }
  });
  place.append(make("header", {}, make("h1", {}, "哪一行更好？"), bar, count), trouble, title, abstract,
    make("div", { class: "lines" }, ...lines.map((line, index) => make("p", { class: "line" }, make("b", {}, index ? "乙" : "甲"), " ", line))), choices, ...aspects, make("footer", {}, back, next, end), help);
  show();
  place.dataset.ready = "";
})();
