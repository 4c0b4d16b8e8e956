"""What ``lab dataset`` says of dossiers, in French."""

from __future__ import annotations

INTAKES: dict[str, str] = {
    "Analyse a published version again, by the thresholds of today (s. 8).": (
        "Refaire l’analyse d’une version publiée, selon les seuils d’aujourd’hui (art. 8)."
    ),
    "Answer for a very low residual risk, as the competent person.": (
        "Répondre d’un risque résiduel très faible, à titre de personne compétente."
    ),
    "Answer for what the lab analysed by itself.": (
        "Répondre de ce que le laboratoire a analysé seul."
    ),
    "As 'lab dataset columns -o json', changed.": (
        "Comme « lab dataset columns -o json », modifié."
    ),
    "Code of the agency it comes from.": "Code de l’organisme d’où elle vient.",
    "Confirm every column as it is proposed?": "Confirmer chaque colonne comme elle est proposée?",
    "Confirm what each column is. Identifiers go no further.": (
        "Confirmer ce qu’est chaque colonne. Les identifiants ne vont pas plus loin."
    ),
    "Confirmed": "Confirmé",
    "Destroyed": "Destruction",
    "Distinct sensitive values.": "Valeurs sensibles distinctes.",
    "Do not stay until it is done.": "Ne pas attendre la fin.",
    "Dossier": "Dossier",
    "For example in-3f9a0c1d2e.": "Par exemple in-3f9a0c1d2e.",
    "Its id; with @ and a number, one version.": (
        "Son identifiant; avec @ et un numéro, une version."
    ),
    "Its status: synthetique, anonymise, ouvert or depersonnalise.": (
        "Son statut : synthetique, anonymise, ouvert ou depersonnalise."
    ),
    "Its title, in English.": "Son titre, en anglais.",
    "Its title, in French.": "Son titre, en français.",
    "JSON: what each column may hold.": "JSON : ce que chaque colonne peut contenir.",
    "Kept": "Gardée",
    "Largest distance.": "Distance la plus grande.",
    "List the dossiers, newest first.": "Lister les dossiers, du plus récent au plus ancien.",
    "Login of the competent person, who signs.": (
        "Identifiant de la personne compétente, qui signe."
    ),
    "Login of who in the agency asked for it.": (
        "Identifiant de qui l’a demandée dans l’organisme."
    ),
    "Make the final analysis: risks before and after, and utility.": (
        "Faire l’analyse finale : risques avant et après, et utilité."
    ),
    "Make the table that may be published: k-anonymity, or a synthesis.": (
        "Faire la table qui pourra être publiée : k-anonymat, ou synthèse."
    ),
    "Next review": "Prochaine évaluation",
    "Only leave columns out: the data are public.": (
        "Seulement retirer des colonnes : les données sont publiques."
    ),
    "Only the agency itself will see it.": "Seul l’organisme la verra.",
    "Only this agency's.": "Seulement ceux de cet organisme.",
    "Only those in this state, for example read.": (
        "Seulement ceux dans cet état, par exemple read."
    ),
    "Open a dossier and send the file, which is encrypted as it comes.": (
        "Ouvrir un dossier et envoyer le fichier, chiffré à mesure."
    ),
    "Opened": "Ouvert",
    "Passes": "Concluante",
    "Proposed": "Proposé",
    "Publish what is signed; the deposited file is then destroyed.": (
        "Publier ce qui est signé; le fichier déposé est ensuite détruit."
    ),
    "Purposes": "Fins",
    "Read the file and say what each column seems to be.": (
        "Lire le fichier et dire ce que semble être chaque colonne."
    ),
    "Refuse a dossier; the deposited file is then destroyed.": (
        "Refuser un dossier; le fichier déposé est ensuite détruit."
    ),
    "Reviewed": "Réévaluée",
    "Run {id} is {state}.": "Travail {id} : {state}.",
    "Share of rows that may be left out.": "Part des lignes qui peuvent être retirées.",
    "Show the register that the regulation asks for (s. 9).": (
        "Montrer le registre que demande le règlement (art. 9)."
    ),
    "Show what was found in each column, and what was confirmed.": (
        "Montrer ce qui a été trouvé dans chaque colonne, et ce qui a été confirmé."
    ),
    "Show what a version says of itself: its card, or its description for programs.": (
        "Montrer ce qu’une version dit d’elle : sa fiche, ou sa description pour les programmes."
    ),
    "Refuse {id} and destroy its file? It cannot be undone.": (
        "Refuser {id} et détruire son fichier? C’est sans retour."
    ),
    "Withdraw {id} and its version? It cannot be undone.": (
        "Retirer {id} et sa version? C’est sans retour."
    ),
    "Confirm the analysis made again of {id}?": "Confirmer l’analyse refaite de {id}?",
    "Sign the final analysis of {id}?": "Signer l’analyse finale de {id}?",
    "Signed by": "Signée par",
    "Signs": "Signe",
    "Smallest class; 0 for the policy's.": "Plus petite classe; 0 pour celle de la politique.",
    "Save the report of a dossier: two pages, for its file and for whoever asks.": (
        "Enregistrer le rapport d’un dossier : deux pages, pour le classer et pour qui le demande."
    ),
    "Synthesise instead, with this ε.": "Plutôt synthétiser, avec cet ε.",
    "Take every column as it is proposed.": "Prendre chaque colonne comme elle est proposée.",
    "Technique": "Technique",
    "The agency's table.": "La table de l’organisme.",
    "The name it shall be published under.": "Le nom sous lequel elle sera publiée.",
    "Under which licence it may be used.": "La licence sous laquelle elle peut servir.",
    "What one row is, in English.": "Ce qu’est une ligne, en anglais.",
    "What one row is, in French.": "Ce qu’est une ligne, en français.",
    "What you say to it; it is kept.": "Ce que vous en dites; c’est gardé.",
    "What the anonymised data are for.": "À quoi serviront les données anonymisées.",
    "Where it comes from.": "D’où elle vient.",
    "Why; it is kept.": "Pourquoi; c’est gardé.",
    "Withdraw a dossier; its version leaves the sandboxes that have it.": (
        "Retirer un dossier; sa version quitte les bacs à sable qui l’ont."
    ),
    "Write it there; else on the screen.": "L’écrire là; sinon, à l’écran.",
    "Write it there; else beside you.": "L’écrire là; sinon, à côté de vous.",
    "Write it there, with French headers.": "L’écrire là, avec des en-têtes en français.",
    "cancelled": "annulé",
    "columns_confirmed": "colonnes confirmées",
    "deposited": "déposé",
    "interrupted": "interrompu",
    "markdown, frictionless, croissant or dcat.": ("markdown, frictionless, croissant ou dcat."),
    "measured": "mesuré",
    "opened": "ouvert",
    "published": "publié",
    "pdf or html.": "pdf ou html.",
    "queued": "en attente",
    "read": "lu",
    "running": "en cours",
    "say --columns FILE or --as-proposed": "dites --columns FICHIER ou --as-proposed",
    "sending": "envoi",
    "signed": "signé",
    "the file {path} cannot be read: {why}": "le fichier {path} ne peut pas être lu : {why}",
    "the file {path} cannot be written: {why}": (
        "le fichier {path} ne peut pas être écrit : {why}"
    ),
    "treated": "traité",
    "{why}": "{why}",
}
