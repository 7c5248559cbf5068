/** Colours are told apart by hue and lightness; a meaning never stands in a colour alone. */
const light = '--bg:#fff;--card:#f5f6f8;--ink:#1b1f24;--dim:#57606a;--line:#d0d5db;--good:#14713d;--bad:#b4232c;--warn:#8a5a00;--link:#0b57c2;--c1:#2b66c9;--c2:#c65911;--c3:#14806a;--c4:#7a4cc2;--c5:#a1266b;--c6:#6b7480';
const dark = '--bg:#12161b;--card:#1b2128;--ink:#e6e9ee;--dim:#9ba6b3;--line:#39424d;--good:#5fce8c;--bad:#ff8087;--warn:#e5b454;--link:#7fb2ff;--c1:#6ea3ff;--c2:#f0924f;--c3:#47c2a5;--c4:#b48cf2;--c5:#ee79b5;--c6:#98a3b0';

export const style = `
:root{color-scheme:light dark;${light}}
@media (prefers-color-scheme:dark){:root{${dark}}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI","Noto Sans","Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}
header,main,footer{max-width:64rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:1.5rem}
h1{font-size:1.05rem;font-weight:600;color:var(--dim);margin:0 0 .75rem;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin:2.5rem 0 .5rem}
a{color:var(--link)}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:1rem;background:var(--bg);padding:.5rem 1rem;z-index:1}
.verdict{background:var(--card);border-left:.5rem solid var(--dim);border-radius:.4rem;padding:1rem 1.25rem}
.verdict strong{display:block;font-size:2rem;line-height:1.2}
.verdict p{margin:.4rem 0 0;font-size:1.05rem}
.good{border-color:var(--good)}.bad{border-color:var(--bad)}.warn{border-color:var(--warn)}
.good strong,.t-good{color:var(--good)}.bad strong,.t-bad{color:var(--bad)}.warn strong,.t-warn{color:var(--warn)}
.notice{border:1px solid var(--warn);border-radius:.4rem;padding:.6rem 1rem;margin:1rem 0}
nav ul{display:flex;flex-wrap:wrap;gap:.3rem 1rem;list-style:none;padding:0;margin:1rem 0}
figure{margin:0}
.chart{overflow-x:auto;background:var(--card);border-radius:.4rem;padding:.75rem}
.chart svg{display:block;width:100%;min-width:36rem;height:auto}
figcaption{color:var(--dim);font-size:.9rem;margin:.4rem 0}
summary{cursor:pointer;color:var(--link)}
.columns{columns:15rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.875rem;margin:.5rem 0;min-width:50%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:break-word;max-width:28rem}
td code{overflow-wrap:break-word}
thead th{color:var(--dim);font-weight:600}
tbody th{font-weight:500}
.num{text-align:right;font-variant-numeric:tabular-nums}
footer{color:var(--dim);font-size:.875rem;padding-bottom:3rem;margin-top:3rem}
svg text{fill:var(--ink);font-size:12px}
svg .dim{fill:var(--dim)}
svg .grid{stroke:var(--line);stroke-width:1}
svg .zero{stroke:var(--ink);stroke-width:1.2}
svg .line{fill:none;stroke-width:2}
svg .dash{stroke-dasharray:5 4}
${[1, 2, 3, 4, 5, 6].map((i) => `svg .s${i}{stroke:var(--c${i})}svg .f${i}{fill:var(--c${i})}`).join('')}
svg .fgood{fill:var(--good)}svg .fbad{fill:var(--bad)}svg .fdim{fill:var(--dim)}svg .sgood{stroke:var(--good)}svg .sbad{stroke:var(--bad)}svg .sdim{stroke:var(--dim)}
@media print{:root{${light}}body{font-size:11pt}.chart,.verdict{background:none;border:1px solid var(--line)}nav,.skip{display:none}section{break-inside:avoid}details::details-content{content-visibility:visible;block-size:auto}.chart,.scroll{overflow:visible}table{font-size:8pt;width:100%}th,td{padding:2px 3px}.chart svg{min-width:0}}
`;
