"""What the command says, in French. A test finds every sentence that is missing here."""

from __future__ import annotations

from lab.cli.french_audit import AUDIT
from lab.cli.french_drafts import DRAFTS
from lab.cli.french_holding import HOLDING
from lab.cli.french_hours import HOURS
from lab.cli.french_images import IMAGES
from lab.cli.french_intakes import INTAKES
from lab.cli.french_reviews import REVIEWS
from lab.cli.french_words import WORDS

FRENCH: dict[str, str] = {
    "'lab request approve {id}' approves it.": "« lab request approve {id} » l’approuve.",
    "'lab sandbox show {id}' says what is missing.": (
        "« lab sandbox show {id} » dit ce qui manque."
    ),
    "'lab up --no-demo' starts without one.": (
        "« lab up --no-demo » démarre sans premier bac à sable."
    ),
    "Accounts of fictional people; each link signs in once, within a day:": (
        "Comptes de personnes fictives; chaque lien connecte une seule fois, d’ici un jour :"
    ),
    "Action": "Action",
    "Active": "Actif",
    "Add a person. 'lab user link' then lets them in.": (
        "Ajouter une personne. « lab user link » la fait ensuite entrer."
    ),
    "Add an agency.": "Ajouter un organisme.",
    "Address": "Adresse",
    "Agencies: look and add.": "Organismes : regarder, ajouter.",
    "Agency": "Organisme",
    "Ask for a sandbox to be deleted, with everything in it. Safe to repeat.": (
        "Demander la suppression d’un bac à sable et de son contenu. Peut être répété."
    ),
    "At": "Quand",
    "CPU": "CPU",
    "Check": "Vérification",
    "Check everything the lab needs of this machine, and say what to do.": (
        "Vérifier tout ce que le laboratoire attend de cette machine, et dire quoi faire."
    ),
    "Class": "Classe",
    "Code of the agency it is for.": "Code de l’organisme.",
    "Column": "Colonne",
    "Contained": "Confiné",
    "Cores: 4, 0.5 or 500m.": "Cœurs : 4, 0.5 ou 500m.",
    "Ctrl-C stops the lab (process {pid}).": "Ctrl-C arrête le laboratoire (processus {pid}).",
    "Data set": "Jeu de données",
    "Data set; may be given again. With @2: version 2.": (
        "Jeu de données; peut être répété. Avec @2 : la version 2."
    ),
    "Data sets": "Jeux de données",
    "Data sets and their published versions.": "Jeux de données et leurs versions publiées.",
    "Days": "Jours",
    "Days until its last day.": "Jours jusqu’à son dernier jour.",
    "Decided": "Décidée",
    "Decided by": "Décidée par",
    "Delete everything at {path}? It cannot be undone.": (
        "Supprimer tout ce qui est dans {path}? C’est sans retour."
    ),
    "Delete everything the lab keeps, for good.": (
        "Supprimer pour de bon tout ce que garde le laboratoire."
    ),
    "Delete {id} and everything in it? It cannot be undone.": (
        "Supprimer {id} et tout son contenu? C’est sans retour."
    ),
    "Deleted": "Supprimé",
    "Demo agencies, accounts and first sandbox.": (
        "Organismes, comptes et premier bac à sable de démonstration."
    ),
    "Description": "Description",
    "Detail": "Détail",
    "Do not ask.": "Ne pas demander.",
    "Show which version of the lab this is, and exit.": (
        "Afficher la version du laboratoire, puis quitter."
    ),
    "Egress profile.": "Profil de sortie.",
    "Ends on": "Dernier jour",
    "Everything at {path} is deleted.": "Tout ce qui était dans {path} est supprimé.",
    "Examples": "Exemples",
    (
        "Exit codes: 0 done; 1 refused by the lab; 2 wrong usage, or this machine lacks "
        "something; 3 the lab does not answer."
    ): (
        "Codes de sortie : 0 fait; 1 refusé par le laboratoire; 2 mauvais usage, ou il "
        "manque quelque chose à cette machine; 3 le laboratoire ne répond pas."
    ),
    "Expected": "Attendu",
    "Expires": "Fin",
    "Failures": "Échecs",
    "File": "Fichier",
    "File a request. A small one on synthetic data is approved at once.": (
        "Déposer une demande. Une petite, sur des données synthétiques, est approuvée aussitôt."
    ),
    "Filed": "Déposée",
    "Find out who made it; remove it, or set LAB_RUN_DIR to another path.": (
        "Trouvez qui l’a créé; supprimez-le, ou donnez un autre chemin à LAB_RUN_DIR."
    ),
    "First of the 16 ports the lab takes; kept for the next start.": (
        "Premier des 16 ports du laboratoire; gardé pour le prochain démarrage."
    ),
    "First sandbox: {sandbox}, ready.": "Premier bac à sable : {sandbox}, prêt.",
    "For example a.tremblay.": "Par exemple a.tremblay.",
    "For example rq-3f9a0c1d2e.": "Par exemple rq-3f9a0c1d2e.",
    "For example sb-3f9a0c1d2e.": "Par exemple sb-3f9a0c1d2e.",
    "Found": "Constaté",
    "GPU": "GPU",
    "Held": "Utilisé",
    "Holds": "Tient",
    "How many at most.": "Combien au plus.",
    "How many at once.": "Combien à la fois.",
    "How to write the answer.": "Comment écrire la réponse.",
    "Idempotency key: the same key files once.": (
        "Clé d’idempotence : la même clé ne dépose qu’une fois."
    ),
    "Install Python 3.11 or 3.12, then 'make up'.": (
        "Installez Python 3.11 ou 3.12, puis « make up »."
    ),
    "Its code, for example rft.": "Son code, par exemple rft.",
    "Its code: 2 to 20 of a-z, 0-9, -.": "Son code : 2 à 20 caractères parmi a-z, 0-9, -.",
    "Its id, see 'lab dataset list'.": "Son identifiant, voir « lab dataset list ».",
    "Its last day instead, as 2026-12-31.": "Plutôt son dernier jour, comme 2026-12-31.",
    "Its name in English.": "Son nom en anglais.",
    "Its name in French.": "Son nom en français.",
    "Kind": "Sorte",
    "LAB_DEBUG=1 shows all of it": "LAB_DEBUG=1 montre tout",
    "Label": "Libellé",
    "Last": "Dernière",
    "Left": "Reste",
    "Licence": "Licence",
    "List the agencies and their quotas.": "Lister les organismes et leurs quotas.",
    "List the data sets.": "Lister les jeux de données.",
    "List the people of an agency, or of the lab.": (
        "Lister les personnes d’un organisme, ou du laboratoire."
    ),
    "List the sandboxes, newest first.": "Lister les bacs à sable, les plus récents d’abord.",
    "List what was done and what was refused, newest first.": (
        "Lister ce qui a été fait et ce qui a été refusé, le plus récent d’abord."
    ),
    "List what was tried and blocked, as far as it could be observed.": (
        "Lister ce qui a été tenté et bloqué, pour ce qui a pu être observé."
    ),
    "Login": "Identifiant",
    "Login; may be given again.": "Identifiant de connexion; peut être répété.",
    "Longest stay, days": "Durée maximale, jours",
    "Made": "Créé",
    "Make a link that signs a person in, once, within a day.": (
        "Faire un lien qui connecte une personne, une seule fois, d’ici un jour."
    ),
    "Make room: at least {least} GiB are needed.": (
        "Faites de la place : il faut au moins {least} Gio."
    ),
    "May be given again.": "Peut être répété.",
    "Memory": "Mémoire",
    "Memory of all parts": "Mémoire de toutes les parties",
    "Memory: 8Gi or 512Mi.": "Mémoire : 8Gi ou 512Mi.",
    "Name": "Nom",
    "New password": "Nouveau mot de passe",
    "No.": "Nº",
    "Notebook servers": "Serveurs de carnets",
    "Notebook template.": "Gabarit de carnet.",
    "Nothing.": "Rien.",
    "On": "Sur",
    "Only those in this state, for example in_review.": (
        "Seulement celles dans cet état, par exemple in_review."
    ),
    "Only those that concern this agency.": "Seulement ce qui touche cet organisme.",
    "Operate the laboratory Vase clos.": "Exploiter le laboratoire Vase clos.",
    "Outcome": "Issue",
    "PSS": "PSS",
    "Part": "Partie",
    "Password": "Mot de passe",
    "Phase": "Phase",
    "Probe": "Sonde",
    "Process": "Processus",
    "Profile": "Profil",
    "Proved": "Prouvé",
    "Published": "Publié",
    "Purpose": "But",
    "Python {version}": "Python {version}",
    "Python {version} is not one the lab runs on": (
        "le laboratoire ne tourne pas sur Python {version}"
    ),
    "'{given}' is neither seaweedfs, minio nor a URL": (
        "« {given} » n’est ni seaweedfs, ni minio, ni une URL"
    ),
    "Access key of that store's administrator.": (
        "Clé d’accès de l’administrateur de ce stockage."
    ),
    "Change it there, or take it out and give the option again.": (
        "Changez-la là, ou enlevez-la et redonnez l’option."
    ),
    "File that holds that administrator's secret key.": (
        "Fichier qui contient la clé secrète de cet administrateur."
    ),
    (
        "Give its binary: --storage-program PATH, or use --storage seaweedfs, which needs"
        " nothing more."
    ): (
        "Donnez son programme : --storage-program CHEMIN, ou prenez --storage seaweedfs, "
        "qui ne demande rien de plus."
    ),
    "How the admin side of the store at that URL is spoken to.": (
        "Comment parler au côté administration du stockage à cette URL."
    ),
    (
        "Look at its address, the access key and its secret; its admin side is spoken to "
        "as: {admin} (--storage-admin)"
    ): (
        "Regardez son adresse, la clé d’accès et son secret; on parle à son côté "
        "administration comme : {admin} (--storage-admin)"
    ),
    "MinIO's binary, where it is not on PATH.": (
        "Le programme de MinIO, s’il n’est pas dans PATH."
    ),
    (
        "Object store: seaweedfs, minio, or the URL of one that others run; kept for the "
        "next start."
    ): (
        "Stockage d’objets : seaweedfs, minio, ou l’URL d’un stockage que d’autres "
        "tiennent; gardé pour le prochain démarrage."
    ),
    "Objects do not move by themselves: delete these sandboxes first.": (
        "Les objets ne se déplacent pas tout seuls : supprimez d’abord ces bacs à sable."
    ),
    (
        "Put the administrator's secret key in a file of yours alone (chmod 600), and "
        "name it: --storage-secret-file PATH"
    ): (
        "Mettez la clé secrète de l’administrateur dans un fichier à vous seul (chmod "
        "600), et nommez-le : --storage-secret-file CHEMIN"
    ),
    "See 'lab up --help'.": ("Voyez « lab up --help »."),
}
FRENCH |= AUDIT | DRAFTS | HOLDING | HOURS | IMAGES | INTAKES | REVIEWS | WORDS
