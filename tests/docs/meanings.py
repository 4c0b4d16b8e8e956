"""What settings and looks mean, in both languages; a test sees that none is missing."""

from __future__ import annotations

from lab.domain.sandbox import Seen

SETTINGS: dict[str, tuple[str, str]] = {
    "runtime": (
        "Où tournent les bacs à sable : `machine` ou `kubernetes`.",
        "Where sandboxes run: `machine` or `kubernetes`.",
    ),
    "role": (
        "Ce que fait `python -m lab.web` : `all` (tout), ou `api` sans la boucle.",
        "What `python -m lab.web` does: `all`, or `api`, without the loop.",
    ),
    "cluster": (
        "Où sont les parties du laboratoire sur une grappe, en JSON; la charte Helm le remplit.",
        "Where the lab’s parts are on a cluster, as JSON; the Helm chart fills it in.",
    ),
    "public_url": (
        "L’adresse du portail pour les personnes; sinon `LAB_DOMAIN` et `LAB_PORT` la font.",
        "The portal’s address for people; else `LAB_DOMAIN` and `LAB_PORT` make it.",
    ),
    "trusted_proxies": (
        "Les adresses dont les en-têtes `X-Forwarded-*` comptent, séparées par des virgules.",
        "Addresses whose `X-Forwarded-*` headers count, with commas between.",
    ),
    "storage": (
        "Le stockage d’objets d’une seule machine; l’option `--storage` de `lab up` l’écrit.",
        "The object store of one machine; the option `--storage` of `lab up` writes it.",
    ),
    "kubeconfig": (
        "Comment joindre le serveur d’API hors d’un pod, pour des essais.",
        "How the API server is reached from outside a pod, for trials.",
    ),
    "state_dir": (
        "Tout ce qui est conservé\u00a0: base de données, objets, dossiers, secrets, journaux.",
        "Everything that is kept: databases, objects, homes, secrets, logs.",
    ),
    "run_dir": (
        "Sockets et fichiers de processus; un chemin court, car celui d’un socket est limité.",
        "Sockets and pid files; a short path, because a socket’s path may have 107 bytes.",
    ),
    "domain": (
        "Le nom sous lequel vivent le portail, les ateliers et les pages de suivi.",
        "Names under it are the portal’s, the members’ and the sandboxes’ origins.",
    ),
    "port": (
        "Le premier port; les parties prennent ceux qui suivent.",
        "The front door; the parts behind it take the 15 ports after it.",
    ),
    "database_url": (
        "SQLite ou PostgreSQL.",
        "SQLite or PostgreSQL, as a SQLAlchemy URL.",
    ),
    "time_zone": (
        "Où commencent et finissent les jours du laboratoire.",
        "Where the lab’s days begin and end.",
    ),
    "oidc": (
        "Le fournisseur d’identité (OpenID Connect), en JSON, à côté des comptes locaux.",
        "The identity provider (OpenID Connect), as JSON, beside local accounts.",
    ),
    "mail": (
        "Le serveur SMTP des avis, en JSON; sans lui, des fichiers dans STATE_DIR/courriels.",
        "The SMTP server of notices, as JSON; without one, files in STATE_DIR/courriels.",
    ),
    "policies_dir": (
        "Règles d’approbation, règles de sortie et formats.",
        "Approval rules, egress profiles and sizes.",
    ),
    "templates_dir": ("Les gabarits de carnets.", "The notebook templates."),
    "theme_dir": (
        "L’habillage posé sur les pages du portail, s’il y en a un.",
        "The theme laid over the portal’s pages (files and templates); there need be none.",
    ),
    "notebook_env": (
        "L’environnement Python que chaque bac à sable voit.",
        "The environment that every sandbox sees at `/opt/notebook`.",
    ),
    "providers": (
        "Quel fournisseur tient chaque étape, en JSON; vide, ceux de cette machine.",
        "Which provider owns each stage, as JSON; empty means those of one machine.",
    ),
    "poll": (
        "Tous les combien regarder un bac qui se construit ou se défait.",
        "How often a sandbox that is being built or taken down is looked at.",
    ),
    "watch": (
        "Tous les combien regarder un bac prêt.",
        "How often one that is ready is looked at.",
    ),
    "sweep": (
        "Tous les combien chercher ce qui n’appartient à personne.",
        "How often orphans are looked for.",
    ),
    "work_memory_bytes": (
        "Mémoire, en octets, que traiter une table peut prendre; zéro pour ce qui est permis ici.",
        "Memory, in bytes, that treating a table may take; zero for what is allowed here.",
    ),
    "most_drafts": (
        "Combien de demandes un organisme peut avoir commencées sans les envoyer.",
        "How many requests a public body may have begun and not sent in.",
    ),
    "notebook_idle": (
        "Après combien de temps sans aucun usage un carnet s’arrête; zéro pour jamais.",
        "After how long without any use a notebook server ends; zero for never.",
    ),
    "first_retry": (
        "Attente après un premier échec; elle double ensuite.",
        "The wait after a first failure; doubled after each further one.",
    ),
    "last_retry": ("L’attente la plus longue.", "The longest wait."),
    "workers": (
        "Combien de bacs à sable sont traités à la fois.",
        "How many sandboxes are worked on at once.",
    ),
}

SEEN_EN: dict[Seen, str] = {
    Seen.ABSENT: "It is not there.",
    Seen.CONVERGING: "It is being made, or unmade.",
    Seen.READY: "It is there, as wanted.",
    Seen.DUE: "It is there, and will be renewed soon (a proof or a credential that ages).",
    Seen.REVOKED: "What it holds is still there; nobody in the sandbox can use it any more.",
    Seen.UNKNOWN: "The lab could not look. Never read as absent.",
}
