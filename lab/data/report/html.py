"""A report as one HTML file: nothing of it is fetched from anywhere."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING

from lab.data.report.model import Facts, Table

if TYPE_CHECKING:
    from lab.data.report.model import Block, Report, Section

_STYLE = """
:root{--brand:#0d5c63;--line:#b9d0d0;--soft:#eef4f3}
*{box-sizing:border-box}
body{margin:0 auto;max-width:52rem;padding:1.5rem;color:#0b0c0c;background:#fff;
font:1rem/1.45 system-ui,"Segoe UI",Roboto,"Liberation Sans",sans-serif;overflow-wrap:break-word}
header{border-bottom:4px solid var(--brand);margin-bottom:1rem}
h1{margin:0;font-size:1.6rem}
h2{margin:1.4rem 0 .4rem;font-size:1.1rem;color:var(--brand)}
p{margin:.3rem 0}
.subject{font-size:1.15rem;margin-bottom:.6rem}
.conclusion{border:2px solid #484c4c;border-left-width:10px;padding:.6rem .8rem;font-weight:700}
.shown{border-color:#0f7a52}.not-shown{border-color:#ca3535}
dl{display:grid;grid-template-columns:minmax(9rem,32%) minmax(0,1fr);margin:.2rem 0}
dt,dd{margin:0;padding:.2rem .5rem;border-bottom:1px solid var(--line)}
dt{background:var(--soft);font-weight:600}
table{width:100%;border-collapse:collapse;margin:.5rem 0;font-size:.92rem}
caption{text-align:left;font-weight:600;padding:.2rem 0}
th,td{border:1px solid var(--line);padding:.2rem .45rem;text-align:left;vertical-align:top}
thead th{background:var(--soft)}
tbody th{font-weight:400}
footer{margin-top:1.4rem;padding-top:.4rem;border-top:1px solid var(--line);font-size:.85rem}
@page{size:letter;margin:12mm 14mm}
@media print{body{max-width:none;padding:0;font-size:7.6pt;line-height:1.25}
h1{font-size:13pt}h2{font-size:9pt;margin:4pt 0 1pt;break-after:avoid}
.subject{font-size:10pt;margin:0 0 2pt}dt,dd,th,td{padding:.6pt 3pt}
table{font-size:7.4pt;margin:2pt 0;break-inside:avoid}dl{margin:1pt 0;break-inside:avoid}
header{margin-bottom:3pt}.conclusion{padding:2pt 5pt}
dt,thead th,.conclusion{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
""".strip()

STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
"""Of the only style that the page has, for a content policy that allows nothing else."""

_SHOWN = {True: " shown", False: " not-shown", None: ""}


def write_html(report: Report) -> str:
    """Write it. Everything that a person typed is escaped."""
    title = escape(f"{report.title} — {report.subject}")
    sections = "\n".join(_section(section) for section in report.sections)
    return f"""<!doctype html>
<html lang="{report.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>{escape(report.title)}</h1>
<p class="subject">{escape(report.subject)}</p>
</header>
<main>
<p class="conclusion{_SHOWN[report.is_shown]}">{escape(report.conclusion)}</p>
{sections}
</main>
<footer><p>{escape(report.footer)}</p></footer>
</body>
</html>
"""


def _section(section: Section) -> str:
    blocks = "\n".join(_block(block) for block in section.blocks)
    return f"<section>\n<h2>{escape(section.title)}</h2>\n{blocks}\n</section>"


def _block(block: Block) -> str:
    if isinstance(block, Facts):
        pairs = "".join(
            f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>\n" for label, value in block.rows
        )
        return f"<dl>\n{pairs}</dl>"
    if isinstance(block, Table):
        return _table(block)
    return f"<p>{escape(block.text)}</p>"


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.headers)
    rows = "\n".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table.rows
    )
    return (
        f"<table>\n<caption>{escape(table.caption)}</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
    )
