"""An animation as HTML: the SVG with buttons, and the few lines of script behind them.

Without the script the style sheet moves the picture, and the buttons stay away. With it nothing
moves before somebody presses Play, or the keys of the slider.
"""

from __future__ import annotations

from html import escape

# The script takes every figure on the page that has none yet: so it needs no ids, and may stand
# there once for each figure.
SCRIPT = """
document.querySelectorAll('.lucid-conv-box:not([data-ready])').forEach(function (box) {
  box.setAttribute('data-ready', '');
  var view = box.querySelector('.lucid-conv-view'), svg = view.querySelector('svg');
  var steps = svg.querySelectorAll('.step');
  var bar = box.querySelector('.lucid-conv-bar'), slider = bar.querySelector('input');
  var buttons = bar.querySelectorAll('button'), told = bar.querySelector('output');
  var now = 0, timer = null;
  function show(i) {
    now = (i + steps.length) % steps.length;
    steps.forEach(function (step, k) {
      step.classList.toggle('shown', k === now);
      step.setAttribute('visibility', k === now ? 'visible' : 'hidden');
    });
    slider.value = now;
    var spot = steps[now].querySelector('.now');
    if (spot && view.scrollWidth > view.clientWidth) {  // a long row, a narrow screen
      var from = view.getBoundingClientRect().left + view.clientWidth / 3;
      view.scrollLeft += spot.getBoundingClientRect().left - from;
    }
    told.textContent = (now + 1) + ' of ' + steps.length;
    slider.setAttribute('aria-valuetext', steps[now].getAttribute('data-said'));
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    buttons[1].textContent = 'Play';
  }
  function play() {
    timer = setInterval(function () {
      if (box.isConnected) { show(now + 1); } else { stop(); }
    }, Number(box.getAttribute('data-delay')));
    buttons[1].textContent = 'Pause';
  }
  buttons[0].onclick = function () { stop(); show(now - 1); };
  buttons[1].onclick = function () { if (timer) { stop(); } else { show(now + 1); play(); } };
  buttons[2].onclick = function () { stop(); show(now + 1); };
  slider.oninput = function () { stop(); show(Number(slider.value)); };
  var words = svg.querySelectorAll('.title,.sum,.note');
  function scrolled() {
    // where a picture goes on beyond the edge it fades out, and its words stay in sight
    var left = view.scrollLeft, right = view.scrollWidth - view.clientWidth - left;
    view.style.setProperty('--from-left', Math.min(Math.max(left, 0), 32) + 'px');
    view.style.setProperty('--from-right', Math.min(Math.max(right, 0), 32) + 'px');
    var scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    var by = (left + Math.min(left, 24)) / scale;
    words.forEach(function (line) { line.setAttribute('transform', 'translate(' + by + ')'); });
  }
  view.onscroll = scrolled;
  new ResizeObserver(scrolled).observe(view);
  svg.classList.add('held');
  bar.hidden = false;
  show(0);
});
"""

STYLE = """
.lucid-conv-box{margin:1em 0;max-width:100%}
.lucid-conv-view{overflow-x:auto;--from-left:0px;--from-right:0px;
mask-image:linear-gradient(to right,transparent,#000 var(--from-left),
#000 calc(100% - var(--from-right)),transparent)}
.lucid-conv-view svg{display:block}
.lucid-conv-bar{display:flex;flex-wrap:wrap;gap:6px;align-items:center;max-width:520px;
padding:4px 0;font:14px system-ui,sans-serif}
.lucid-conv-bar[hidden]{display:none}
.lucid-conv-bar button{font:inherit;color:#1b1f24;background:#f0f1f3;border:1px solid #7d8590;
border-radius:4px;padding:4px 10px;min-width:36px;cursor:pointer}
.lucid-conv-bar button:focus-visible,.lucid-conv-bar input:focus-visible{outline:3px solid #4593f8;
outline-offset:1px}
.lucid-conv-bar output{white-space:nowrap;padding-right:4px}
.lucid-conv-bar input{flex:1 1 120px;min-width:90px}
"""


def draw_html(svg: str, name: str, steps: int, seconds: float) -> str:
    """A figure, to stand anywhere in a page."""
    return f"""<figure class="lucid-conv-box" data-delay="{seconds * 1000:g}">
<style>{STYLE}</style>
<div class="lucid-conv-view">
{svg}
</div>
<div class="lucid-conv-bar" role="group" aria-label="{escape(name)}" hidden="hidden">
<button type="button" aria-label="Previous step">&#9664;</button>
<button type="button">Play</button>
<button type="button" aria-label="Next step">&#9654;</button>
<input type="range" min="0" max="{steps - 1}" value="0" aria-label="Step"/>
<output>1 of {steps}</output>
</div>
<script>{SCRIPT}</script>
</figure>
"""


def draw_page(figure: str, name: str) -> str:
    """A document of its own around a figure."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>{escape(name)}</title>
</head>
<body>
{figure}</body>
</html>
"""
