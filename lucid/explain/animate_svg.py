"""An animation as SVG: one step, or all of them taking turns.

There are no ids in it, and one set of class names, so that any number of pictures may stand on a
page. What moves it is a rule of CSS: each step is shown for its share of the time. Where style
sheets are taken out, as some viewers of notebooks do, the first step is left, in grey outlines.
"""

from __future__ import annotations

from html import escape

from lucid.explain.animate_shapes import FONT, Line, Picture, Shape, Words, split

# Dark words on light fills, light words on dark ones: ink, faint ink, paper, the outline of a cell,
# padding; and for each group its fill and its line. The least contrast of ink, and of faint ink on
# paper and padding, is above 4.5 to 1, that of lines above 3 to 1; a test computes it.
LIGHT = {
    "ink": "#1b1f24", "faint": "#57606a", "paper": "#ffffff", "edge": "#7d8590", "pad": "#f0f1f3",
    "f0": "#cfe4ff", "l0": "#0a58ca", "f1": "#ffdfc2", "l1": "#b04a00",
    "f2": "#cdeed4", "l2": "#1a7f37", "f3": "#e7d9fb", "l3": "#7336c7",
}  # fmt: skip
DARK = {
    "ink": "#f0f3f6", "faint": "#b1bac4", "paper": "#14181f", "edge": "#7d8794", "pad": "#262c35",
    "f0": "#173e73", "l0": "#6cb0ff", "f1": "#6b3a0a", "l1": "#ffb066",
    "f2": "#134f26", "l2": "#5dd47a", "f3": "#47247a", "l3": "#c9a3ff",
}  # fmt: skip

# Pages that say what they are: Sphinx's furo, Jupyter; all others follow the reader's system.
SAYS_LIGHT = 'body[data-theme="light"] .lucid-conv,[data-jp-theme-light="true"] .lucid-conv'
SAYS_DARK = 'body[data-theme="dark"] .lucid-conv,[data-jp-theme-light="false"] .lucid-conv'

# A shape's look is a list of class names; these are their rules.
RULES = f"""
.lucid-conv{{max-width:100%;height:auto;background:var(--paper);
font:{FONT:g}px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}}
.lucid-conv-view .lucid-conv{{min-width:var(--least)}}
.lucid-conv text{{fill:var(--ink);stroke:none}}
.lucid-conv .paper{{fill:var(--paper);stroke:none}}
.lucid-conv .cell,.lucid-conv .gap{{stroke:var(--edge);fill:var(--paper)}}
.lucid-conv .pad{{stroke:var(--edge);stroke-dasharray:3 2.5;fill:var(--pad)}}
.lucid-conv .now{{stroke-width:2}}
.lucid-conv .title{{font-weight:bold}}
.lucid-conv .label,.lucid-conv .index{{font-size:{FONT - 1:g}px}}
.lucid-conv .index,.lucid-conv .note,.lucid-conv .faint{{fill:var(--faint)}}
""" + "".join(
    f".lucid-conv .g{i}{{stroke:var(--l{i})}}.lucid-conv .now.g{i}{{fill:var(--f{i})}}"
    f".lucid-conv .dot.g{i}{{fill:var(--l{i})}}\n"
    for i in range(4)
)


def colours(theme: dict[str, str]) -> str:
    """The colours as variables of CSS."""
    return "".join(f"--{name}:{value};" for name, value in theme.items())


def style(steps: int) -> str:
    """All rules: colours, looks, and the turns of ``steps``.

    They are the same for all pictures of as many steps, for they hold for the whole page; what is a
    picture's own stands in the variables of its ``style`` attribute.
    """
    rules = [
        f".lucid-conv{{{colours(LIGHT)}}}",
        f"@media (prefers-color-scheme:dark){{.lucid-conv{{{colours(DARK)}}}}}",
        f"{SAYS_LIGHT}{{{colours(LIGHT)}}}",
        f"{SAYS_DARK}{{{colours(DARK)}}}",
        RULES.strip(),
    ]
    if steps > 1:
        # A step that is not first waits for its turn, then is shown for one part of the whole time.
        rules.append(
            ".lucid-conv .step{visibility:hidden}.lucid-conv .step.shown{visibility:visible}\n"
            f"@keyframes lucid-conv-{steps}{{0%{{visibility:visible}}"
            f"{100 / steps:.4f}%{{visibility:hidden}}}}\n"
            "@media (prefers-reduced-motion:no-preference){"
            f".lucid-conv.n{steps}:not(.held) .step{{visibility:hidden;"
            f"animation:lucid-conv-{steps} var(--round) step-end infinite}}"
            ".lucid-conv:hover .step{animation-play-state:paused}}"
        )
    return "\n".join(rules)


def draw_svg(picture: Picture, name: str, spoken: list[str], seconds: float) -> str:
    """A whole document; with several steps, one that moves."""
    count = len(picture.steps)
    width, height = picture.width, picture.height
    always, changing = split(picture.steps)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lucid-conv n{count}" role="img" '
        f'aria-label="{escape(name)}" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width * 1.3:.0f}" height="{height * 1.3:.0f}" '
        # narrower than the least, words get too small: on a page it is scrolled instead
        f'style="--least:{width * 0.85:.0f}px;--round:{count * seconds:g}s">',
        f"<style>{style(count)}</style>",
        f'<rect class="paper" width="{width:g}" height="{height:g}" fill="#fff"/>',
        group(always),
    ]
    for i, shapes in enumerate(changing):
        turn = f' style="animation-delay:{i * seconds:g}s"' if i else ""
        hidden = ' visibility="hidden"' if i else ""  # for those who read no style sheet
        shown = "" if i else " shown"
        said = escape(spoken[i])
        lines.append(f'<g class="step{shown}"{hidden}{turn} data-said="{said}">')
        lines += [group(shapes), "</g>"]
    return "\n".join([*lines, "</svg>"])


def group(shapes: list[Shape]) -> str:
    """Outlines, and on top of them all words."""
    outlines, words = [], []
    for shape in shapes:
        if isinstance(shape, Words):
            words.append(draw_words(shape))
        elif isinstance(shape, Line):
            outlines.append(
                f'<line class="{shape.look}" x1="{shape.x:.1f}" y1="{shape.y:.1f}" '
                f'x2="{shape.to_x:.1f}" y2="{shape.to_y:.1f}"/>'
            )
        else:
            outlines.append(
                f'<rect class="{shape.look}" x="{shape.x:.1f}" y="{shape.y:.1f}" '
                f'width="{shape.width:.1f}" height="{shape.height:.1f}" rx="{shape.radius:g}"/>'
            )
            words += [draw_words(shape.words)] if shape.text else []
    # colours for those who read no style sheet
    return "\n".join(
        [
            '<g fill="#fff" stroke="#7d8590">',
            *outlines,
            '</g><g fill="#1b1f24" text-anchor="middle">',
            *words,
            "</g>",
        ]
    )


def draw_words(words: Words) -> str:
    """Text is the one thing that comes from outside: its signs are not markup."""
    start = ' text-anchor="start"' if words.anchor == "start" else ""
    return (
        f'<text class="{words.look}" x="{words.x:.1f}" y="{words.y:.1f}"{start}>'
        f"{escape(words.text)}</text>"
    )
