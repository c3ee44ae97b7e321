"use strict";
// Opens the provenance of a number or of a run, filters the list of runs, and where the page is served keeps it fresh.
// Text goes in as text, never as markup.
(() => {
  let data = JSON.parse(document.getElementById("data").textContent);
  let opened = null; // what the drawer shows: the title of a number or the label of a run, which stay when the page is made anew
  const drawer = document.getElementById("drawer");
  const title = document.getElementById("drawer-title");
  const body = document.getElementById("drawer-body");
  const $ = (tag, text, attributes = {}) => {
    const made = document.createElement(tag);
    if (text !== undefined && text !== null) made.append(text);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const place = (path) => data.base + path.split("/").map(encodeURIComponent).join("/");
  const file = ([path, exists]) => {
    if (exists) return $("a", $("code", path), { href: place(path) });
    const gone = $("span");
    gone.append($("code", path, { class: "gone" }), " ", $("span", "missing", { class: "missing" }));
    return gone;
  };
  const facts = (rows) => {
    const list = $("dl", undefined, { class: "facts" });
    for (const [name, value] of rows) {
      if (value === null || value === undefined || value === "") continue;
      const row = $("div");
      const cell = $("dd");
      cell.append(...(Array.isArray(value) ? value : [value]));
      row.append($("dt", name), cell);
      list.append(row);
    }
    return list;
  };
  const task = (id) =>
    id && document.getElementById("task-" + id) ? $("a", id, { href: "#task-" + id, "data-leave": "" }) : id || "none";
  const chain = (...steps) => {
    const list = $("ol", undefined, { class: "chain" });
    for (const [name, value] of steps) {
      const step = $("li");
      step.append($("span", name), ...(Array.isArray(value) ? value : [value]));
      list.append(step);
    }
    return list;
  };
  const joined = (nodes) => nodes.flatMap((node, i) => (i ? [", ", node] : [node]));
  const unique = (values) => [...new Set(values.filter(Boolean))];
  const short = (commit) => (commit ? commit.slice(0, 10) : "unknown");

  function showCell(key) {
    const cell = data.cells[key];
    opened = { cell: cell.title };
    const runs = cell.runs.map(([index]) => data.runs[index]);
    title.textContent = cell.title;
    const table = $("table");
    const head = $("tr");
    for (const name of ["run, and where its value was read", "seed", "value"]) head.append($("th", name, { scope: "col" }));
    table.append($("thead", head));
    const rows = $("tbody");
    for (const [index, value, source] of cell.runs) {
      const run = data.runs[index];
      const row = $("tr");
      const open = $("button", run.label, { type: "button", "data-run": index });
      const where = $("td", open);
      where.append(" ", file(source));
      row.append(where, $("td", run.seed ?? "none"), $("td", value, { class: "num" }));
      rows.append(row);
    }
    table.append(rows);
    const scroll = $("div", table, { class: "scroll", tabindex: "0", role: "region", "aria-label": "Runs behind this number" });
    const commits = unique(runs.map((run) => run.commit));
    body.replaceChildren(
      facts(cell.facts),
      chain(
        ["task", joined(unique(runs.map((run) => run.task)).map(task)).concat(runs.some((r) => r.task) ? [] : ["none named"])],
        ["sweep", unique(runs.map((run) => run.sweep)).join(", ") || "none"],
        ["runs", String(runs.length)],
        ["commit", commits.length ? joined(commits.map((c) => $("code", short(c)))) : "unknown"],
      ),
      scroll,
    );
    open();
  }

  function showRun(index) {
    const run = data.runs[index];
    opened = { run: run.label };
    title.textContent = run.label;
    const code = run.commit ? [$("code", run.commit), run.dirty ? " with uncommitted changes" : ""] : "unknown";
    const files = $("ul", undefined, { class: "plain" });
    for (const entry of run.files) files.append($("li", file(entry)));
    const cells = $("ul", undefined, { class: "plain" });
    for (const key of run.cells) cells.append($("li", $("button", data.cells[key].title, { type: "button", "data-cell": key })));
    body.replaceChildren(
      chain(["task", task(run.task)], ["sweep", run.sweep || "none"], ["run", run.status], ["commit", $("code", short(run.commit))]),
      facts([
        ["command", $("pre", run.command, { tabindex: "0" })],
        ["seed", run.seed === null ? "none" : String(run.seed)],
        ["code", code],
        ["host", run.host],
        ["started", run.started],
        ["took", run.took],
        ["again", $("code", "scaffold runs rerun " + run.label)],
        ["files", files],
        ["numbers it is behind", run.cells.length ? cells : ""],
      ]),
    );
    open();
  }

  function open() {
    if (!drawer.open) drawer.showModal();
    drawer.scrollTop = 0;
    document.getElementById("drawer-close").focus();
  }

  document.addEventListener("click", (event) => {
    const at = event.target.closest("[data-cell], [data-run], [data-leave]");
    if (!at) return;
    if (at.hasAttribute("data-leave")) {
      const target = document.getElementById(at.getAttribute("href").slice(1));
      const phase = target.closest("details");
      if (phase) phase.open = true;
      drawer.close();
    } else if (at.hasAttribute("data-cell")) showCell(at.getAttribute("data-cell"));
    else showRun(Number(at.getAttribute("data-run")));
  });
  document.getElementById("drawer-close").addEventListener("click", () => drawer.close());
  drawer.addEventListener("click", (event) => {
    if (event.target === drawer) drawer.close();
  });

  // a link to a task whose phase is folded opens it
  const unfold = () => {
    const target = location.hash.startsWith("#task-") && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const phase = target && target.closest("details");
    if (phase && !phase.open) {
      phase.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", unfold);
  unfold();

  // paper has no click: everything is unfolded for printing, and folded again
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
  });

  function filterRuns() {
    const filter = document.getElementById("filter");
    if (!filter) return;
    const rows = [...document.querySelectorAll("table.runs tbody tr")];
    filter.closest("p").hidden = rows.length < 8;
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = words.length ? row.textContent.toLowerCase() : "";
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    document.getElementById("filtered").textContent = words.length ? `${shown} of ${rows.length}` : "";
  }
  document.addEventListener("input", (event) => {
    if (event.target.id === "filter") filterRuns();
  });
  filterRuns();

  // --- a served page: what is new takes the place of what was, and what the reader did to the page stays ---

  const nameOf = (node) => node.id || node.className || node.tagName;
  const folding = (details) => nameOf(details.closest("section") || details) + details.querySelector("summary").textContent;
  // what a button leads to: its number in the page is another one in the next
  const meaningOf = (button, of) =>
    button.hasAttribute("data-run") ? of.runs[button.dataset.run].label : button.hasAttribute("data-cell") ? of.cells[button.dataset.cell].title : null;

  function replacePart(before, after, past) {
    if (!before || !after || before.isEqualNode(after)) return;
    const opens = new Map([...before.querySelectorAll("details")].map((d) => [folding(d), d.open]));
    const scrolls = [...before.querySelectorAll(".scroll")].map((box) => [box.getAttribute("aria-label"), box.scrollLeft, box.scrollTop]);
    const active = before.contains(document.activeElement) ? document.activeElement : null;
    const meaning = active && meaningOf(active, past);
    const typed = before.querySelector("#filter");
    before.replaceWith(after);
    for (const details of after.querySelectorAll("details")) {
      const open = opens.get(folding(details));
      if (open !== undefined) details.open = open;
    }
    for (const [label, left, top] of scrolls) {
      const box = [...after.querySelectorAll(".scroll")].find((one) => one.getAttribute("aria-label") === label);
      if (box) [box.scrollLeft, box.scrollTop] = [left, top];
    }
    const filter = after.querySelector("#filter");
    if (typed && filter) {
      filter.value = typed.value;
      filter.setSelectionRange(typed.selectionStart, typed.selectionEnd);
    }
    const buttons = meaning === null ? [] : [...after.querySelectorAll("[data-run], [data-cell]")];
    const focus = active && active.id ? document.getElementById(active.id) : buttons.find((button) => meaningOf(button, data) === meaning);
    if (focus) focus.focus({ preventScroll: true });
  }

  function replacePage(fresh) {
    const past = data;
    const text = fresh.getElementById("data").textContent;
    document.getElementById("data").textContent = text;
    data = JSON.parse(text);
    document.title = fresh.title;
    for (const tag of ["header", "nav"]) replacePart(document.querySelector(tag), document.adoptNode(fresh.querySelector(tag)), past);
    const main = document.getElementById("main");
    const parts = [...fresh.getElementById("main").children].map((part) => document.adoptNode(part));
    const old = new Map([...main.children].map((part) => [nameOf(part), part]));
    const names = new Set(parts.map(nameOf));
    for (const [name, part] of old) if (!names.has(name)) part.remove();
    parts.forEach((part, i) => {
      const before = old.get(nameOf(part));
      if (before) replacePart(before, part, past);
      else main.insertBefore(part, main.children[i] || null);
    });
    filterRuns();
    if (drawer.open) refreshDrawer();
    document.dispatchEvent(new Event("page-replaced"));
  }

  function refreshDrawer() {
    const top = drawer.scrollTop;
    const index = opened.run ? data.runs.findIndex((run) => run.label === opened.run) : -1;
    const key = opened.cell ? Object.keys(data.cells).find((name) => data.cells[name].title === opened.cell) : undefined;
    if (index >= 0) showRun(index);
    else if (key !== undefined) showCell(key);
    else drawer.close();
    drawer.scrollTop = top;
  }

  function follow() {
    const status = document.getElementById("live");
    let version = document.querySelector('meta[name="live"]').content; // of the page that is shown
    let wanted = version;
    let isBusy = false;
    const say = (text) => {
      if (status.textContent !== text) status.textContent = text;
    };
    const update = async () => {
      if (isBusy || Number(wanted) <= Number(version) || document.hidden) return;
      isBusy = true;
      let pause = 0;
      try {
        const answer = await fetch(location.pathname);
        if (!answer.ok) throw new Error(answer.statusText);
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        version = fresh.querySelector('meta[name="live"]').content;
        replacePage(fresh);
      } catch {
        pause = 1000; // the server has gone, which whoever listens for versions says, or is too busy
      }
      isBusy = false;
      if (Number(wanted) > Number(version)) setTimeout(update, pause);
    };
    const hear = (number) => {
      wanted = number;
      say("Live: kept fresh while runs go on.");
      update();
    };
    const lost = () => say("Not live: the server has ended. Start it again: scaffold report --serve");
    const ask = async () => {
      try {
        const answer = await fetch("version");
        if (answer.ok) hear(await answer.text());
      } catch {
        lost();
      }
    };
    addEventListener("visibilitychange", update);
    const listen = () => {
      const events = new EventSource("events");
      events.onmessage = (event) => hear(event.data);
      events.onerror = () => {
        lost();
        // closed for good: too many pages are open, or something between us lets no stream through
        if (events.readyState === EventSource.CLOSED) setInterval(ask, 5000);
      };
    };
    listen();
  }
  if (document.querySelector('meta[name="live"]')) follow();
})();
