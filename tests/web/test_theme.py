from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.parts import checks, theming
from lab.web import theme
from lab.web.environments import theme_faults
from tests.helm.rendering import documents, only, values

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.conftest import Users, WebLab

BASE = """{% extends "vase-clos/base.html" %}
{% block brand %}{{ super() }} – Régie <b>fictive</b>{% endblock %}
{% block footer %}<footer>{{ _("Avis") }} {{ member.login }}</footer>{% endblock %}
"""
REFUSED = ("page.html", "code.js", ".cache.css", "sans-type", "données.json")


@pytest.fixture
def folder(lab: WebLab) -> Path:
    """Return the folder of a theme that does all that one can."""
    made = lab.settings.theme_dir
    for name in ("static/polices", "templates"):
        (made / name).mkdir(parents=True, mode=0o755)
    (made / "static/theme.css").write_text(".vc-header{background:#123456}")
    (made / "static/logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (made / "static/polices/une.woff2").write_bytes(b"wOF2")
    (made / "templates/base.html").write_text(BASE)
    return made


async def test_a_theme_is_laid_over_every_page_and_loads_nothing_from_elsewhere(
    users: Users, lab: WebLab, folder: Path
) -> None:
    assert folder == lab.settings.state_dir / "theme"
    alice = await users.browser("a.tremblay")
    page = await alice.get("/bacs")
    text = page.text
    assert '<link rel="stylesheet" href="/habillage/theme.css">' in text
    assert text.index("portail.css") < text.index("theme.css")
    assert '<img class="vc-header__mark" src="/habillage/logo.svg" alt="">' in text
    assert "– Régie <b>fictive</b>" in text
    assert "<footer>Avis a.tremblay</footer>" in text
    assert "Bacs à sable" in text  # the page itself is ours
    found = {}
    for name in ("theme.css", "logo.svg", "polices/une.woff2"):
        answer = await alice.get(f"/habillage/{name}")
        assert answer.status_code == 200
        # A drawing that is opened by itself runs nothing either.
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        found[name] = answer.headers["content-type"].partition(";")[0]
    assert list(found.values()) == ["text/css", "image/svg+xml", "font/woff2"]
    assert theme_faults(folder) == []
    policy = page.headers["content-security-policy"]
    for directive in ("style-src 'self';", "img-src 'self';", "font-src 'self';"):
        assert directive in policy
    assert "http" not in policy
    # Taken away, all is as before: no restart.
    folder.rename(folder.with_name("elsewhere"))
    plain = (await alice.get("/bacs")).text
    assert "habillage" not in plain
    assert "Régie" not in plain


async def test_nothing_outside_of_the_folder_and_nothing_that_runs_is_served(
    users: Users, lab: WebLab, folder: Path
) -> None:
    secret = lab.settings.secrets_dir / "session-key"
    for name in REFUSED:
        (folder / "static" / name).write_text("SECRET")
    (folder / "static/lien.css").symlink_to(secret)
    (folder / "templates/autre.css").write_text("SECRET")
    alice = await users.browser("a.tremblay")
    for path in (
        *REFUSED,
        "lien.css",
        "../templates/autre.css",
        "%2e%2e/templates/autre.css",
        "..%2ftemplates%2fautre.css",
        "polices",
        "",
        "absent.css",
    ):
        answer = await alice.get(f"/habillage/{path}")
        assert answer.status_code in {400, 404}, path
        assert "SECRET" not in answer.text
        assert secret.read_text().strip() not in answer.text
    assert {(f.file, f.why) for f in theme_faults(folder) if f.why != "not_ours"} == {
        (f"static/{name}", "type") for name in REFUSED
    }


BROKEN = {
    "syntax": "{% block footer %}{% oops %}",
    "runtime": '{% extends "vase-clos/base.html" %}{% block footer %}{{ a.b.c }}{% endblock %}',
    "no_template": '{% extends "rien.html" %}',
    "bytes": b"\xff\xfe{{",
    "endless": '{% extends "base.html" %}',
}


async def test_a_broken_template_is_left_out_and_said_and_never_a_failure(
    users: Users, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = {"syntax": ["syntax"], "bytes": ["syntax"], "no_template": ["no_template"]}
    target = folder / "templates/base.html"
    alice = await users.browser("a.tremblay")
    for number, (how, made) in enumerate(BROKEN.items()):
        target.write_bytes(made if isinstance(made, bytes) else made.encode())
        caplog.clear()
        page = await alice.get("/avis")
        assert page.status_code == 200, how
        assert "Seules des données synthétiques" in page.text
        assert "theme.css" in page.text  # the rest of the theme stays
        assert "the theme's templates are left out of a page" in caplog.text
        assert [fault.why for fault in theme_faults(folder)] == told.get(how, [])
        # Corrected while the lab runs.
        target.write_text(BASE + " " * number)
        assert "Régie" in (await alice.get("/avis")).text


def test_doctor_says_in_both_languages_what_is_wrong_and_the_lab_starts_all_the_same(
    lab: WebLab, folder: Path
) -> None:
    def found() -> list[checks.Check]:
        return [c for c in checks.before_start(lab.settings) if c.name == "theme"]

    assert [c.verdict for c in found()] == [checks.Verdict.OK]
    (folder / "static/theme.css").write_text("@import 'https://polices.example/a.css';")
    (folder / "templates/pas-de-nous.html").write_text("x")
    (folder / "templates/error.html").write_text("{% if %}")
    (folder / "static/code.js").write_text("x")
    (folder / "static/logo.svg").chmod(0o666)
    assert {c.verdict for c in found()} == {checks.Verdict.WARNING}
    assert len(found()) == 5
    for check in found():
        assert check.remedy is not None
        for said in (check.detail, check.remedy):
            assert said.french
            assert said.french != str(said)
    whys = {fault.why for fault in theme_faults(folder)}
    assert whys == {"elsewhere", "not_ours", "syntax", "type", "writable"}
    assert theming.words() == whys | {"no_template", "unreadable"}
    assert theme.of_folder(folder.with_name("none")) == theme.Theme()


def test_on_a_cluster_two_config_maps_are_the_folder() -> None:
    given = values(theme={"files": "habillage", "templates": "habillage-pages"})
    api = only(documents(given), "Deployment", "api")["spec"]["template"]["spec"]
    mounts = {m["mountPath"]: m for m in api["containers"][0]["volumeMounts"]}
    volumes = {v["name"]: v for v in api["volumes"]}
    for path, name in (("static", "habillage"), ("templates", "habillage-pages")):
        mount = mounts[f"/var/lib/lab/theme/{path}"]
        assert mount["readOnly"] is True
        assert volumes[mount["name"]]["configMap"] == {"name": name}
