"use strict";
// Draws the graph on a canvas, searches it, and sorts tables. It reads one JSON document and loads nothing.
(() => {
  const element = (id) => document.getElementById(id);
  const data = JSON.parse(element("data").textContent);
  const canvas = element("canvas");
  const pen = canvas.getContext("2d");
  const CELL_WIDTH = 132, CELL_HEIGHT = 34, NODE_WIDTH = 112, NODE_HEIGHT = 22, HEAD = 30, HITS = 60;
  const MOST = 8;
  const count = data.stage.length;
  const left = (node) => data.x[node] * CELL_WIDTH;
  const top = (node) => data.y[node] * CELL_HEIGHT;
  const binding = new Set(data.binding);
  let view = { x: 0, y: 0, scale: 1 };
  let found = new Set();
  let selected = -1;
  let waiting = false;

  const neighbours = Array.from({ length: count }, () => ({ reads: [], readers: [] }));
  const inner = [], crossing = [];
  for (let at = 0; at < data.edges.length; at += 2) {
    const source = data.edges[at], target = data.edges[at + 1];
    neighbours[source].readers.push(target);
    neighbours[target].reads.push(source);
    (data.stage[source] === data.stage[target] ? inner : crossing).push([source, target]);
  }

  // Bounds of the drawing, in its own units.
  const last = data.bands[data.bands.length - 1];
  const whole = { width: last ? (last[1] + last[2]) * CELL_WIDTH : 1, height: data.height * CELL_HEIGHT + HEAD };

  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue(`--${name}`).trim();
  };

  function draw() {
    waiting = false;
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.setTransform(ratio * view.scale, 0, 0, ratio * view.scale, ratio * view.x, ratio * view.y);
    const seen = {
      left: -view.x / view.scale, top: -view.y / view.scale,
      right: (width - view.x) / view.scale, bottom: (height - view.y) / view.scale,
    };
    const colour = colours();
    drawBands(colour);
    drawEdges(inner, colour("edge"), 1, seen);
    drawEdges(crossing, colour("accent"), 2, seen);
    if (selected >= 0) drawSelectedEdges(colour("text"), seen);
    drawNodes(colour, seen);
  }

  function drawBands(colour) {
    const size = Math.max(14, 13 / view.scale);
    for (const [stage, start, width, label] of data.bands) {
      pen.fillStyle = colour("band");
      pen.fillRect(start * CELL_WIDTH - 8, -8, width * CELL_WIDTH - 4, data.height * CELL_HEIGHT + 8);
      pen.fillStyle = colour("text");
      pen.font = `${binding.has(stage) ? "bold " : ""}${size}px system-ui, sans-serif`;
      // The longest label that the band has room for.
      const room = (width + 0.5) * CELL_WIDTH - size;
      const text = [label, `stage ${stage}`, String(stage)].find((each) => pen.measureText(each).width < room);
      if (text) pen.fillText(text, start * CELL_WIDTH - 8, -16);
    }
  }

  function drawEdges(edges, colour, thickness, seen) {
    pen.strokeStyle = colour;
    pen.lineWidth = Math.max(thickness, 0.6 / view.scale);
    pen.beginPath();
    for (const [source, target] of edges) line(source, target, seen);
    pen.stroke();
  }

  function drawSelectedEdges(colour, seen) {
    const edges = [
      ...neighbours[selected].reads.map((node) => [node, selected]),
      ...neighbours[selected].readers.map((node) => [selected, node]),
    ];
    drawEdges(edges, colour, Math.max(2, 2 / view.scale), seen);
  }

  function line(source, target, seen) {
    const x = left(source) + NODE_WIDTH / 2, y = top(source) + NODE_HEIGHT;
    const toX = left(target) + NODE_WIDTH / 2, toY = top(target);
    if (Math.max(x, toX) < seen.left || Math.min(x, toX) > seen.right) return;
    if (Math.max(y, toY) < seen.top || Math.min(y, toY) > seen.bottom) return;
    pen.moveTo(x, y);
    pen.lineTo(toX, toY);
  }

  function drawNodes(colour, seen) {
    const hasText = view.scale > 0.55;
    const isSearch = found.size > 0;
    pen.font = "11px system-ui, sans-serif";
    for (let node = 0; node < count; node += 1) {
      const x = left(node), y = top(node);
      if (x > seen.right || x + NODE_WIDTH < seen.left || y > seen.bottom || y + NODE_HEIGHT < seen.top) continue;
      const pair = data.palette[data.stage[node] % data.palette.length];
      pen.globalAlpha = isSearch && !found.has(node) && node !== selected ? 0.35 : 1;
      pen.fillStyle = pair[0];
      pen.fillRect(x, y, NODE_WIDTH, NODE_HEIGHT);
      if (found.has(node) || node === selected) {
        pen.strokeStyle = colour("text");
        pen.lineWidth = Math.max(2, (node === selected ? 4 : 2) / view.scale);
        pen.strokeRect(x, y, NODE_WIDTH, NODE_HEIGHT);
      }
      if (hasText) {
        pen.fillStyle = pair[1];
        pen.fillText(fitted(data.ops[data.op[node]]), x + 6, y + 15);
      }
    }
    pen.globalAlpha = 1;
  }

  const fits = new Map();
  function fitted(text) {
    if (!fits.has(text)) {
      let cut = text.slice(0, 60);
      while (cut.length > 1 && pen.measureText(cut).width > NODE_WIDTH - 12) cut = cut.slice(0, -1);
      fits.set(text, cut.length < text.length ? `${cut.slice(0, -1)}\u2026` : cut);
    }
    return fits.get(text);
  }

  function redraw() {
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(draw);
    }
  }

  const least = () => Math.min(1, Math.min(canvas.clientWidth / whole.width, canvas.clientHeight / whole.height) / 2);

  function fit() {
    const width = canvas.clientWidth, height = canvas.clientHeight;
    const scale = Math.min((width - 24) / whole.width, (height - 24) / (whole.height + 8), 2);
    view = { scale, x: (width - whole.width * scale) / 2 + 8 * scale, y: (height - whole.height * scale) / 2 + HEAD * scale };
    redraw();
  }

  function zoom(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
    const scale = Math.min(MOST, Math.max(least(), view.scale * factor));
    const change = scale / view.scale;
    view = { scale, x: x - (x - view.x) * change, y: y - (y - view.y) * change };
    redraw();
  }

  function move(x, y) {
    view.x += x;
    view.y += y;
    redraw();
  }

  function select(node) {
    selected = node;
    const place = element("node");
    place.replaceChildren();
    if (node >= 0) {
      const text = document.createElement("p");
      const facts = neighbours[node];
      text.textContent = `${data.names[node]}: ${data.ops[data.op[node]]}, stage ${data.stage[node]}, work `
        + `${data.work[node]}; nodes that it reads from: ${facts.reads.length}, that read from it: ${facts.readers.length}`;
      place.append(text);
    }
    redraw();
  }

  function show(node) {
    const scale = Math.max(view.scale, 1);
    view = {
      scale,
      x: canvas.clientWidth / 2 - (left(node) + NODE_WIDTH / 2) * scale,
      y: canvas.clientHeight / 2 - (top(node) + NODE_HEIGHT / 2) * scale,
    };
    select(node);
  }

  const lower = data.names.map((name, node) => `${name}\n${data.ops[data.op[node]]}`.toLowerCase());
  function search() {
    const wanted = element("search").value.trim().toLowerCase();
    const nodes = [];
    if (wanted) for (let node = 0; node < count; node += 1) if (lower[node].includes(wanted)) nodes.push(node);
    found = new Set(nodes);
    const more = nodes.length > HITS ? `, of which the first ${HITS} are listed` : "";
    element("found").textContent = wanted ? `${nodes.length} of ${count} nodes${more}` : "";
    element("hits").replaceChildren(...nodes.slice(0, HITS).map((node) => {
      const item = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      button.textContent = `${data.names[node]} (stage ${data.stage[node]})`;
      button.addEventListener("click", () => show(node));
      item.append(button);
      return item;
    }));
    redraw();
  }

  const KEYS = {
    "ArrowLeft": () => move(60, 0), "ArrowRight": () => move(-60, 0),
    "ArrowUp": () => move(0, 60), "ArrowDown": () => move(0, -60),
    "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), "0": fit,
  };
  canvas.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  canvas.addEventListener("wheel", (event) => {
    if (document.activeElement !== canvas && !event.ctrlKey) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
  }, { passive: false });

  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    held = { x: event.clientX, y: event.clientY, moved: 0 };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    const x = event.clientX - held.x, y = event.clientY - held.y;
    held = { x: event.clientX, y: event.clientY, moved: held.moved + Math.abs(x) + Math.abs(y) };
    move(x, y);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (held && held.moved < 4) select(at(event.offsetX, event.offsetY));
    held = null;
  });
  canvas.addEventListener("pointercancel", () => { held = null; });

  function at(offsetX, offsetY) {
    const x = (offsetX - view.x) / view.scale, y = (offsetY - view.y) / view.scale;
    for (let node = 0; node < count; node += 1) {
      if (x >= left(node) && x <= left(node) + NODE_WIDTH && y >= top(node) && y <= top(node) + NODE_HEIGHT) return node;
    }
    return -1;
  }

  function sortable(table) {
    table.querySelectorAll("thead button").forEach((button) => {
      const head = button.closest("th");
      button.addEventListener("click", () => {
        const column = head.cellIndex, up = head.getAttribute("aria-sort") !== "ascending";
        head.parentElement.querySelectorAll("th").forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        // A column has a number in every cell, or none.
        const key = ({ dataset, textContent }) => dataset.value === undefined ? textContent : Number(dataset.value);
        const keyed = [...table.tBodies[0].rows].map((row) => [key(row.cells[column]), row]);
        const compare = ([first], [second]) => first < second ? -1 : Number(first > second);
        keyed.sort(up ? compare : (a, b) => compare(b, a));
        table.tBodies[0].append(...keyed.map(([, row]) => row));
      });
    });
  }

  element("in").addEventListener("click", () => zoom(1.25));
  element("out").addEventListener("click", () => zoom(0.8));
  element("fit").addEventListener("click", fit);
  element("search").addEventListener("input", search);
  document.querySelectorAll("table.sortable").forEach(sortable);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  // Paper is drawn at once: no frame comes in between.
  matchMedia("print").addEventListener("change", () => { fit(); draw(); });
  fit();
  draw();
  new ResizeObserver(fit).observe(canvas);
})();
