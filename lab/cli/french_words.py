"""What the command says in French: words and ends of sentences, without a capital."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "a store at a URL needs --storage-access-key and --storage-secret-file": (
        "un stockage à une URL demande --storage-access-key et --storage-secret-file"
    ),
    "sandboxes hold objects in the present store ({kind}): {names}": (
        "des bacs à sable ont des objets dans le stockage actuel ({kind}) : {names}"
    ),
    "say which store: --storage seaweedfs|minio|URL": (
        "dites quel stockage : --storage seaweedfs|minio|URL"
    ),
    "that store cannot be used: {why}": ("ce stockage ne peut pas servir : {why}"),
    "the object store at {url} cannot be used: {why}": (
        "le stockage d’objets à {url} ne peut pas servir : {why}"
    ),
    "the secret file {path} cannot be read": ("le fichier de secret {path} ne peut pas être lu"),
    "there is no 'minio' on PATH": ("il n’y a pas de « minio » dans PATH"),
    "these options do not go with --storage {given}": (
        "ces options ne vont pas avec --storage {given}"
    ),
    "{kind} {where}": ("{kind} {where}"),
    "{path} holds a table [{name}]": ("{path} contient une table [{name}]"),
    "{path} is no program": ("{path} n’est pas un programme"),
    "Quota": "Quota",
    "Quotas of agencies: look and set.": "Quotas des organismes : regarder, fixer.",
    "RSS": "RSS",
    ("Read {log}, mend what it says and run 'lab up' again; 'lab down' stops the other parts."): (
        "Lisez {log}, corrigez ce qu’il dit et relancez « lab up »; « lab down » arrête "
        "les autres parties."
    ),
    "Reason": "Raison",
    "Request": "Demande",
    "Requester": "Demandeur",
    "Requests for sandboxes: file, look, approve, reject, withdraw.": (
        "Demandes de bacs à sable : déposer, regarder, approuver, refuser, retirer."
    ),
    "Roles": "Rôles",
    "Rows": "Lignes",
    "Rule": "Règle",
    "Run 'make up', which builds it, or images/notebook/build.sh.": (
        "Lancez « make up », qui le bâtit, ou images/notebook/build.sh."
    ),
    "Run 'make up': it installs what is missing.": (
        "Lancez « make up » : il installe ce qui manque."
    ),
    "Run as the user who started the lab, or choose another: --state-dir PATH": (
        "Prenez le compte qui a démarré le laboratoire, ou un autre dossier : --state-dir CHEMIN"
    ),
    "SHA-256": "SHA-256",
    "Sandbox": "Bac à sable",
    "Sandboxes": "Bacs à sable",
    "Sandboxes: look, wait, delete; their proofs and certificates.": (
        "Bacs à sable : regarder, attendre, supprimer; leurs preuves et certificats."
    ),
    "Seconds that the parts may take to be ready.": (
        "Secondes laissées aux parties pour être prêtes."
    ),
    "Seconds to wait at most.": "Secondes d’attente au plus.",
    "Seen": "Vu",
    "Seen gone": "Absence constatée",
    "Set LAB_RUN_DIR to a shorter path.": "Donnez à LAB_RUN_DIR un chemin plus court.",
    "Set a password, asked for twice or read from standard input; sessions end.": (
        "Fixer un mot de passe, demandé deux fois ou lu de l’entrée standard; les sessions "
        "finissent."
    ),
    (
        "Set what an agency may hold at once; what is not given stays as it is.\n\nA quota "
        "below what is held takes nothing away: nothing more is granted\nuntil enough came "
        "back. A budget of hours below what is used suspends what\nruns on it."
    ): (
        "Fixer ce qu’un organisme peut détenir à la fois; ce qui n’est pas donné reste tel "
        "quel.\n\nUn quota plus petit que l’utilisé n’enlève rien : rien de plus n’est "
        "accordé\ntant qu’il n’en est pas assez revenu. Un budget d’heures plus petit que "
        "l’utilisé\nsuspend ce qui s’en sert."
    ),
    "Show one data set: columns and files of its latest version.": (
        "Montrer un jeu de données : colonnes et fichiers de sa dernière version."
    ),
    "Show one request.": "Montrer une demande.",
    "Show one sandbox and its five stages.": "Montrer un bac à sable et ses cinq étapes.",
    "Show the deletion certificate: what was seen gone, and when.": (
        "Montrer le certificat de suppression : ce dont l’absence a été constatée, et quand."
    ),
    "Show the last containment proof: each probe, what it must find and what it found.": (
        "Montrer la dernière preuve de confinement : chaque sonde, l’attendu et le constaté."
    ),
    "Show the parts, what they use, the sandboxes and whether the walls hold.": (
        "Montrer les parties, ce qu’elles utilisent, les bacs à sable, et si les murs tiennent."
    ),
    "Signature": "Signature",
    "Since": "Depuis",
    "Size": "Format",
    "Size class.": "Format.",
    "Source": "Source",
    "Stage": "Étape",
    (
        "Start one's own notebook and print its address.\n\nOperators have none: the data "
        "are not theirs."
    ): (
        "Démarrer son propre carnet et écrire son adresse.\n\nLes opérateurs n’en ont "
        "pas : les données ne sont pas à eux."
    ),
    (
        "Start the whole lab, or bring back what is down, and print its address.\n\nSafe "
        "to repeat: what runs is left alone, what was killed is cleaned up and\nstarted "
        "again, and every such thing is said."
    ): (
        "Démarrer tout le laboratoire, ou relever ce qui est tombé, et écrire son "
        "adresse.\n\nPeut être répété : ce qui tourne n’est pas touché, ce qui a été tué "
        "est nettoyé et\nredémarré, et tout cela est dit."
    ),
    "State": "État",
    "Stay until it is done, and show how far it is.": (
        "Rester jusqu’à la fin, et montrer l’avancement."
    ),
    "Stay, and stop the lab on Ctrl-C.": "Rester, et arrêter le laboratoire par Ctrl-C.",
    "Stop notebooks and parts. Data stay, unless asked otherwise.": (
        "Arrêter les carnets et les parties. Les données restent, sauf demande contraire."
    ),
    "Stop that process, or choose another first port: lab up --port {port}": (
        "Arrêtez ce processus, ou choisissez un autre premier port : lab up --port {port}"
    ),
    "Storage": "Stockage",
    "Storage: 50Gi.": "Stockage : 50Gi.",
    "Target": "Cible",
    "Team": "Équipe",
    "Template": "Gabarit",
    "The chain holds.": "La chaîne tient.",
    "The chain is broken at row {row}.": "La chaîne est rompue à la ligne {row}.",
    "The deleted ones too.": "Les supprimés aussi.",
    "The lab goes on trying: 'lab sandbox show {id}' says more.": (
        "Le laboratoire essaie encore : « lab sandbox show {id} » en dit plus."
    ),
    "The lab is stopped.": "Le laboratoire est arrêté.",
    "The lab is stopped; notebook servers ended: {count}.": (
        "Le laboratoire est arrêté; serveurs de carnets terminés : {count}."
    ),
    "The lab is up.": "Le laboratoire est en marche.",
    "The lab was running already.": "Le laboratoire était déjà en marche.",
    "The longest a sandbox may live, in days.": "La plus longue vie d’un bac à sable, en jours.",
    "The password of {login} is set.": "Le mot de passe de {login} est fixé.",
    "The person's name.": "Le nom de la personne.",
    "Then run 'lab up' again.": "Puis relancez « lab up ».",
    "There is no lab at {path}.": "Il n’y a pas de laboratoire dans {path}.",
    "Times": "Fois",
    "Title": "Titre",
    "Took": "Durée",
    "Type": "Type",
    "Verdict": "Verdict",
    "Verify the chain: whether any row was changed or removed since.": (
        "Vérifier la chaîne : si une ligne a été changée ou enlevée depuis."
    ),
    "Version": "Version",
    "Wait until a sandbox is ready, or gone.": "Attendre qu’un bac à sable soit prêt, ou disparu.",
    "Wait until it has ended.": "Attendez qu’elle soit finie.",
    "What it is for, in a sentence or two.": "À quoi il sert, en une phrase ou deux.",
    "What the requester is told.": "Ce qui est dit à la personne qui a demandé.",
    "What to wait for.": "Ce qu’il faut attendre.",
    "Where it leads, a path of the portal.": "Où il mène, un chemin du portail.",
    "Where the lab keeps everything; else LAB_STATE_DIR, else .lab.": (
        "Où le laboratoire garde tout; sinon LAB_STATE_DIR, sinon .lab."
    ),
    "Who": "Qui",
    "Whole devices.": "Appareils entiers.",
    "Whose people; without it, the lab's own.": (
        "De quel organisme; sans elle, ceux du laboratoire."
    ),
    "Whose; without it, the lab's own.": "De quel organisme; sans elle, celui du laboratoire.",
    "Withdraw a request that is not decided.": "Retirer une demande qui n’est pas décidée.",
    "Withdraw {id}?": "Retirer {id}?",
    "a process of another user": "un processus d’un autre compte",
    "a setting is wrong": "un réglage est mauvais",
    "absent": "absent",
    "another 'lab up' or 'lab down' is at work on {path}": (
        "une autre commande « lab up » ou « lab down » travaille sur {path}"
    ),
    "approved": "approuvée",
    "apt-get install util-linux": "apt-get install util-linux",
    "backoff": "en attente",
    "blocked": "bloqué",
    "converging": "en cours",
    "data sets published: {count}": "jeux de données publiés : {count}",
    "deleted": "supprimé",
    "deleting": "en suppression",
    "done": "fait",
    "draft": "ébauche",
    "due": "à renouveler",
    "ends a part when its supervisor is gone": (
        "met fin à une partie quand son superviseur a disparu"
    ),
    "exited": "terminée",
    "failed": "échec",
    "fatal": "abandonnée",
    "in_review": "en révision",
    "left over from before and ended: {parts}": "restait d’avant, et arrêté : {parts}",
    "no": "non",
    "not installed: {names}": "pas installé : {names}",
    "notebook servers still running: {count}": "serveurs de carnets encore en marche : {count}",
    "ok": "ok",
    "open": "ouvert",
    "operator": "opérateur",
    "password, shown only this once: {password}": (
        "mot de passe, montré cette seule fois : {password}"
    ),
    "pending": "en préparation",
    "port {port}, which {part} needs, is taken by {who}": (
        "le port {port}, qu’il faut à {part}, est pris par {who}"
    ),
    "process {pid} ({command})": "le processus {pid} ({command})",
    "process {pid} ({part}) does not end": "le processus {pid} ({part}) ne finit pas",
    "ready": "prêt",
    "refused": "refusé",
    "rejected": "refusée",
    "removed what nobody held any more: {names}": (
        "enlevé ce que plus personne ne tenait : {names}"
    ),
    "requester": "demandeur",
    "reviewer": "réviseur",
    "revoked": "révoqué",
    "sandbox {id} is {phase} after {seconds:.0f} seconds": (
        "le bac à sable {id} est « {phase} » après {seconds:.0f} secondes"
    ),
    "scientist": "scientifique",
    "secrets made: {count}": "secrets créés : {count}",
    "setpriv is not installed: parts could outlive their supervisor": (
        "setpriv n’est pas installé : des parties pourraient survivre à leur superviseur"
    ),
    "starting": "démarre",
    "stopped": "arrêtée",
    "submitted": "déposée",
    "the control plane does not answer: {why}": "le plan de contrôle ne répond pas : {why}",
    "the database: {why}": "la base de données : {why}",
    "the first request is {state}, not approved": (
        "la première demande est « {state} », pas approuvée"
    ),
    "the first sandbox is deleted at once": "le premier bac à sable est aussitôt supprimé",
    ("the first sandbox is not ready after {seconds:.0f} seconds: {stage} is {seen} {code}"): (
        "le premier bac à sable n’est pas prêt après {seconds:.0f} secondes : {stage} est "
        "« {seen} » {code}"
    ),
    "the lab": "le laboratoire",
    "the lab does not answer at {url} ({why}); is it up? See 'lab status'.": (
        "le laboratoire ne répond pas à {url} ({why}); est-il en marche? Voyez « lab status »."
    ),
    "the lab had not been stopped; found down: {parts}": (
        "le laboratoire n’avait pas été arrêté; trouvé à terre : {parts}"
    ),
    "the lab refused its first sandbox: {why} [{code}]": (
        "le laboratoire refuse son premier bac à sable : {why} [{code}]"
    ),
    "the lab's code or settings changed: parts are restarted": (
        "le code ou les réglages du laboratoire ont changé : les parties sont redémarrées"
    ),
    "the notebook is not ready after {seconds:.0f} seconds": (
        "le carnet n’est pas prêt après {seconds:.0f} secondes"
    ),
    "the notebook is {state}: {why}": "le carnet est « {state} » : {why}",
    (
        "the secret {path} is empty, too short or a placeholder: delete it and one will be "
        "made at random"
    ): (
        "le secret {path} est vide, trop court ou un exemple : supprimez-le et un autre "
        "sera tiré au hasard"
    ),
    "the supervisor did not start: {why}": "le superviseur n’a pas démarré : {why}",
    "the supervisor does not answer": "le superviseur ne répond pas",
    "none in {path}": "aucun dans {path}",
    "there is no notebook environment at {path}": (
        "il n’y a pas d’environnement de carnets dans {path}"
    ),
    "there is no operator's token at {path}; run 'lab up', or set LAB_TOKEN": (
        "il n’y a pas de jeton d’opérateur dans {path}; lancez « lab up », ou donnez LAB_TOKEN"
    ),
    "unknown": "inconnu",
    "waiting": "attend",
    "warning": "avertissement",
    "the lab does not answer behind {url} (HTTP {status}); try again in a minute": (
        "le laboratoire ne répond pas derrière {url} (HTTP {status}); réessayez dans une minute"
    ),
    "what answers at {url} is not the lab (HTTP {status})": (
        "ce qui répond à {url} n’est pas le laboratoire (HTTP {status})"
    ),
    "withdrawn": "retirée",
    "yes": "oui",
    "{first} to {last} are free or ours": "{first} à {last} sont libres ou à nous",
    "{free:.1f} GiB free for {path}": "{free:.1f} Gio libres pour {path}",
    "{part} ends again and again": "{part} finit encore et encore",
    "{part} had ended and was restarted by the supervisor": (
        "{part} avait fini et a été redémarrée par le superviseur"
    ),
    "{part} is not ready after {seconds:.0f} seconds": (
        "{part} n’est pas prête après {seconds:.0f} secondes"
    ),
    "{part} was stopped: it is started": "{part} était arrêtée : elle est démarrée",
    "{path}": "{path}",
    "{path} can be read by others: chmod {mode} {path}": (
        "{path} peut être lu par d’autres : chmod {mode} {path}"
    ),
    "{path} cannot be written by you": "vous ne pouvez pas écrire dans {path}",
    "{path} is not a folder": "{path} n’est pas un dossier",
    "{path} is not a folder of yours alone": "{path} n’est pas un dossier à vous seul",
    "{path} is not a plain file": "{path} n’est pas un simple fichier",
    "{path} is too long for unix sockets": "{path} est trop long pour des prises unix",
    "{versions}": "{versions}",
}
