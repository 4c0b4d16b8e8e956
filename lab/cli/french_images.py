"""What ``lab images`` says, in French."""

from __future__ import annotations

IMAGES: dict[str, str] = {
    "'{text}' is not the name of a registry or an image": (
        "« {text} » n’est pas le nom d’un registre ou d’une image"
    ),
    "--file wants NAME=PATH, not {given}": "--file veut NOM=CHEMIN, pas {given}",
    "A program that an image needs from outside: minio=PATH.": (
        "Un programme d’ailleurs dont une image a besoin : minio=CHEMIN."
    ),
    (
        "Build the images that changed, and write what each is made of in "
        ".build/sbom.\n\nPython packages are fetched by hash before the build, into "
        ".build/wheels: a\nmachine without a package index builds from a copy of that "
        "folder."
    ): (
        "Bâtir les images qui ont changé, et écrire de quoi chacune est faite dans "
        ".build/sbom.\n\nLes paquets Python sont pris par empreinte avant la construction, "
        "dans .build/wheels :\nune machine sans index de paquets bâtit à partir d’une "
        "copie de ce dossier."
    ),
    (
        "Build what changed, push it, and write the digests in images/digests.json.\n\nThe "
        "chart deploys exactly those digests."
    ): (
        "Bâtir ce qui a changé, le pousser, et écrire les empreintes dans "
        "images/digests.json.\n\nLe graphique Helm déploie exactement celles-là."
    ),
    "Built": "Bâtie",
    "Check that it runs and that you may write to it, then run it again": (
        "Voyez s’il tourne et si vous pouvez y écrire, puis relancez"
    ),
    "Check the network or PIP_INDEX_URL, then run it again; what came is kept": (
        "Voyez le réseau ou PIP_INDEX_URL, puis relancez; ce qui est venu est gardé"
    ),
    "Container images of a cluster: build, push, list.": (
        "Images de conteneurs d’une grappe : bâtir, pousser, lister."
    ),
    "Image": "Image",
    "List the images: whether they are built and pushed as they are now.": (
        "Lister les images : si elles sont bâties et poussées telles qu’elles sont maintenant."
    ),
    "Name it: --registry HOST:PORT/PATH, or LAB_IMAGE_REGISTRY": (
        "Nommez-le : --registry HÔTE:PORT/CHEMIN, ou LAB_IMAGE_REGISTRY"
    ),
    "Name one that the engine has or can fetch: --base IMAGE (any Debian 12)": (
        "Nommez-en une que le moteur a ou peut prendre : --base IMAGE (toute Debian 12)"
    ),
    "New": "Nouvelle",
    "Pushed": "Poussée",
    "Reference": "Référence",
    "Run it again": "Relancez",
    "Say where it is: --file {name}=PATH": "Dites où il est : --file {name}=CHEMIN",
    "Start Docker, or name another engine: --host unix:///PATH": (
        "Démarrez Docker, ou nommez un autre moteur : --host unix:///CHEMIN"
    ),
    "The container engine; else DOCKER_HOST.": "Le moteur de conteneurs; sinon DOCKER_HOST.",
    "The storage and the database for trials too.": (
        "Aussi le stockage et la base de données d’essai."
    ),
    "What the images start from, any Debian 12; else an official Python image.": (
        "Ce dont les images partent, toute Debian 12; sinon une image officielle de Python."
    ),
    "Where to push, HOST:PORT/PATH; else where the last push went.": (
        "Où pousser, HÔTE:PORT/CHEMIN; sinon au dernier endroit."
    ),
    "Which; all where none is named.": "Lesquelles; toutes si aucune n’est nommée.",
    "Write HOST:PORT/PATH, as in registry.example.org/lab": (
        "Écrivez HÔTE:PORT/CHEMIN, comme registry.example.org/lab"
    ),
    "building": "se bâtit",
    "built": "bâtie",
    "fetching": "à prendre :",
    "no container engine answers at {host}: {why}": (
        "aucun moteur de conteneurs ne répond à {host} : {why}"
    ),
    "no registry is named": "aucun registre n’est nommé",
    "present": "déjà là",
    "pushed": "poussée",
    "pushing": "se pousse",
    "the base image {base} cannot be had: {why}": (
        "l’image de base {base} ne peut être obtenue : {why}"
    ),
    "the image {image} changed while it was built": (
        "l’image {image} a changé pendant sa construction"
    ),
    "the image {image} could not be built, at the step {step}: {why}": (
        "l’image {image} n’a pu être bâtie, à l’étape {step} : {why}"
    ),
    "the image {image} needs the program {name}, which was not given": (
        "l’image {image} a besoin du programme {name}, qui n’a pas été donné"
    ),
    "the locked packages could not be fetched: {why}": (
        "les paquets verrouillés n’ont pu être pris : {why}"
    ),
    "the registry {registry} did not take {image}: {why}": (
        "le registre {registry} n’a pas pris {image} : {why}"
    ),
    "there is no image {name}; there are {known}": ("il n’y a pas d’image {name}; il y a {known}"),
    "unchanged": "inchangée",
    "{path}: {why}": "{path} : {why}",
    "{tool} is not installed": "{tool} n’est pas installé",
    "{why}": "{why}",
}
