"""The CSS of the report: light or dark, as the reader's system asks for, and for any width."""

STYLE = """
.skneural-report { --page: #ffffff; --text: #1b1f24; --muted: #59636e; --line: #d5dae0; --panel: #f5f7f9;
  --c0: #0072b2; --c1: #b84e00; --good: #116b4f; --bad: #a83200;
  color-scheme: light; background: var(--page); color: var(--text); padding: 1.2rem; max-width: 72rem; margin: 0 auto;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
@media (prefers-color-scheme: dark) { .skneural-report { --page: #14171b; --text: #e4e8ec; --muted: #a3adb8;
  --line: #3a424b; --panel: #1d2228; --c0: #56b4e9; --c1: #f0a04b; --good: #5fd3a8; --bad: #ff9a6b;
  color-scheme: dark; } }
.skneural-report * { box-sizing: border-box; }
.skneural-report h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .2rem; overflow-wrap: anywhere; }
.skneural-report h2 { font-size: 1.2rem; margin: 2rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line); }
.skneural-report p { margin: .4rem 0; max-width: 46rem; overflow-wrap: anywhere; }
.skneural-report .muted { color: var(--muted); }
.skneural-report dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .6rem;
  margin: 1rem 0; }
.skneural-report dl div { background: var(--panel); border: 1px solid var(--line); border-radius: .4rem;
  padding: .5rem .7rem; }
.skneural-report dt { color: var(--muted); font-size: .8rem; font-weight: normal; }
.skneural-report dd { margin: 0; font-size: 1.2rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.skneural-report ul { margin: .4rem 0; padding-left: 1.2rem; max-width: 50rem; }
.skneural-report li { margin: .3rem 0; overflow-wrap: anywhere; }
.skneural-report .recommendations { border-left: .3rem solid var(--bad); background: var(--panel);
  padding: .5rem .9rem; max-width: 53rem; }
.skneural-report .no-problem { border-left-color: var(--good); }
.skneural-report .scroll { overflow-x: auto; margin: .6rem 0; }
.skneural-report table { border-collapse: collapse; margin: 0; font-size: .88rem; font-variant-numeric: tabular-nums;
  color: inherit; }
.skneural-report caption { text-align: left; color: var(--muted); padding-bottom: .3rem; }
.skneural-report th, .skneural-report td { background: none; border-bottom: 1px solid var(--line); text-align: right;
  padding: .25rem .6rem; white-space: nowrap; font-weight: normal; }
.skneural-report thead th { color: var(--muted); }
.skneural-report th[scope=row], .skneural-report th:first-child, .skneural-report th.text { text-align: left; }
.skneural-report .side-by-side { display: flex; flex-wrap: wrap; gap: 0 3rem; align-items: flex-start; }
.skneural-report .side-by-side > * { max-width: 100%; }
.skneural-report td.text { text-align: left; white-space: normal; min-width: 10rem; overflow-wrap: anywhere; }
.skneural-report td.heat { background: color-mix(in srgb, var(--c0) calc(var(--fraction) * 45%), var(--page));
  text-align: center; min-width: 2.4rem; }
.skneural-report td.good { color: var(--good); }
.skneural-report td.bad { color: var(--bad); font-weight: bold; }
.skneural-report .charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr));
  gap: 1rem; }
.skneural-report figure { margin: 0; background: var(--panel); border: 1px solid var(--line); border-radius: .4rem;
  padding: .6rem; min-width: 0; }
.skneural-report figure p { font-size: .85rem; color: var(--muted); }
.skneural-report figcaption { color: var(--text); font-size: .92rem; margin: 0 0 .3rem; text-align: left; }
.skneural-report .key { color: var(--muted); margin-left: .8rem; white-space: nowrap; }
.skneural-report .key::before { content: ""; display: inline-block; width: 1.4rem; margin-right: .3rem;
  vertical-align: middle; border-top: 3px solid var(--c0); }
.skneural-report .key.c1::before { border-top: 3px dashed var(--c1); }
.skneural-report svg { display: block; width: 100%; height: auto; }
.skneural-report svg text { font-size: 11px; fill: var(--muted); }
.skneural-report svg .middle { text-anchor: middle; }
.skneural-report svg .end { text-anchor: end; }
.skneural-report svg path { fill: none; }
.skneural-report svg .axis { stroke: var(--muted); }
.skneural-report svg .grid { stroke: var(--line); stroke-width: .7; }
.skneural-report svg .mark { stroke: var(--muted); stroke-dasharray: 3 3; }
.skneural-report svg .line { stroke: var(--c0); stroke-width: 2; stroke-linejoin: round; }
.skneural-report svg .line.c1 { stroke: var(--c1); stroke-dasharray: 6 3; }
.skneural-report svg .area { fill: var(--c0); fill-opacity: .35; stroke: var(--c0); }
.skneural-report svg circle { fill: var(--c0); fill-opacity: .6; }
.skneural-report svg circle.c1 { fill: var(--c1); }
"""

PAGE_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; background: #ffffff; }
@media (prefers-color-scheme: dark) { body { background: #14171b; } }
"""
