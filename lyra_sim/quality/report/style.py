"""Style sheet of the report: neutral greys, one accent per verdict, no fonts or pictures from anywhere else."""

STYLE = """
:root { color-scheme: light dark; --bg: #fbfbfa; --fg: #1d2126; --soft: #5d6670; --line: #dcdfe2; --card: #fff;
  --pass: #2c7a4b; --warn: #b7791f; --fail: #b3261e; --none: #6b7280; --plan: #1b5fb4; --drive2: #b5179e; }
@media (prefers-color-scheme: dark) { :root { --bg: #15181c; --fg: #e6e8ea; --soft: #9aa4ae; --line: #30363d;
  --card: #1d2126;
  --pass: #58b881; --warn: #e0a83f; --fail: #f2766c; --none: #8b949e; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--fg); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px 24px 64px; }
header { display: flex; justify-content: space-between; align-items: center; gap: 24px; }
h1 { margin: 0; font-size: 34px; line-height: 1.15; }
h2 { margin: 0 0 4px; font-size: 20px; }
header p, section > p { margin: 4px 0; color: var(--soft); }
.over { letter-spacing: .06em; text-transform: uppercase; font-size: 12px; }
section { margin-top: 40px; overflow-wrap: anywhere; }
h3 { margin: 0 0 4px; font-size: 16px; }
h3 small { font-weight: 400; }
.read { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(420px, 100%), 1fr)); gap: 14px; margin-top: 12px; }
.read article { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 12px 16px; }
.read table { margin: 4px 0 8px; font-size: 13px; }
.read th, .read td { padding: 2px 0 2px 0; }
.read .number { width: 25%; padding-right: 0; }
.read tr.less td { color: var(--fg); font-weight: 700; border-bottom: 1px solid var(--warn); }
.read ul { margin: 0; padding-left: 18px; font-size: 14px; }
.badge { display: inline-block; padding: 1px 9px; border-radius: 99px; color: #fff; background: var(--none);
  font-size: 12px;
  font-weight: 600; white-space: nowrap; }
@media (prefers-color-scheme: dark) { .badge { color: #15181c; }
}
.badge.large { font-size: 24px; padding: 8px 24px; }
.verdicts { display: grid; grid-template-columns: auto auto; gap: 6px 12px; align-items: center; margin: 0; }
.verdicts dt { color: var(--soft); text-align: right; }
.verdicts dd { margin: 0; }
.troubles li p { margin: 0 0 4px; }
.badge.pass { background: var(--pass); }
.badge.warn { background: var(--warn); }
.badge.fail { background: var(--fail); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(176px, 1fr)); gap: 12px; margin-top: 20px; }
.card { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--none); border-radius: 6px;
  padding: 10px 14px; }
.card.pass { border-left-color: var(--pass); }
.card.warn { border-left-color: var(--warn); }
.card.fail { border-left-color: var(--fail); }
.card b { display: block; font-size: 22px; line-height: 1.3; }
.card span { color: var(--soft); font-size: 12px; }
.troubles ul { margin: 8px 0; padding: 0; list-style: none; }
.troubles li { padding: 3px 0; }
small { color: var(--soft); }
.figures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 14px 10px; margin-top: 12px; }
figure { margin: 0; grid-column: span 2; }
figure.wide { grid-column: 1 / -1; }
.views figure { grid-column: span 1; }
figure img, figure svg { display: block; width: 100%; height: auto; border: 1px solid var(--line); border-radius: 4px;
  background: #c6c8cb; }
.pixels, svg.plan image { image-rendering: pixelated; }
.strip { display: grid; grid-template-columns: repeat(4, 1fr); gap: 6px; }
.strip.pair { grid-template-columns: repeat(2, 1fr); }
figcaption { margin-top: 5px; color: var(--soft); font-size: 13px; }
.key { white-space: nowrap; margin-right: 10px; }
.key i { display: inline-block; width: 11px; height: 11px; margin-right: 5px;
  border-radius: 2px; border: 1px solid #0003; vertical-align: -1px; }
.ramp { display: inline-block; width: 120px; height: 10px; border-radius: 2px; vertical-align: -1px; margin: 0 6px; }
table { width: 100%; border-collapse: collapse; margin-top: 8px; font-size: 14px; }
th, td { padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
tr.group th { padding-top: 18px; text-transform: uppercase; font-size: 12px; letter-spacing: .06em; color: var(--soft); }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; padding-right: 18px; }
code { font: 13px ui-monospace, monospace; }
td:last-child { color: var(--soft); }
dl { display: grid; grid-template-columns: 200px 1fr; gap: 4px 16px; font-size: 14px; }
dt { color: var(--soft); }
dd { margin: 0; white-space: pre-wrap; font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere; }
@media (max-width: 640px) {
  main { padding: 20px 14px 48px; }
  header { flex-wrap: wrap; gap: 10px; }
  h1 { font-size: 26px; }
  .cards { grid-template-columns: repeat(2, 1fr); gap: 8px; }
  .figures { grid-template-columns: repeat(2, 1fr); }
  .views figure { grid-column: span 2; }
  dl { grid-template-columns: 1fr; }
  dt { margin-top: 8px; }
  .all thead { display: none; }
  .all tr:not(.group) { display: flex; flex-wrap: wrap; gap: 0 10px; align-items: baseline; padding: 5px 0;
    border-bottom: 1px solid var(--line); }
  .all tr:not(.group) td { border: 0; padding: 0; }
  .all td:last-child { flex-basis: 100%; font-size: 13px; }
  .all td:nth-child(4) { display: none; }
}
svg .route { fill: none; stroke: #1b5fb4; stroke-width: .24; stroke-opacity: .4; stroke-linecap: round; }
svg .physx { fill: none; stroke: #2f9e44; stroke-width: .13; stroke-linejoin: round; }
svg .newton { fill: none; stroke: #d6336c; stroke-width: .045; stroke-linejoin: round; }
svg .path { fill: none; stroke: #1b5fb4; stroke-width: .05; stroke-linejoin: round; stroke-opacity: .75; }
svg .probe { fill: #2f9e44; }
svg .fell { fill: #e03131; }
svg .free-cell { fill: #74b816; }
svg .occupied-cell { fill: #4263eb; }
svg .rolling { fill: #f08c00; }
svg .shot { fill: none; stroke: #9c36b5; stroke-width: .05; }
svg .lost { fill: none; stroke: #e03131; stroke-width: .13; stroke-linejoin: round; }
svg .door { fill: none; stroke: #f08c00; stroke-width: .06; }
svg .start { fill: #1b5fb4; }
svg .spawn { fill: none; stroke: #1b5fb4; stroke-width: .04; }
svg .bar { stroke: #22262a; fill: none; }
svg .halo { stroke: #fffc; fill: none; stroke-linecap: round; }
svg text.bar { fill: #22262a; stroke: #fffc; stroke-width: .28em; paint-order: stroke;
  stroke-linejoin: round; font-family: system-ui, sans-serif; }
"""
