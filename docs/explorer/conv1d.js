// The arithmetic of lucid's conv1d, in the words of lucid/ops/conv.py and lucid/_ext/pad.pxd:
//
//     y[0, o, t] = b[o] + sum over c, k of w[o, c, k] * p[0, c0 + c, t*stride + k*dilation]
//
// with p the padded input and c0 the first channel of the group that output channel o belongs to.
// Nothing here draws. tests/test_explorer_numbers.py compares every function with lucid.
//
// `s` are the settings, called as lucid calls them: length, in_channels, out_channels, kernel_size,
// stride, dilation, padding (a number, "same" or "valid"), padding_mode and groups.
// x[c][i], w[o][c][k], b[o] and g[o][t] are arrays of arrays; c in w counts from c0.
"use strict";

// Source of position i (negative: left of the input) in a row of n; -1 means zero.
function padIndex(i, n, mode) {
  if (0 <= i && i < n) return i;
  if (mode === "reflect") return i < 0 ? -i : 2 * (n - 1) - i;
  if (mode === "replicate") return i < 0 ? 0 : n - 1;
  if (mode === "circular") return i < 0 ? i + n : i - n;
  return -1;
}

// From the first position that a kernel reads to the last one.
function reach(s) {
  return s.dilation * (s.kernel_size - 1) + 1;
}

// How many positions are added on the left and on the right; of "same" the odd one on the right.
function pads(s) {
  if (s.padding === "same") return [Math.floor((reach(s) - 1) / 2), Math.ceil((reach(s) - 1) / 2)];
  return s.padding === "valid" ? [0, 0] : [s.padding, s.padding];
}

function outputLength(s) {
  const [left, right] = pads(s);
  return Math.floor((s.length + left + right - reach(s)) / s.stride) + 1;
}

// ------------------------------------------------------------------------------------- the rules

// What lucid's nn.Conv1d answers to settings that do not fit: [kind of error, its words], or null.
function refusal(s) {
  const [left, right] = pads(s);
  const padded = s.length + left + right;
  const widest = Math.max(left, right);
  if (s.out_channels % s.groups) return ["ValueError", indivisible("out_channels", s)];
  if (s.padding === "same" && s.stride !== 1)
    return [
      "ValueError",
      `padding='same' needs stride=1, got stride=${s.stride}\n  try: padding=${left}`,
    ];
  if (s.in_channels % s.groups) return ["ValueError", indivisible("in_channels", s)];
  if (s.padding_mode === "reflect" && widest >= s.length)
    return [
      "ShapeError",
      "padding_mode='reflect' mirrors the input without its edge, so padding must be less than " +
        `the length: got padding ${widest}, length ${s.length}, at most ${s.length - 1}\n  try: padding_mode='replicate'`,
    ];
  if (s.padding_mode === "circular" && widest > s.length)
    return [
      "ShapeError",
      "padding_mode='circular' wraps around once, so padding must be at most the length: " +
        `got padding ${widest}, length ${s.length}\n  try: padding_mode='replicate'`,
    ];
  if (reach(s) > padded)
    return [
      "ShapeError",
      "the kernel is longer than the padded input: dilation * (kernel_size - 1) + 1 = " +
        `${s.dilation} * (${s.kernel_size} - 1) + 1 = ${reach(s)}, ` +
        `length + padding = ${s.length} + ${left} + ${right} = ${padded}\n` +
        `  try: padding=${left + Math.ceil((reach(s) - padded) / 2)}`,
    ];
  return null;
}

function indivisible(name, s) {
  // The number nearest to groups that divides both: the smaller one of two.
  const fits = (g) => g > 0 && s.in_channels % g === 0 && s.out_channels % g === 0;
  let away = 1;
  while (!fits(s.groups - away) && !fits(s.groups + away)) away += 1;
  const fitting = fits(s.groups - away) ? s.groups - away : s.groups + away;
  return (
    `${name} must be divisible by groups: ${name}=${s[name]}, groups=${s.groups}\n` +
    `  try: groups=${fitting}`
  );
}

// --------------------------------------------------------------------------------- what is computed

// The group that an output channel, or an input channel, belongs to.
function groupOfOutput(s, o) {
  return Math.floor(o / (s.out_channels / s.groups));
}
function groupOfInput(s, c) {
  return Math.floor(c / (s.in_channels / s.groups));
}

// Which position tap k of output t falls on; negative: left of the input.
function placeOf(s, t, k) {
  return t * s.stride + k * s.dilation - pads(s)[0];
}

// What y[0, o, t] reads, term by term: weight w[o, c, k] meets the padded position `place`, which
// takes x[0, channel, i]. Padding with zeros has i = -1.
function termsOfOutput(s, o, t) {
  const channels = s.in_channels / s.groups;
  const terms = [];
  for (let c = 0; c < channels; c++)
    for (let k = 0; k < s.kernel_size; k++) {
      const place = placeOf(s, t, k);
      const i = padIndex(place, s.length, s.padding_mode);
      terms.push({ o, t, c, k, channel: groupOfOutput(s, o) * channels + c, place, i });
    }
  return terms;
}

// Who reads x[0, channel, i]: of the terms of all outputs those with this input. One output may have
// several, for padding repeats the input.
function termsOfInput(s, channel, i) {
  const outputs = s.out_channels / s.groups;
  const first = groupOfInput(s, channel) * outputs;
  const c = channel % (s.in_channels / s.groups);
  const terms = [];
  for (let o = first; o < first + outputs; o++)
    for (let t = 0; t < outputLength(s); t++)
      for (let k = 0; k < s.kernel_size; k++) {
        const place = placeOf(s, t, k);
        if (padIndex(place, s.length, s.padding_mode) === i)
          terms.push({ o, t, c, k, channel, place, i });
      }
  return terms;
}

// y[0, o, t], the sum over its terms
function outputAt(s, x, w, b, o, t) {
  let sum = b ? b[o] : 0;
  for (const { c, k, channel, i } of termsOfOutput(s, o, t))
    sum += w[o][c][k] * (i < 0 ? 0 : x[channel][i]);
  return sum;
}

// x.grad[0, channel, i], if g is the gradient of y: the adjoint, over the same terms
function gradientAt(s, w, g, channel, i) {
  let sum = 0;
  for (const { o, t, c, k } of termsOfInput(s, channel, i)) sum += g[o][t] * w[o][c][k];
  return sum;
}

// table(2, 3, f) = [[f(0, 0), f(0, 1), f(0, 2)], [f(1, 0), f(1, 1), f(1, 2)]]
function table(rows, columns, value) {
  return Array.from({ length: rows }, (_, r) =>
    Array.from({ length: columns }, (_, c) => value(r, c)),
  );
}

// All outputs.
function convolve(s, x, w, b) {
  return table(s.out_channels, outputLength(s), (o, t) => outputAt(s, x, w, b, o, t));
}
