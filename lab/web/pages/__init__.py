"""The portal: one module per noun."""

from lab.web.pages import (
    agencies,
    audit,
    datasets,
    drafts,
    holding,
    home,
    intake,
    intake_steps,
    intakes,
    people,
    provider_signin,
    queue,
    requests,
    sandboxes,
    signin,
    workshop,
)

ROUTERS = (
    home.router,
    signin.router,
    provider_signin.router,
    drafts.router,
    queue.router,
    requests.router,
    sandboxes.router,
    holding.router,
    workshop.router,
    datasets.router,
    intakes.router,
    intake.router,
    intake_steps.router,
    agencies.router,
    people.router,
    audit.router,
)
