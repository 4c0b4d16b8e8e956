from __future__ import annotations

import pytest

from lab.gateway import config


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DOORS_DIR": "/x"}, "give either doors_dir"),
        ({"DOOR_HOST": None}, "give either doors_dir"),
        ({"TOKEN_FILE": None}, "control_plane and token_file belong together"),
        ({"CONTROL_PLANE": None, "TOKEN_FILE": None}, "door_host needs control_plane"),
        ({"PORT": "x"}, "port: Input should be a valid integer"),
        ({"MORE": "x"}, "more: Extra inputs are not permitted"),
    ],
)
def test_what_is_wrong_with_the_settings_is_said_in_a_line(
    changes: dict[str, str | None], said: str
) -> None:
    good = {
        "GRANTS_DIR": "/run/lab/grants",
        "DOOR_HOST": "::",
        "ATTEMPTS_DIR": "/run/lab/attempts",
        "KEY_FILE": "/key",
        "TOKEN_FILE": "/token",
        "CONTROL_PLANE": "http://api:8001",
        "PORT": "8003",
        "PUBLIC_PORT": "8080",
    }
    read = config.from_environment({f"LAB_GATEWAY_{n}": v for n, v in good.items()})
    assert read.portal_origin == "http://vaseclos.localhost:8080"
    env = {f"LAB_GATEWAY_{n}": v for n, v in (good | changes).items() if v is not None}
    try:
        config.from_environment(env)
    except ValueError as error:
        told = config.in_one_line(error)
    else:
        raise AssertionError("it was taken")
    assert said in told
    assert "\n" not in told
