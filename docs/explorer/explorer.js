// Drawing, and what buttons and keys do. There is one state, `s` (see settings.js); every change
// goes through `change`, which writes the address and draws everything anew from it.
"use strict";

const byId = (id) => document.getElementById(id);
const form = byId("settings");
const picture = byId("picture");
const HUES = [215, 30, 150, 285, 345, 60]; // one for each group
const PACE = 1100; // milliseconds for each step

let s; // the settings
let n; // the numbers that they ask for: x, w, b, g, and y
let timer = null; // while it plays
let kernelAt = null; // the padded position that the kernel lies at, if it is shown
let writing = null; // the address waits until a slider comes to rest: browsers refuse to hurry

// ----------------------------------------------------------------------------------- small helpers

// element("span", {class: "cell"}, "text", another) is <span class="cell">text<…></span>.
function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// As the page writes numbers: a true minus, and no noise of binary fractions.
function shown(number, digits = 12) {
  return String(Number(number.toPrecision(digits))).replace("-", "−");
}

const inBrackets = (number) => (number < 0 ? `(${shown(number)})` : shown(number));

// -------------------------------------------------------------------------------------- the drawing

// Every row of the picture has two columns of its grid for each padded position, so that an output
// can stand under the middle of what it reads. `half` is the column it begins at, from 0.
function cell(half, number, below, classes, attributes = {}) {
  const text = shown(number, 4);
  const size = text.length > 4 ? " long" : "";
  const small = element("small", {}, below);
  const style = `grid-column: ${half + 1} / span 2`;
  return element("span", { class: `cell ${classes}${size}`, style, ...attributes }, text, small);
}

// A cell of a grid that the keyboard walks through; `key` is what `at` says of it.
function gridCell(half, number, below, classes, key, name) {
  const selected = key === s.at.join(",");
  const attributes = { role: "gridcell", "data-key": key, "aria-label": name };
  attributes["aria-selected"] = selected;
  attributes.tabindex = -1;
  return cell(half, number, below, classes + (selected ? " selected" : ""), attributes);
}

function row(label, group, cells, roles = true) {
  const more = s.groups > 1 ? [element("small", {}, `group ${group}`)] : [];
  const head = element("span", { class: "label" }, label, ...more);
  const line = element("span", { class: "cells" }, ...cells);
  const whole = element("div", { class: "row", style: `--hue: ${HUES[group]}` }, head, line);
  if (roles) {
    whole.setAttribute("role", "row");
    head.setAttribute("role", "rowheader");
    line.setAttribute("role", "presentation");
  }
  return whole;
}

function drawInput(terms) {
  const [left, right] = pads(s);
  const touched = new Set(terms.map((term) => `${term.channel},${term.place}`));
  const rows = n.x.map((values, c) => {
    const cells = [];
    for (let place = -left; place < s.length + right; place++) {
      const i = padIndex(place, s.length, s.padding_mode);
      const value = i < 0 ? 0 : values[i];
      const padded = place < 0 || place >= s.length;
      const classes = (padded ? "padded" : "") + (touched.has(`${c},${place}`) ? " touched" : "");
      const half = 2 * (place + left);
      const reads = i < 0 ? "zero" : `reads x[0, ${c}, ${i}]`;
      const name = padded
        ? `padding at ${shown(place)}, ${reads}, ${shown(value)}`
        : `x[0, ${c}, ${i}] is ${shown(value)}`;
      if (padded) cells.push(paddedCell(half, value, i, classes, c, name));
      else cells.push(gridCell(half, value, String(i), classes, `x,${c},${i}`, name));
    }
    return row(`x[0, ${c}]`, groupOfInput(s, c), cells);
  });
  byId("input").replaceChildren(...rows);
}

// The keyboard passes padding by; a click on it chooses the position that it reads.
function paddedCell(half, value, i, classes, c, name) {
  const attributes = { role: "gridcell", "aria-label": name };
  if (i >= 0) attributes["data-reads"] = `x,${c},${i}`;
  return cell(half, value, i < 0 ? "–" : String(i), classes, attributes);
}

// Of an output: the kernel, where it lies. Of an input: the weight that each output reads it with.
function drawKernel(terms) {
  const [kind, chosenRow, t] = s.at;
  const channels = s.in_channels / s.groups;
  const outputs = s.out_channels / s.groups;
  const rows = [];
  if (kind === "y") {
    const group = groupOfOutput(s, chosenRow);
    for (let c = 0; c < channels; c++) {
      const cells = n.w[chosenRow][c].map((weight, k) =>
        cell(2 * (t * s.stride + k * s.dilation), weight, `k=${k}`, "weight touched"),
      );
      if (s.dilation > 1) cells.unshift(bar(2 * t * s.stride, 2 * reach(s)));
      rows.push(row(`w[${chosenRow}, ${c}]`, group, cells, false));
    }
  } else {
    const group = groupOfInput(s, chosenRow);
    for (let o = group * outputs; o < (group + 1) * outputs; o++) {
      const cells = [];
      for (let t = 0; t < outputLength(s); t++) {
        const taps = terms.filter((term) => term.o === o && term.t === t);
        const weight = taps.reduce((sum, { c, k }) => sum + n.w[o][c][k], 0);
        const which = `k=${taps.map(({ k }) => k).join("+")}`;
        if (taps.length) cells.push(cell(middleOf(t), weight, which, "weight touched"));
      }
      rows.push(row(`w[${o}, ${chosenRow % channels}]`, group, cells, false));
    }
  }
  byId("kernel").replaceChildren(...rows);
  slide(kind === "y" ? t * s.stride : null);
  byId("kernel").style.setProperty("--rows", Math.max(channels, outputs));
  byId("kernel").setAttribute(
    "aria-label",
    kind === "y"
      ? `The kernel of output channel ${chosenRow}, laid at position ${shown(t * s.stride - pads(s)[0])}`
      : `The weights by which outputs read x[0, ${chosenRow}, ${t}]`,
  );
}

// The kernel comes from where it lay before, unless its reader wants nothing to move.
function slide(to) {
  const from = kernelAt;
  kernelAt = to;
  if (from === null || to === null || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const before = { transform: `translateX(calc(${from - to} * var(--cell)))` };
  for (const cells of byId("kernel").querySelectorAll(".cells"))
    cells.animate([before, { transform: "none" }], { duration: 250, easing: "ease-out" });
}

// The line through a dilated kernel.
function bar(half, width) {
  return element("span", { class: "bar", style: `grid-column: ${half + 1} / span ${width}` });
}

// Where output t stands: under the middle of what it reads.
function middleOf(t) {
  return 2 * t * s.stride + reach(s) - 1;
}

function drawOutput(terms) {
  const [kind, chosenRow, chosenColumn] = s.at;
  const touched = new Set(kind === "x" ? terms.map(({ o, t }) => `${o},${t}`) : []);
  const rows = n.y.map((values, o) => {
    const cells = values.map((value, t) => {
      const below = kind === "x" ? `g=${shown(n.g[o][t])}` : String(t);
      const classes = touched.has(`${o},${t}`) ? "touched" : "";
      const name = `y[0, ${o}, ${t}] is ${shown(value)}`;
      const made = gridCell(middleOf(t), value, below, classes, `y,${o},${t}`, name);
      const later = o > chosenRow || (o === chosenRow && t > chosenColumn);
      if (timer && kind === "y" && later) made.firstChild.data = "?";
      return made;
    });
    return row(`y[0, ${o}]`, groupOfOutput(s, o), cells);
  });
  byId("output").replaceChildren(...rows);
}

// The sum in names and in numbers.
function drawSum(terms) {
  const [kind, first, second] = s.at;
  const symbols = [];
  const values = [];
  let name;
  let result;
  if (kind === "y") {
    name = `y[0, ${first}, ${second}]`;
    result = n.y[first][second];
    if (n.b) symbols.push(`b[${first}]`) && values.push(inBrackets(n.b[first]));
    for (const { o, c, k, channel, i } of terms) {
      symbols.push(`w[${o}, ${c}, ${k}]·${i < 0 ? "0" : `x[0, ${channel}, ${i}]`}`);
      values.push(`${inBrackets(n.w[o][c][k])}·${inBrackets(i < 0 ? 0 : n.x[channel][i])}`);
    }
  } else {
    name = `x.grad[0, ${first}, ${second}]`;
    result = gradientAt(s, n.w, n.g, first, second);
    for (const { o, t, c, k } of terms) {
      symbols.push(`g[0, ${o}, ${t}]·w[${o}, ${c}, ${k}]`);
      values.push(`${inBrackets(n.g[o][t])}·${inBrackets(n.w[o][c][k])}`);
    }
  }
  if (!terms.length) symbols.push("0, for no output reads this position");
  byId("explained").textContent = kind === "y" ? "The sum of an output" : "The gradient of an input";
  const parts = (list) => // each a span, which is not broken across lines
    list.flatMap((part, j) => [element("span", {}, j ? `+ ${part}` : part), " "]);
  byId("symbols").replaceChildren(element("b", {}, name), " = ", ...parts(symbols));
  const equals = terms.length ? ["= ", element("b", {}, shown(result))] : [];
  byId("sum").replaceChildren(`${name} = `, ...parts(terms.length ? values : ["0"]), ...equals);
  byId("sum").setAttribute("aria-live", timer ? "off" : "polite");
}

function drawSize() {
  const [left, right] = pads(s);
  const sizes = `(${s.length} + ${left} + ${right} − ${s.dilation}·(${s.kernel_size} − 1) − 1) / ${s.stride}`;
  byId("size").textContent = `L_out = floor(${sizes}) + 1 = ${shown(outputLength(s))}`;
}

function isTyped(control) {
  return control.type === "text" || control.type === "number";
}

function drawControls() {
  for (const control of form.elements) {
    if (control.tagName === "FIELDSET" || (control === document.activeElement && isTyped(control)))
      continue; // nobody is interrupted
    if (control.name === "bias") control.checked = s.bias === 1;
    else if (control.name === "padding_kind")
      control.value = typeof s.padding === "number" ? "number" : s.padding;
    else if (control.name === "own_x" || control.name === "own_w") control.value = s[control.name.at(-1)];
    else if (control.name === "x" || control.name === "w")
      control.value = CHOICES[control.name].includes(s[control.name]) ? s[control.name] : "own";
    else if (control.name !== "padding" || typeof s.padding === "number")
      control.value = s[control.name];
  }
  form.padding.disabled = typeof s.padding !== "number";
  form.own_x.parentElement.hidden = form.x.value !== "own";
  form.own_w.parentElement.hidden = form.w.value !== "own";
  for (const slider of form.querySelectorAll("[type=range]"))
    slider.previousElementSibling.textContent = slider.value;
  if (form.padding.disabled) // as many as "same" makes it, which may be one more on the right
    form.padding.previousElementSibling.textContent = [...new Set(pads(s))].join(" and ");
}

function draw() {
  const focused = document.activeElement?.dataset.key;
  const refused = refusal(s);
  drawControls();
  n = numbers(s);
  byId("code").textContent = pythonCode(s, n);
  byId("refusal").hidden = !refused;
  byId("refusal").textContent = refused ? refused.join(": ") : "";
  for (const id of ["size", "shown", "explanation"]) byId(id).hidden = Boolean(refused);
  if (refused) return pause();
  n.y = convolve(s, n.x, n.w, n.b);
  const [kind, first, second] = s.at;
  const terms = kind === "y" ? termsOfOutput(s, first, second) : termsOfInput(s, first, second);
  const [left, right] = pads(s);
  picture.style.setProperty("--positions", left + s.length + right);
  drawSize();
  drawInput(kind === "y" ? terms : []);
  drawKernel(terms);
  drawOutput(terms);
  drawSum(terms);
  const [done, all] = steps();
  byId("progress").textContent = `${kind === "y" ? "output" : "input"} ${done + 1} of ${all}`;
  keepFocus(kind, focused);
  scrollToChosen();
}

// The cells are new ones: one of each grid is a stop of the Tab key, and the focus comes back to
// where it was, or to what is chosen in its grid.
function keepFocus(kind, focused) {
  const find = (key) => picture.querySelector(`[data-key="${key}"]`);
  for (const grid of ["x", "y"]) find(grid === kind ? s.at.join(",") : `${grid},0,0`).tabIndex = 0;
  if (!focused) return;
  const back = focused[0] === kind ? s.at.join(",") : focused;
  (find(back) ?? find(`${focused[0]},0,0`)).focus({ preventScroll: true });
}

// Only the picture scrolls, never the page.
function scrollToChosen() {
  const box = picture.getBoundingClientRect();
  const label = picture.querySelector(".label").getBoundingClientRect().width;
  const marked = picture.querySelectorAll("[role=gridcell]:is(.touched, .selected)");
  const cells = Array.from(marked, (c) => c.getBoundingClientRect());
  const left = Math.min(...cells.map((c) => c.left)) - label - box.left - 8;
  const right = Math.max(...cells.map((c) => c.right)) - box.right + 8;
  if (left < 0 || right - left > box.width) picture.scrollLeft += left;
  else if (right > 0) picture.scrollLeft += right;
}

// -------------------------------------------------------------------------------------- the changes

function change(address) {
  s = fromAddress(address);
  draw();
  clearTimeout(writing);
  writing = setTimeout(() => history.replaceState(null, "", link()), 200);
}

// The address that leads to what is shown.
function link() {
  const page = location.href.replace(/#.*/, "");
  const settings = toAddress(s);
  return settings ? `${page}#${settings}` : page;
}

function choose(key) {
  change(toAddress({ ...s, at: key }));
}

// The numbers that are there now, to begin one's own with.
function currentAsOwn(name) {
  if (!CHOICES[name].includes(s[name])) return s[name];
  return (name === "x" ? n.x : n.w.flat()).map((values) => values.join(",")).join("/");
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", (event) => {
  const data = Object.fromEntries(new FormData(form));
  data.bias = Number(form.bias.checked);
  data.padding = form.padding_kind.value === "number" ? form.padding.value : form.padding_kind.value;
  for (const name of ["x", "w"])
    if (data[name] === "own")
      data[name] =
        event.target.name === name ? currentAsOwn(name) : ownNumbers(data[`own_${name}`]) || "0";
  data.at = s.at;
  const parts = Object.entries(data).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  change(parts.join("&"));
});
form.addEventListener("focusout", () => setTimeout(drawControls)); // what was typed, as it is understood
window.addEventListener("hashchange", () => change(location.hash));

picture.addEventListener("click", (event) => {
  const target = event.target.closest("[data-key], [data-reads]");
  if (!target) return;
  pause();
  choose(target.dataset.key ?? target.dataset.reads);
  picture.querySelector(".selected").focus({ preventScroll: true });
});

picture.addEventListener("keydown", (event) => {
  const key = event.target.dataset.key;
  if (!key || event.ctrlKey || event.altKey || event.metaKey) return;
  const [kind, rowText, columnText] = key.split(",");
  const [row, column] = [Number(rowText), Number(columnText)];
  const goes = {
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    Home: [row, 0],
    End: [row, 9999],
    Enter: [row, column],
    " ": [row, column],
  }[event.key];
  if (!goes) return;
  event.preventDefault();
  pause();
  choose(`${kind},${Math.max(goes[0], 0)},${Math.max(goes[1], 0)}`);
});

// ------------------------------------------------------------------------------------ step by step

// Which cell is chosen, counted through its grid, and how many there are.
function steps() {
  const [kind, row, column] = s.at;
  const [rows, columns] =
    kind === "y" ? [s.out_channels, outputLength(s)] : [s.in_channels, s.length];
  return [row * columns + column, rows * columns, columns];
}

function step(by) {
  const [done, all, columns] = steps();
  const to = (done + by + all) % all;
  choose(`${s.at[0]},${Math.floor(to / columns)},${to % columns}`);
}

function playOn() {
  const [done, all] = steps();
  if (done + 1 < all) step(1);
  else pause();
}

function play() {
  const [done, all] = steps();
  timer = setInterval(playOn, PACE);
  byId("play").textContent = "Pause";
  if (done + 1 === all) step(1);
  else draw();
}

function pause() {
  if (!timer) return;
  clearInterval(timer);
  timer = null;
  byId("play").textContent = "Play";
  draw();
}

byId("play").addEventListener("click", () => (timer ? pause() : play()));
byId("back").addEventListener("click", () => (pause(), step(-1)));
byId("next").addEventListener("click", () => (pause(), step(1)));

// ------------------------------------------------------------------------------------------ copying

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    byId("copied").textContent = `${what} copied`;
  } catch {
    byId("copied").textContent = "The browser does not let this page copy";
  }
}

byId("copy-code").addEventListener("click", () => copy(byId("code").textContent, "Code"));
byId("copy-link").addEventListener("click", () => copy(link(), "Link"));
byId("reset").addEventListener("click", () => change(""));

change(location.hash);
