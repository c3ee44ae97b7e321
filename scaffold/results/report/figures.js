"use strict";
// Makes line charts answer: values where one points, series that can be hidden, a logarithmic axis. Without a script the drawing and its CSV say all.
(() => {
  const state = new Map(); // title of a figure -> what the reader chose: a live page draws its figures anew
  const svgNS = "http://www.w3.org/2000/svg";

  const readCsv = (link) => {
    const text = decodeURIComponent(link.getAttribute("href").replace(/^[^,]*,/, ""));
    const rows = [];
    for (const line of text.split("\n").slice(1)) {
      if (!line) continue;
      const cells = [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map((m) => (m[1] === undefined ? m[2] : m[1].replaceAll('""', '"')));
      rows.push(cells);
    }
    return rows;
  };
  const short = (text) => (text === "" ? "" : String(Number(Number(text).toPrecision(5))));

  function readSeries(figure) {
    const rows = readCsv(figure.querySelector("figcaption a"));
    const lines = [...figure.querySelectorAll("svg:not([hidden]) g[data-series]")];
    let at = 0;
    return lines.map((group) => {
      const points = (group.querySelector("polyline")?.getAttribute("points") || "").split(" ").filter(Boolean).map((pair) => pair.split(",").map(Number));
      const own = rows.slice(at, at + points.length);
      at += points.length;
      return { index: group.dataset.series, points, rows: own };
    });
  }

  function point(figure, event) {
    const svg = figure.querySelector("svg.chart:not([hidden])");
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    const hidden = choices(figure).hidden;
    const near = readSeries(figure)
      .filter((series) => series.points.length && !hidden.has(series.index))
      .map((series) => {
        let best = 0;
        series.points.forEach(([px], i) => {
          if (Math.abs(px - x) < Math.abs(series.points[best][0] - x)) best = i;
        });
        return { ...series, best };
      });
    if (!near.length) return;
    const nearest = near.reduce((a, b) => (Math.abs(b.points[b.best][0] - x) < Math.abs(a.points[a.best][0] - x) ? b : a));
    const tip = figure.querySelector(".tip");
    const at = nearest.rows[nearest.best][1];
    const lines = near
      .filter((series) => series.rows[series.best][1] === at)
      .slice(0, 12)
      .map(({ rows, best }) => {
        const [label, , mean, low, high, n] = rows[best];
        const interval = low !== "" && high !== "" ? ` [${short(low)}, ${short(high)}]` : "";
        const line = document.createElement("div");
        line.textContent = `${label ? label + ": " : ""}${short(mean)}${interval}${Number(n) > 1 ? `, n = ${n}` : ""}`;
        return line;
      });
    const head = document.createElement("b");
    head.textContent = `${tip.dataset.x} ${short(at)}`;
    tip.replaceChildren(head, ...lines);
    tip.hidden = false;
    const share = nearest.points[nearest.best][0] / svg.viewBox.baseVal.width;
    tip.style.left = share < 0.5 ? `${share * 100}%` : "auto";
    tip.style.right = share < 0.5 ? "auto" : `${(1 - share) * 100}%`;
    let guide = svg.querySelector(".guide");
    if (!guide) {
      guide = document.createElementNS(svgNS, "line");
      guide.setAttribute("class", "guide");
      svg.append(guide);
    }
    const height = svg.viewBox.baseVal.height;
    for (const [name, value] of [["x1", share * svg.viewBox.baseVal.width], ["x2", share * svg.viewBox.baseVal.width], ["y1", 10], ["y2", height - 42]]) guide.setAttribute(name, value);
  }

  function leave(figure) {
    figure.querySelector(".tip").hidden = true;
    for (const guide of figure.querySelectorAll(".guide")) guide.remove();
  }

  const choices = (figure) => {
    const title = figure.querySelector("h3").textContent;
    if (!state.has(title)) state.set(title, { hidden: new Set(), isOther: false });
    return state.get(title);
  };

  function show(figure) {
    const { hidden, isOther } = choices(figure);
    for (const svg of figure.querySelectorAll("svg.chart")) svg.toggleAttribute("hidden", svg.classList.contains("other") !== isOther);
    for (const part of figure.querySelectorAll("svg.chart [data-series]")) part.classList.toggle("off", hidden.has(part.dataset.series));
    for (const button of figure.querySelectorAll("button[data-hides]")) button.setAttribute("aria-pressed", String(!hidden.has(button.dataset.hides)));
    const axis = figure.querySelector("button[data-axis]");
    if (axis) axis.setAttribute("aria-pressed", String(isOther));
  }

  function make(figure) {
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    tip.dataset.x = figure.dataset.x;
    figure.append(tip);
    const items = [...figure.querySelectorAll(".legend li")];
    if (items.length > 1)
      items.forEach((item, i) => {
        const button = document.createElement("button");
        button.type = "button";
        button.dataset.hides = String(i);
        button.title = "show or hide";
        button.append(...item.childNodes);
        item.replaceChildren(button);
      });
    if (figure.querySelector("svg.other")) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.axis = "";
      button.textContent = figure.dataset.other + " axis";
      figure.querySelector("figcaption").append(" ", button);
    }
    figure.addEventListener("pointermove", (event) => {
      if (event.target.closest("svg.chart")) point(figure, event);
      else leave(figure);
    });
    figure.addEventListener("pointerleave", () => leave(figure));
    figure.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-hides], button[data-axis]");
      if (!button) return;
      const chosen = choices(figure);
      if (button.hasAttribute("data-axis")) chosen.isOther = !chosen.isOther;
      else if (!chosen.hidden.delete(button.dataset.hides)) chosen.hidden.add(button.dataset.hides);
      show(figure);
    });
    show(figure);
  }

  let chosenMetric = null; // whose plots the reader wants to see

  function makeMetricChoice() {
    const section = document.querySelector("#results");
    const tied = () => [...(section ? section.querySelectorAll("figure[data-metric]") : [])];
    const names = [...new Set(tied().map((figure) => figure.dataset.metric))];
    section?.querySelector(".metric-choice")?.remove();
    if (names.length < 2) return;
    const label = document.createElement("label");
    label.className = "metric-choice";
    const select = document.createElement("select");
    for (const name of names) select.append(new Option(name, name));
    if (names.includes(chosenMetric)) select.value = chosenMetric;
    const showChosen = () => {
      for (const figure of tied()) figure.toggleAttribute("hidden", figure.dataset.metric !== select.value);
    };
    select.addEventListener("change", () => {
      chosenMetric = select.value;
      showChosen();
    });
    label.append("Plots of ", select);
    tied()[0].closest(".figures").before(label);
    showChosen();
  }

  const makeAll = () => {
    makeMetricChoice();
    for (const figure of document.querySelectorAll("figure[data-x]:not(.made)")) {
      figure.classList.add("made");
      make(figure);
    }
  };
  document.addEventListener("page-replaced", makeAll);
  makeAll();
})();
