// The settings: what they may be, how they stand in the address, which numbers they ask for, and
// which lines of Python compute the same.
"use strict";

// name: [smallest, largest, at first]
const RANGES = {
  length: [1, 24, 8],
  in_channels: [1, 6, 1],
  out_channels: [1, 6, 1],
  kernel_size: [1, 9, 3],
  stride: [1, 8, 1],
  dilation: [1, 6, 1],
  groups: [1, 6, 1],
  bias: [0, 1, 0],
  seed: [0, 999, 1],
};
// name: what it may be; the first one at first
const CHOICES = {
  padding_mode: ["zeros", "reflect", "replicate", "circular"],
  x: ["random", "ramp", "impulse", "ones"], // or own numbers
  w: ["random", "ramp", "difference", "identity", "ones"], // or own numbers
  g: ["ones", "ramp", "random"],
};
const PADDING = [0, 12, 1]; // or "same" or "valid"

// --------------------------------------------------------------------------------- the address

// "#kernel_size=5&padding=same&at=y,0,3": only what is not as at first. at=y,o,t is a chosen output,
// at=x,c,i a chosen input.
function toAddress(s) {
  const first = fromAddress("");
  const parts = Object.keys(first).filter((name) => String(s[name]) !== String(first[name]));
  return parts.map((name) => `${name}=${s[name]}`).join("&");
}

// The settings of an address. Whatever it says, they are within their ranges: what is too large or
// too small is brought to the nearest end, and what is not understood is as at first.
function fromAddress(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const s = {};
  for (const [name, range] of Object.entries(RANGES)) s[name] = within(given.get(name), range);
  const padding = given.get("padding");
  s.padding = ["same", "valid"].includes(padding) ? padding : within(padding, PADDING);
  for (const [name, choices] of Object.entries(CHOICES)) {
    const own = "xw".includes(name) ? ownNumbers(given.get(name) ?? "") : "";
    s[name] = choices.includes(given.get(name)) ? given.get(name) : own || choices[0];
  }
  s.at = chosen(s, given.get("at") ?? "");
  return s;
}

function within(text, [smallest, largest, atFirst]) {
  if (!/^[+-]?\d+$/.test(text ?? "")) return atFirst;
  return Math.min(Math.max(Number(text), smallest), largest);
}

// What "y,0,3" or "x,0,3" names, if there is such a cell now, else the nearest one, else y[0, 0, 0].
function chosen(s, text) {
  const [, kind, row, column] = /^([xy]),(\d{1,4}),(\d{1,4})$/.exec(text) ?? [null, "y", 0, 0];
  const [rows, columns] =
    kind === "x" ? [s.in_channels, s.length] : [s.out_channels, outputLength(s)];
  const nearest = (n, end) => Math.max(0, Math.min(Number(n), end - 1));
  return [kind, nearest(row, rows), nearest(column, columns)];
}

// "1 2.5 / -3" as "1,2.5/-3": rows between slashes. Numbers from -99 to 99 in steps of 1/100 are
// short enough for a cell; words count as 0, and "" is no numbers at all.
function ownNumbers(text) {
  if (!/\d/.test(text)) return "";
  const rows = text.split("/").slice(0, 36);
  return rows.map((row) => row.trim().split(/[\s,]+/).slice(0, 24).map(ownNumber).join(",")).join("/");
}
function ownNumber(text) {
  const n = Number(text.replace("−", "-"));
  return Number.isFinite(n) ? Math.round(Math.min(Math.max(n, -99), 99) * 100) / 100 || 0 : 0;
}

// ------------------------------------------------------------------------------------ the numbers

// A whole number from low to high that looks random and depends on the seed and the place alone:
// a longer signal begins with the same numbers.
function noise(low, high, ...seedAndPlace) {
  let state = 2166136261;
  for (const n of seedAndPlace) {
    state = Math.imul(state ^ n, 16777619);
    state ^= state >>> 15;
    state = Math.imul(state, 2246822519);
    state ^= state >>> 13;
  }
  return low + ((state >>> 0) % (high - low + 1));
}

// x[c][i], w[o][c][k], b[o] or null, and g[o][t], the gradient of y
function numbers(s) {
  const middle = Math.floor(s.length / 2);
  const makeX = {
    random: (c, i) => noise(-4, 5, s.seed, 1, c, i),
    ramp: (c, i) => (c + 1) * (i + 1),
    impulse: (c, i) => Number(i === middle),
    ones: () => 1,
  };
  const centre = Math.floor((s.kernel_size - 1) / 2);
  const makeW = {
    random: (o, c, k) => noise(-3, 3, s.seed, 2, o, c, k),
    ramp: (o, c, k) => k + 1,
    difference: (o, c, k) => Number(k === s.kernel_size - 1) - Number(k === 0),
    identity: (o, c, k) => Number(k === centre),
    ones: () => 1,
  };
  const makeG = {
    ones: () => 1,
    ramp: (o, t) => t + 1,
    random: (o, t) => noise(-3, 3, s.seed, 3, o, t),
  };
  const channels = Math.floor(s.in_channels / s.groups);
  const ownX = rowsOf(s.x);
  const ownW = rowsOf(s.w);
  const weight = makeW[s.w] ?? ((o, c, k) => ownW[o * channels + c]?.[k] ?? 0);
  return {
    x: table(s.in_channels, s.length, makeX[s.x] ?? ((c, i) => ownX[c]?.[i] ?? 0)),
    w: Array.from({ length: s.out_channels }, (_, o) =>
      table(channels, s.kernel_size, (c, k) => weight(o, c, k)),
    ),
    b: s.bias ? Array.from({ length: s.out_channels }, (_, o) => o + 1) : null,
    g: table(s.out_channels, Math.max(outputLength(s), 0), makeG[s.g]),
  };
}

function rowsOf(text) {
  return text.split("/").map((row) => row.split(",").map(Number));
}

// ------------------------------------------------------------------------------------- the Python

// Lines that compute what the page shows; of settings that do not fit, those that are refused.
function pythonCode(s, { x, w, b, g }) {
  const refused = refusal(s);
  const padding = typeof s.padding === "string" ? `"${s.padding}"` : s.padding;
  const options = [
    s.stride !== 1 && `stride=${s.stride}`,
    s.padding !== 0 && `padding=${padding}`,
    s.dilation !== 1 && `dilation=${s.dilation}`,
    s.groups !== 1 && `groups=${s.groups}`,
    s.padding_mode !== "zeros" && `padding_mode="${s.padding_mode}"`,
  ].filter(Boolean);
  const layerOptions = [`kernel_size=${s.kernel_size}`, ...options, !s.bias && "bias=False"];
  const layer = `nn.Conv1d(${s.in_channels}, ${s.out_channels}, ${layerOptions.filter(Boolean).join(", ")})`;
  if (refused)
    return [
      "import lucid",
      "import lucid.nn as nn",
      "",
      `conv = ${layer}`,
      `conv(lucid.zeros(1, ${s.in_channels}, ${s.length}))`,
      `# ${refused[0]}`,
    ].join("\n");
  const [kind, row, column] = s.at;
  const tensor = (before, values, more = "") => {
    const opening = `${before}lucid.tensor(`;
    const list = opening + pythonList(values, opening.length);
    const fits = !list.includes("\n") && list.length < 36;
    return `${list},${fits ? " " : `\n${" ".repeat(opening.length)}`}dtype=lucid.float64${more})`;
  };
  const lines = ["import lucid", "import lucid.nn.functional as F", ""];
  lines.push(tensor("x = ", [x], ", requires_grad=True"), tensor("w = ", w));
  if (b) lines.push(tensor("b = ", b));
  lines.push(`y = F.conv1d(${["x", "w", ...(b ? ["b"] : []), ...options].join(", ")})`);
  if (kind === "y") lines.push(`print(y[0, ${row}, ${column}])`);
  else {
    lines.push(s.g === "ones" ? "y.sum().backward()" : `${tensor("y.backward(", [g])})`);
    lines.push(`print(x.grad[0, ${row}, ${column}])`);
  }
  return [...lines, "", "# as a layer, with weights of its own:", `# ${layer}`].join("\n");
}

// Nested lists as Python writes them, one innermost list a line, the first bracket at this column.
function pythonList(values, column) {
  if (!Array.isArray(values[0])) return `[${values.join(", ")}]`;
  const inner = values.map((value) => pythonList(value, column + 1));
  return `[${inner.join(`,\n${" ".repeat(column + 1)}`)}]`;
}
