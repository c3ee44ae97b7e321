"use strict";
// Opens the provenance of a number or of a run, and filters the list of runs. Text goes in as text, never as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
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

  const filter = document.getElementById("filter");
  if (filter) {
    const rows = [...document.querySelectorAll("table.runs tbody tr")];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    filter.closest("p").hidden = rows.length < 8;
    filter.addEventListener("input", () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word));
        shown += row.hidden ? 0 : 1;
      });
      document.getElementById("filtered").textContent = words.length ? `${shown} of ${rows.length}` : "";
    });
  }
})();
